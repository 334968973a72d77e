"""The primary model's difference at each visit, with its interval. Not here: the means behind it (adjusted_means)."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import DIFFERENCE, Estimate, contrast, estimates, visit_label
from analysis.reporting.figures import look
from analysis.reporting.figures.forest import scale_of, sides
from analysis.reporting.figures.visits import WIDTH, beside, height, mark_primary_visit, visit_axis
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, SMALL = "visit-differences", 9.5  # points


def differences_figure(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the figure of the primary analysis; none when no difference could be estimated at two visits."""
    rows = estimates(results, analysis=trial.primary_analysis.name, statistic=DIFFERENCE)
    found = [one for one in rows if one.is_estimable and one.visit]
    if len({one.visit for one in found}) < 2:
        return ()
    shuffled = is_shuffled(results)
    outcome = trial.outcomes[trial.primary.outcome]
    level = numbers.level(trial.primary_analysis.confidence)
    against = trial.reference_arm.label
    title = f"{outcome.label}: difference from {against} at each visit, with {level} confidence interval"
    said = marked(_said(found, trial), SHUFFLED if shuffled else "")
    return (look.picture(_draw(found, trial, shuffled=shuffled), NAME, title, said),)


def _said(found: list[Estimate], trial: Trial) -> str:
    """Return the figure in words: each difference with its interval and p-value."""
    names = {contrast(arm, trial): arm.label for arm in trial.compared_arms}
    parts = []
    for one in found:
        shown = f"{numbers.number(one.value, one.decimals)} {numbers.interval(one.lower, one.upper, one.decimals)}"
        where = f"{names[one.contrast]} at {visit_label(one.visit, trial)}"
        parts.append(f"{where}: {shown}, {numbers.p_clause(one.p_value)}")
    return "; ".join(parts) + "."


def _draw(found: list[Estimate], trial: Trial, *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    with mpl.rc_context(look.RC):
        figure, axes = look.blank(WIDTH, height(3.6, trial))
        mark_primary_visit(axes, trial)
        axes.axhline(0, color=look.INK, linewidth=1.0, zorder=1)
        for position, arm in enumerate(trial.compared_arms, start=1):
            own = [one for one in found if one.contrast == contrast(arm, trial)]
            _draw_arm(axes, own, arm, position, trial)
        visit_axis(axes, trial)
        _label(axes, trial)
        if shuffled:
            look.mark(axes, MARK)
    return figure


def _draw_arm(axes: "Axes", found: list[Estimate], arm: Arm, position: int, trial: Trial) -> None:
    style, months = look.style(position), {visit.code: visit.month for visit in trial.visits}
    n_arms, values = len(trial.compared_arms), [one.value for one in found]
    at = [beside(months[one.visit], position - 1, n_arms, trial) for one in found]
    errors = [[one.value - one.lower for one in found], [one.upper - one.value for one in found]]
    axes.errorbar(
        at, values, errors, fmt=style.marker, color=style.colour, elinewidth=1.6, capsize=3.5, capthick=1.6,
        markersize=8, markeredgewidth=1.6, label=arm.label,
        markerfacecolor=style.colour if style.is_filled else look.PAPER,
    )  # fmt: skip


def _label(axes: "Axes", trial: Trial) -> None:
    """Name what is shown, and whom each side of zero favours."""
    outcome = trial.outcomes[trial.primary.outcome]
    below, above = sides(outcome, trial)
    words = f"\N{UPWARDS ARROW} favours {above}; \N{DOWNWARDS ARROW} favours {below}"
    lines = "\n".join(look.wrapped(words, WIDTH - 1, SMALL))
    axes.set_xlabel(lines, loc="left", fontsize=SMALL, color=look.QUIET, labelpad=8)
    axes.margins(y=0.08)
    look.titled(axes, scale_of(outcome))
