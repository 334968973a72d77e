"""Adjusted means with their intervals, by arm and visit. Not here: estimating them, the figures' look."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import MEAN, Estimate, arm_label, estimates, visit_label
from analysis.reporting.figures import look
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "adjusted-means"
APART = (
    0.018  # of the time axis: how far arms stand apart at a visit, so that intervals don't cover each other
)


def adjusted_means_figure(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the figure of the primary analysis; none when no mean could be estimated."""
    means = _means(results, trial)
    if not means:
        return ()
    shuffled = is_shuffled(results)
    said = marked(_said(means, trial), SHUFFLED if shuffled else "")
    figure = _draw(means, trial, shuffled=shuffled)
    return (look.picture(figure, NAME, adjusted_means_title(trial), said),)


def adjusted_means_title(trial: Trial) -> str:
    """Return what the figure shows, in a line."""
    outcome = trial.outcomes[trial.primary.outcome]
    level = numbers.level(trial.primary_analysis.confidence)
    return f"{outcome.label}: adjusted means with {level} confidence intervals, by arm and visit"


def _means(results: pd.DataFrame, trial: Trial) -> list[Estimate]:
    rows = estimates(results, analysis=trial.primary_analysis.name, statistic=MEAN)
    return [mean for mean in rows if mean.is_estimable]


def _said(means: list[Estimate], trial: Trial) -> str:
    """Return the figure in words: each mean with its interval."""
    parts = []
    for mean in means:
        limits = numbers.interval(mean.lower, mean.upper, mean.decimals)
        where = f"{arm_label(mean.arm, trial)} at {visit_label(mean.visit, trial)}"
        parts.append(f"{where}: {numbers.number(mean.value, mean.decimals)} {limits}")
    return "; ".join(parts) + "."


def _draw(means: list[Estimate], trial: Trial, *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    with mpl.rc_context(look.RC):
        figure, axes = look.blank(7.4, 4.1)
        _mark_primary_visit(axes, trial)
        for position, arm in enumerate((trial.reference_arm, *trial.compared_arms)):
            _draw_arm(axes, [m for m in means if m.arm == arm.code], arm, position, trial)
        _label(axes, trial)
        if shuffled:
            look.mark(axes, MARK)
    return figure


def _draw_arm(axes: "Axes", means: list[Estimate], arm: Arm, position: int, trial: Trial) -> None:
    style, months = look.style(position), {visit.code: visit.month for visit in trial.visits}
    shift = (position - (len(trial.arms) - 1) / 2) * APART * _span(trial)
    at = [months[mean.visit] + shift for mean in means]
    values = [mean.value for mean in means]
    errors = [[m.value - m.lower for m in means], [m.upper - m.value for m in means]]
    axes.errorbar(
        at, values, errors, fmt="none", ecolor=style.colour, elinewidth=1.3, capsize=3.5, capthick=1.3
    )
    inside = style.colour if style.is_filled else look.PAPER
    axes.plot(
        at, values, color=style.colour, linestyle=style.dashes, linewidth=1.9, label=arm.label,
        marker=style.marker, markersize=7, markeredgewidth=1.6, markerfacecolor=inside,
    )  # fmt: skip


def _span(trial: Trial) -> float:
    months = [visit.month for visit in trial.follow_ups]
    return max(max(months) - min(months), 1.0)


def _mark_primary_visit(axes: "Axes", trial: Trial) -> None:
    primary = next(visit for visit in trial.visits if visit.code == trial.primary.visit)
    half = 0.045 * _span(trial)
    axes.axvspan(primary.month - half, primary.month + half, color=look.BAND, linewidth=0, zorder=0)


def _label(axes: "Axes", trial: Trial) -> None:
    outcome, visits = trial.outcomes[trial.primary.outcome], trial.follow_ups
    labels = [f"{v.label}\n(primary)" if v.code == trial.primary.visit else v.label for v in visits]
    axes.set_xticks([visit.month for visit in visits], labels)
    margin = 0.08 * _span(trial)
    axes.set_xlim(min(v.month for v in visits) - margin, max(v.month for v in visits) + margin)
    unit = f", {outcome.unit}" if outcome.unit else ""
    axes.set_title(
        f"{outcome.label}{unit} ({outcome.better} is better)",
        loc="left",
        color=look.INK,
        fontsize=10.5,
        pad=34,
    )
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False, labelcolor=look.INK,
        handlelength=3.4, borderaxespad=0.2, columnspacing=2.2,
    )  # fmt: skip
