"""The tipping-point heat map: where the conclusion holds. Not here: estimating it, the figures' look."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, contrast
from analysis.reporting.figures import look
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from analysis.reporting.tables.tipping import grid_places, tipping_sentence
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Places = dict[tuple[float, float], Estimate]


def tipping_figures(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the figure of each tipping-point analysis with a grid over two arms."""
    found = []
    for analysis in trial.analyses.values():
        for arm in trial.compared_arms:
            places = grid_places(results, analysis, contrast(arm, trial))
            if analysis.estimator == "tipping_point" and len(places) > 1:
                found.append(_figure(results, trial, analysis, arm, places))
    return tuple(found)


def _figure(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm, places: Places) -> Picture:
    title = f"{analysis.label}: p-value by what is added to imputed values"
    shuffled = is_shuffled(results)
    words = f"{tipping_sentence(results, trial, analysis, arm)} {_said(places)}"
    said = marked(words, SHUFFLED if shuffled else "")
    figure = _draw(places, trial, analysis, arm, shuffled=shuffled)
    return look.picture(figure, f"tipping-map-{analysis.name}-{arm.code}", title, said)


def _said(places: Places) -> str:
    """Return the grid in words: its middle and its ends."""
    ps = sorted(found.p_value for found in places.values())
    ends = f"Over the grid p goes from {numbers.p_value(ps[0])} to {numbers.p_value(ps[-1])}."
    if (found := places.get((0.0, 0.0))) is None:
        return ends
    difference, p = numbers.number(found.value, found.decimals), numbers.p_clause(found.p_value)
    return f"With nothing added the difference is {difference} ({p}). {ends}"


def _signed(delta: float) -> str:
    return f"+{delta:g}" if delta > 0 else f"{delta:g}".replace("-", numbers.MINUS)


def _draw(places: Places, trial: Trial, analysis: Analysis, arm: Arm, *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    own, other = (sorted({place[axis] for place in places}) for axis in (0, 1))
    with mpl.rc_context(look.RC):
        figure, axes = look.blank(7.4, 0.42 * len(other) + 1.9)
        axes.grid(visible=False)
        for (x, y), found in places.items():
            _cell(axes, own.index(x), other.index(y), found, 1 - analysis.confidence)
        _label(axes, own, other, trial, analysis, arm)
        if shuffled:
            look.mark(axes, MARK)
    return figure


def _cell(axes: "Axes", x: int, y: int, found: Estimate, alpha: float) -> None:
    """Draw a place of the grid: filled where p is below alpha, with p written in it."""
    from matplotlib.patches import Rectangle

    holds = found.p_value < alpha
    colour = look.STYLES[1].colour if holds else look.BAND
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour, edgecolor="none"))
    ink = look.PAPER if holds else look.INK
    axes.text(
        x,
        y,
        numbers.p_value(found.p_value),
        ha="center",
        va="center",
        color=ink,
        fontsize=9.5,
        in_layout=False,
    )


def _label(  # noqa: PLR0913, PLR0917 - the two axes and what they stand for
    axes: "Axes", own: list[float], other: list[float], trial: Trial, analysis: Analysis, arm: Arm
) -> None:
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    axes.set_xlim(-0.49, len(own) - 0.5)
    axes.set_ylim(-0.6, len(other) - 0.4)
    axes.set_xticks(range(len(own)), [_signed(x) for x in own])
    axes.set_yticks(range(len(other)), [_signed(y) for y in other])
    axes.spines["bottom"].set_visible(False)
    unit = f" ({outcome.unit})" if outcome.unit else ""
    axes.set_xlabel(f"added to imputed values, {arm.label}{unit}", color=look.INK)
    axes.set_ylabel(f"added, {trial.reference_arm.label}")
    level = numbers.number(100 * (1 - analysis.confidence), 0)
    axes.set_title(f"p-value; filled where it is below {level}%", loc="left", color=look.INK, fontsize=10.5)
