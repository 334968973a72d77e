"""What the primary model leaves over: against the normal distribution, by fitted value, by visit.

Not here: the residuals (estimators.residuals).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.estimators.residuals import FITTED, MEDIAN, QUANTILE, RESIDUALS
from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, estimates, visit_label
from analysis.reporting.figures import look, panels
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Paragraph, Picture
from data_contracts.spec import Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "residuals"
QUARTILE = 0.6744897501960817  # of the normal distribution
WIDTHS = (1.15, 1.3, 1.0)
LEFT, TOP, GAPS = 0.62, 0.44, (0.52, 0.14)  # inches around and between the panels
MOST_LINES = 3  # of a visit's label
VISITS_WIDTH = 1.7  # inches: of the panel of visits
LEAST_REACH = 1.2  # of the axis, each way: small deviations are not to look large


@dataclass(frozen=True, slots=True)
class Shown:
    """What the three panels show."""

    quantiles: tuple[tuple[float, Estimate], ...]  # normal quantile, mean residual there
    by_fitted: tuple[tuple[float, Estimate], ...]  # median fitted value of a group, its residuals
    by_visit: tuple[Estimate, ...]


def residuals_figure(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the figure of the primary model's residuals; none where it has none."""
    shown = _shown(results)
    if not (shown.quantiles or shown.by_fitted or shown.by_visit):
        return ()
    shuffled = is_shuffled(results)
    said = marked(_said(shown, trial), SHUFFLED if shuffled else "")
    figure = _draw(shown, trial, shuffled=shuffled)
    return (look.picture(figure, NAME, residuals_title(trial), said),)


def residuals_note(results: pd.DataFrame) -> tuple[Paragraph, ...]:
    """Return how the figure is to be read; nothing where there is none."""
    shown = _shown(results)
    if not shown.quantiles:
        return ()
    scaled = shown.quantiles[0][1].method.partition(";")[0]
    text = (
        f"Against the normal distribution: {scaled}; each point is the mean of at least ten that follow each other in "
        "size, so that no participant's own is shown. By fitted value and by visit: each over its own SD. A model that "
        "holds has its points on the dashed lines and its quartiles at the dotted ones."
    )
    return (Paragraph(text, "notes"),)


def residuals_title(trial: Trial) -> str:
    """Return what the figure shows, in a line."""
    return f"{trial.primary_analysis.label}: residuals in standard deviations, in groups of at least ten"


def _shown(results: pd.DataFrame) -> Shown:
    from scipy.special import ndtri

    rows = [e for e in estimates(results, analysis=RESIDUALS) if not math.isnan(e.value)]
    fitted = {e.at: e.value for e in rows if e.statistic == FITTED}
    medians = [e for e in rows if e.statistic == MEDIAN]
    return Shown(
        tuple((float(ndtri(float(e.at))), e) for e in rows if e.statistic == QUANTILE),
        tuple((fitted[e.at], e) for e in medians if e.at in fitted),
        tuple(e for e in medians if e.visit),
    )


def _said(shown: Shown, trial: Trial) -> str:
    """Return the figure in words: how far from normal, and each group's median and quartiles."""
    return " ".join([_said_of_quantiles(shown), _said_of_fitted(shown, trial), _said_of_visits(shown, trial)])


def _said_of_quantiles(shown: Shown) -> str:
    if not shown.quantiles:
        return "There are too few residuals to compare with the normal distribution."
    expected, apart = max(shown.quantiles, key=lambda point: abs(point[1].value - point[0]))
    (low, lowest), (high, highest) = shown.quantiles[0], shown.quantiles[-1]
    return (
        f"Against the normal distribution, {len(shown.quantiles)} groups: the lowest averages {_two(lowest.value)} "
        f"where {_two(low)} is expected, the highest {_two(highest.value)} where {_two(high)} is; furthest from what "
        f"is expected is {_two(apart.value)} for {_two(expected)}."
    )


def _said_of_fitted(shown: Shown, trial: Trial) -> str:
    unit = trial.outcomes[trial.primary.outcome].unit
    parts = [
        f"{_middle(e)} at {numbers.number(at, 1)}{f' {unit}' if unit else ''}" for at, e in shown.by_fitted
    ]
    return f"Median and quartiles by fitted value: {'; '.join(parts)}."


def _said_of_visits(shown: Shown, trial: Trial) -> str:
    parts = [f"{_middle(e)} at {visit_label(e.visit, trial)}" for e in shown.by_visit]
    return f"By visit: {'; '.join(parts)}."


def _middle(found: Estimate) -> str:
    return f"{_two(found.value)} {numbers.interval(found.lower, found.upper, 2)}"


def _two(value: float) -> str:
    return numbers.number(value, 2)


def _draw(shown: Shown, trial: Trial, *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    labels, common = _visit_labels(shown, trial)
    below = max(
        [1, *(label.count("\n") + bool(common) for label in labels)]
    )  # lines under those of the ticks
    around = panels.Around(left=LEFT, bottom=0.36 + 0.155 * below, top=TOP, gaps=GAPS)
    with mpl.rc_context(look.RC):
        figure, (normal, fitted, visits) = panels.in_a_row(7.4, 3.1, WIDTHS, around, shared=(1, 2))
        _draw_quantiles(normal, shown)
        _draw_medians(fitted, [at for at, _ in shown.by_fitted], [e for _, e in shown.by_fitted])
        _draw_medians(visits, [float(i) for i, _ in enumerate(shown.by_visit)], list(shown.by_visit))
        _reach(fitted, [e for _, e in shown.by_fitted] + list(shown.by_visit))
        _label(normal, fitted, visits, trial)
        visits.set_xticks(range(len(labels)), labels)
        visits.set_xlabel(common, color=look.INK, fontsize=panels.SMALL)
        visits.set_xlim(-0.6, max(len(labels), 1) - 0.4)
        if shuffled:
            panels.mark_all(figure, MARK)
    return figure


def _draw_quantiles(axes: "Axes", shown: Shown) -> None:
    at, values = [x for x, _ in shown.quantiles], [e.value for _, e in shown.quantiles]
    reach = 1.08 * max([2.0, *map(abs, at), *map(abs, values)])
    axes.plot([-reach, reach], [-reach, reach], color=look.INK, linewidth=0.9, dashes=(4, 3))
    axes.plot(
        at, values, linestyle="none", marker="o", markersize=4, markeredgewidth=1.1,
        color=look.STYLES[1].colour, markerfacecolor=look.PAPER,
    )  # fmt: skip
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)


def _draw_medians(axes: "Axes", at: list[float], found: list[Estimate]) -> None:
    """Draw medians with quartiles, and where those of a normal distribution lie."""
    for level in (-QUARTILE, 0.0, QUARTILE):
        axes.axhline(level, color=look.INK, linewidth=0.9, dashes=(1.5, 2.5) if level else (4, 3), zorder=1)
    values = [e.value for e in found]
    errors = [[e.value - e.lower for e in found], [e.upper - e.value for e in found]]
    axes.errorbar(
        at, values, errors, fmt="s", color=look.STYLES[1].colour, markersize=4.5, elinewidth=1.4, zorder=3
    )


def _reach(axes: "Axes", found: list[Estimate]) -> None:
    reach = max([LEAST_REACH, *(1.1 * abs(limit) for e in found for limit in (e.lower, e.upper))])
    axes.set_ylim(-reach, reach)


def _label(normal: "Axes", fitted: "Axes", visits: "Axes", trial: Trial) -> None:
    unit = trial.outcomes[trial.primary.outcome].unit
    panels.title(normal, "Against the normal distribution:\nmeans of ten or more")
    panels.title(fitted, "By fitted value:\nmedian and quartiles")
    panels.title(visits, "By visit:\nmedian and quartiles")
    normal.set_ylabel("residual, in SD", color=look.INK, fontsize=panels.SMALL)
    normal.set_xlabel("expected of a normal distribution", color=look.INK, fontsize=panels.SMALL)
    fitted.set_xlabel(f"fitted{f', {unit}' if unit else ''}", color=look.INK, fontsize=panels.SMALL)


def _visit_labels(shown: Shown, trial: Trial) -> tuple[list[str], str]:
    """Return the visits' labels in lines, and the word that all of them end with; months where there is no room."""
    labels, common = _without_last_word([visit_label(e.visit, trial) for e in shown.by_visit])
    room = VISITS_WIDTH / max(len(labels), 1)
    lines = [look.wrapped(label, room, panels.SMALL) for label in labels]
    if any(len(own) > MOST_LINES for own in lines):
        months = {visit.code: visit.month for visit in trial.visits}
        return [f"{months[e.visit]:g}" for e in shown.by_visit], "months"
    return ["\n".join(own) for own in lines], common


def _without_last_word(labels: list[str]) -> tuple[list[str], str]:
    """Return labels less the word that all end with, such as "months", and that word."""
    parts = [label.rpartition(" ") for label in labels]
    last = {word for _, _, word in parts}
    if len(last) == 1 and all(first for first, _, _ in parts):
        return [first for first, _, _ in parts], last.pop()
    return labels, ""
