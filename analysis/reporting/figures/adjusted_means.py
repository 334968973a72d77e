"""Adjusted means with their intervals, by arm and visit. Not here: estimating them, the figures' look."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import MEAN, Estimate, arm_label, estimates, visit_label
from analysis.reporting.figures import look
from analysis.reporting.figures.visits import WIDTH, beside, height, mark_primary_visit, visit_axis
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "adjusted-means"


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
        figure, axes = look.blank(WIDTH, height(4.1, trial))
        mark_primary_visit(axes, trial)
        for position, arm in enumerate(trial.ordered_arms):
            _draw_arm(axes, [m for m in means if m.arm == arm.code], arm, position, trial)
        visit_axis(axes, trial)
        look.titled(axes, _title(trial))
        if shuffled:
            look.mark(axes, MARK)
    return figure


def _draw_arm(axes: "Axes", means: list[Estimate], arm: Arm, position: int, trial: Trial) -> None:
    style, months = look.style(position), {visit.code: visit.month for visit in trial.visits}
    at = [beside(months[mean.visit], position, len(trial.arms), trial) for mean in means]
    values = [mean.value for mean in means]
    errors = [[m.value - m.lower for m in means], [m.upper - m.value for m in means]]
    axes.errorbar(
        at, values, errors, fmt="none", color=style.colour, elinewidth=1.3, capsize=3.5, capthick=1.3
    )
    inside = style.colour if style.is_filled else look.PAPER
    axes.plot(
        at, values, color=style.colour, linestyle=style.dashes, linewidth=1.9, label=arm.label,
        marker=style.marker, markersize=7, markeredgewidth=1.6, markerfacecolor=inside,
    )  # fmt: skip


def _title(trial: Trial) -> str:
    outcome = trial.outcomes[trial.primary.outcome]
    unit = f", {outcome.unit}" if outcome.unit else ""
    return f"{outcome.label}{unit} ({outcome.better} is better)"
