"""The axis of visits, by month, and where arms stand on it. Not here: what is drawn at a visit."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from analysis.reporting.figures import look
from data_contracts.spec import Trial, Visit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.018  # of the axis: how far arms stand apart at a visit, so that intervals don't cover each other
HALF_BAND = 0.045  # of the axis: half the band of the primary visit, at least
WIDTH, LEGEND = 7.4, 0.25  # inches: of a figure, more for each further arm
BESIDE = 0.08  # of the axis: left free at either end
ANGLE, LONGEST, APART_ASLANT = 40, 1.9, 0.26  # degrees; inches: of a name aslant, between two of them
FOOT, BELOW = (
    0.04,
    11,
)  # of the axes' height: the line from a visit to its name; points: where the name begins


def beside(month: float, position: int, n_arms: int, trial: Trial) -> float:
    """Return where an arm stands that is observed in a month: not so far off that it comes among the next visit's."""
    gaps = (abs(visit.month - month) for visit in trial.follow_ups if visit.month != month)
    step = min([APART * _span(trial), *(gap / n_arms for gap in gaps)])
    return month + (position - (n_arms - 1) / 2) * step


def mark_primary_visit(axes: "Axes", trial: Trial) -> None:
    """Lay a band behind the primary visit, as wide as its arms need."""
    primary = next(visit for visit in trial.visits if visit.code == trial.primary.visit)
    half = max(HALF_BAND, APART * (len(trial.arms) / 2 + 0.5)) * _span(trial)
    axes.axvspan(primary.month - half, primary.month + half, color=look.BAND, linewidth=0, zorder=0)


def height(least: float, trial: Trial) -> float:
    """Return how high a figure is, in inches, with room for names aslant and for a legend of many arms."""
    longest = max(look.text_width(_aslant(visit, trial), look.SIZE) for visit in trial.follow_ups)
    aslant = longest * math.sin(math.radians(ANGLE)) if _touch(trial) else 0.0
    return least + aslant + LEGEND * max(0, len(trial.arms) - 2)


def visit_axis(axes: "Axes", trial: Trial) -> None:
    """Name each follow-up at its month; names that would touch are written aslant, moved apart, or left out."""
    visits, margin = _by_month(trial), BESIDE * _span(trial)
    low, high = visits[0].month - margin, visits[-1].month + margin
    axes.set_xlim(low, high)
    if not _touch(trial):
        axes.set_xticks([v.month for v in visits], ["\n".join(_lines(v, trial)) for v in visits])
        return
    apart = APART_ASLANT / _inches_per_month(trial)
    named = _thinned(visits, math.ceil(apart * (len(visits) - 1) / (high - low)), trial)
    months = [visit.month for visit in named]
    places = spread(months, apart, low, high)
    names = [_aslant(visit, trial) for visit in named]
    axes.set_xticks(places, names, rotation=ANGLE, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", pad=BELOW)
    for month, place in zip(months, places, strict=True):
        axes.plot(
            (month, place), (0, -FOOT), transform=axes.get_xaxis_transform(), color=look.QUIET, linewidth=0.8,
            clip_on=False, in_layout=False,
        )  # fmt: skip


def _by_month(trial: Trial) -> list[Visit]:
    """Return the follow-ups, the earliest first."""
    return sorted(trial.follow_ups, key=lambda visit: visit.month)


def _thinned(visits: list[Visit], step: int, trial: Trial) -> list[Visit]:
    """Return every so many visits, the primary one among them."""
    primary = next((i for i, visit in enumerate(visits) if visit.code == trial.primary.visit), 0)
    return [visit for i, visit in enumerate(visits) if (i - primary) % max(step, 1) == 0]


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places in the order they have, moved as little as it takes to stand so far apart within two ends."""
    moved, least = list[float](), low
    for place in places:
        moved.append(max(place, least))
        least = moved[-1] + apart
    most = high
    for i in reversed(range(len(moved))):
        moved[i] = min(moved[i], most)
        most = moved[i] - apart
    return moved


def _lines(visit: Visit, trial: Trial) -> tuple[str, ...]:
    return (visit.label, "(primary)") if visit.code == trial.primary.visit else (visit.label,)


def _aslant(visit: Visit, trial: Trial) -> str:
    """Return a visit's name in one line, shortened where it would leave no room for the figure."""
    label, *rest = _lines(visit, trial)
    return " ".join((look.elided(label, LONGEST, look.SIZE), *rest))


def _touch(trial: Trial) -> bool:
    """Whether names side by side would overlap, on axes about as wide as their figure."""
    visits = _by_month(trial)
    widths = [max(look.text_width(line, look.SIZE) for line in _lines(v, trial)) for v in visits]
    rooms = [(b.month - a.month) * _inches_per_month(trial) for a, b in pairwise(visits)]
    return any((a + b) / 2 + 0.12 > room for (a, b), room in zip(pairwise(widths), rooms, strict=True))


def _inches_per_month(trial: Trial) -> float:
    return 0.9 * WIDTH / ((1 + 2 * BESIDE) * _span(trial))


def _span(trial: Trial) -> float:
    months = [visit.month for visit in trial.follow_ups]
    return max(max(months) - min(months), 1.0)
