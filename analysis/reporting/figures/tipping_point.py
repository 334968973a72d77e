"""The tipping-point heat map: where which arm is favoured. Not here: estimating it, the figures' look."""

import math
from typing import TYPE_CHECKING, Literal

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, contrast
from analysis.reporting.figures import look
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from analysis.reporting.tables.tipping import grid_places, significance, tipping_sentence
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

WIDTH, ROOM, MOST_LINES = 7.4, 2.2, 3  # inches: of the figure, of the upright words beside the grid
Verdict = Literal["compared", "reference", "neither", "unknown"]
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
    several = f", {_versus(trial, arm)}" if len(trial.compared_arms) > 1 else ""
    title = f"{analysis.label}{several}: p-value by what is added to imputed values"
    shuffled = is_shuffled(results)
    words = f"{tipping_sentence(results, trial, analysis, arm)} {_said(places, trial, analysis, arm)}"
    said = marked(words, SHUFFLED if shuffled else "")
    figure = _draw(places, trial, analysis, arm, shuffled=shuffled)
    return look.picture(figure, f"tipping-map-{analysis.name}-{arm.code}", title, said)


def _versus(trial: Trial, arm: Arm) -> str:
    return f"{arm.label} against {trial.reference_arm.label}"


def _verdict(found: Estimate, better: str, alpha: float) -> Verdict:
    """Return whom a place favours, by the direction in which the outcome is better; nobody without significance."""
    if math.isnan(found.p_value):
        return "unknown"
    if found.p_value >= alpha:
        return "neither"
    return "compared" if (found.value > 0) == (better == "higher") else "reference"


def _said(places: Places, trial: Trial, analysis: Analysis, arm: Arm) -> str:
    """Return the grid in words: its middle, its ends, and whom how many of its places favour."""
    outcome, alpha = trial.outcomes[trial.estimands[analysis.estimand].outcome], 1 - analysis.confidence
    verdicts = [_verdict(found, outcome.better, alpha) for found in places.values()]
    labels: dict[Verdict, str] = {**_labels(trial, analysis, arm), "unknown": "no p"}
    counts = "; ".join(f"{labels[one]}: {verdicts.count(one)}" for one in labels if one in verdicts)
    ps = sorted(found.p_value for found in places.values() if not math.isnan(found.p_value))
    ends = f" Over the grid p goes from {numbers.p_value(ps[0])} to {numbers.p_value(ps[-1])}." if ps else ""
    better = f"Of {outcome.label}, {outcome.better} is better."
    ways = f"{_versus(trial, arm)}, {len(places)} places of the grid: {counts}."
    if (found := places.get((0.0, 0.0))) is None:
        return f"{better}{ends} {ways}"
    difference, p = numbers.number(found.value, found.decimals), numbers.p_clause(found.p_value)
    return f"{better} With nothing added the difference is {difference} ({p}).{ends} {ways}"


def _labels(trial: Trial, analysis: Analysis, arm: Arm) -> dict[Verdict, str]:
    """Return what a place's look means."""
    level = significance(analysis)
    return {
        "compared": f"p below {level}, favours {arm.label}",
        "reference": f"p below {level}, favours {trial.reference_arm.label}",
        "neither": f"p of {level} or more",
    }


def _signed(delta: float) -> str:
    return f"+{delta:g}" if delta > 0 else f"{delta:g}".replace("-", numbers.MINUS)


def _draw(places: Places, trial: Trial, analysis: Analysis, arm: Arm, *, shuffled: bool) -> "Figure":
    import matplotlib as mpl

    own, other = (sorted({place[axis] for place in places}) for axis in (0, 1))
    outcome, labels = (
        trial.outcomes[trial.estimands[analysis.estimand].outcome],
        _labels(trial, analysis, arm),
    )
    across, along = _added(trial.reference_arm, "", ROOM), _added(arm, _scale(outcome), WIDTH - 1)
    legend = look.entries(list(labels.values()), WIDTH - 0.5)
    tall = max(0.42 * len(other), *(look.text_width(line, look.SIZE) for line in across))
    with mpl.rc_context(look.RC):
        figure, axes = look.blank(WIDTH, tall + 1.4 + legend.height + look.LINE * len(along))
        axes.grid(visible=False)
        for (x, y), found in places.items():
            verdict = _verdict(found, outcome.better, 1 - analysis.confidence)
            _cell(axes, own.index(x), other.index(y), found, verdict)
        _scales(axes, own, other)
        axes.set_xlabel("\n".join(along), color=look.INK)
        axes.set_ylabel("\n".join(across), color=look.INK)
        look.titled(axes, "p-value", [_place(verdict, label=label) for verdict, label in labels.items()])
        if shuffled:
            look.mark(axes, MARK)
    return figure


def _added(arm: Arm, detail: str, room: float) -> tuple[str, ...]:
    return look.wrapped(f"Added to imputed values, {arm.label}{detail}", room, look.SIZE, most=MOST_LINES)


def _scale(outcome: Outcome) -> str:
    return f" ({f'{outcome.unit}; ' if outcome.unit else ''}{outcome.better} is better)"


def _place(verdict: Verdict, at: tuple[float, float] = (0.0, 0.0), label: str = "") -> "Rectangle":
    """Return a place of the grid: filled, outlined, or plain, so that grey tells them apart too."""
    from matplotlib.patches import Rectangle

    face, edge = {
        "compared": (look.STYLES[1].colour, look.STYLES[1].colour),
        "reference": (look.PAPER, look.STYLES[2].colour),
        "neither": (look.BAND, look.BAND),
        "unknown": (look.PAPER, look.PAPER),
    }[verdict]
    x, y = at
    return Rectangle(
        (x - 0.47, y - 0.44), 0.94, 0.88, facecolor=face, edgecolor=edge, linewidth=2.0, label=label
    )


def _cell(axes: "Axes", x: int, y: int, found: Estimate, verdict: Verdict) -> None:
    """Draw a place with its p written in it."""
    axes.add_patch(_place(verdict, (x, y)))
    axes.text(
        x, y, numbers.p_value(found.p_value), ha="center", va="center", fontsize=9.5, in_layout=False,
        color=look.PAPER if verdict == "compared" else look.INK,
    )  # fmt: skip


def _scales(axes: "Axes", own: list[float], other: list[float]) -> None:
    axes.set_xlim(-0.49, len(own) - 0.5)
    axes.set_ylim(-0.6, len(other) - 0.4)
    axes.set_xticks(range(len(own)), [_signed(x) for x in own])
    axes.set_yticks(range(len(other)), [_signed(y) for y in other])
    axes.spines["bottom"].set_visible(False)
