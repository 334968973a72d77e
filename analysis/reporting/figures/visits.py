"""The axis of visits, by month, and where arms stand on it. Not here: what is drawn at a visit."""

from itertools import pairwise
from typing import TYPE_CHECKING

from analysis.reporting.figures import look
from data_contracts.spec import Trial, Visit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.018  # of the axis: how far arms stand apart at a visit, so that intervals don't cover each other
HALF_BAND = 0.045  # of the axis: half the band of the primary visit, at least
WIDTH, ASLANT, LEGEND = (
    7.4,
    0.8,
    0.25,
)  # inches: of a figure, more for names aslant, more for each further arm
BESIDE = 0.08  # of the axis: left free at either end


def apart(position: int, n_arms: int, trial: Trial) -> float:
    """Return by how many months an arm is moved from its visit."""
    return (position - (n_arms - 1) / 2) * APART * _span(trial)


def mark_primary_visit(axes: "Axes", trial: Trial) -> None:
    """Lay a band behind the primary visit, as wide as its arms need."""
    primary = next(visit for visit in trial.visits if visit.code == trial.primary.visit)
    half = max(HALF_BAND, APART * (len(trial.arms) / 2 + 0.5)) * _span(trial)
    axes.axvspan(primary.month - half, primary.month + half, color=look.BAND, linewidth=0, zorder=0)


def height(least: float, trial: Trial) -> float:
    """Return how high a figure is, in inches, with room for names aslant and for a legend of many arms."""
    return least + (ASLANT if _touch(trial) else 0.0) + LEGEND * max(0, len(trial.arms) - 2)


def visit_axis(axes: "Axes", trial: Trial) -> None:
    """Name each follow-up at its month; names that would touch are written aslant."""
    visits, margin = trial.follow_ups, BESIDE * _span(trial)
    months = [visit.month for visit in visits]
    axes.set_xlim(min(months) - margin, max(months) + margin)
    if _touch(trial):
        names = [_name(visit, trial, " ") for visit in visits]
        axes.set_xticks(months, names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(months, [_name(visit, trial, "\n") for visit in visits])


def _name(visit: Visit, trial: Trial, between: str) -> str:
    return f"{visit.label}{between}(primary)" if visit.code == trial.primary.visit else visit.label


def _touch(trial: Trial) -> bool:
    """Whether names side by side would overlap, on axes about as wide as their figure."""
    inches_per_month = 0.9 * WIDTH / ((1 + 2 * BESIDE) * _span(trial))
    by_month = sorted(trial.follow_ups, key=lambda visit: visit.month)
    return any(
        (look.text_width(a.label, look.SIZE) + look.text_width(b.label, look.SIZE)) / 2 + 0.12
        > (b.month - a.month) * inches_per_month
        for a, b in pairwise(by_month)
    )


def _span(trial: Trial) -> float:
    months = [visit.month for visit in trial.follow_ups]
    return max(max(months) - min(months), 1.0)
