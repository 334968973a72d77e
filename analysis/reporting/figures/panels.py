"""Panels of one figure beside each other, and what lies over all of them. Not here: the look of one (look)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.reporting.figures import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALL = 9.0  # points: of numbers and titles in a panel


@dataclass(frozen=True, slots=True)
class Around:
    """What is left free around panels, in inches: placed by hand, a figure is laid out in no time."""

    left: float
    bottom: float
    top: float
    gaps: tuple[float, ...]  # left of each panel but the first
    right: float = 0.08


def in_a_row(
    width: float, height: float, widths: Sequence[float], around: Around, shared: Sequence[int]
) -> "tuple[Figure, tuple[Axes, ...]]":
    """Return a figure (inches) with bare panels beside each other.

    Args:
        width: Of the figure.
        height: Of the figure.
        widths: Of the panels, relative.
        around: What is left free around them.
        shared: Which panels have one vertical axis, labelled at the first of them.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=look.PAPER)
    room = width - around.left - around.right - sum(around.gaps)
    left, made = around.left, list["Axes"]()
    for place, (gap, relative) in enumerate(zip((0.0, *around.gaps), widths, strict=True)):
        left += gap
        own = room * relative / sum(widths)
        rest = (around.bottom / height, own / width, 1 - (around.bottom + around.top) / height)
        first = made[shared[0]] if place in shared[1:] else None
        made.append(figure.add_axes((left / width, *rest), facecolor="none", sharey=first))
        _panel(made[-1], has_labels=first is None)
        left += own
    return figure, tuple(made)


def mark_all(figure: "Figure", text: str) -> None:
    """Write across all panels what must not be overlooked."""
    over = figure.add_axes((0.0, 0.0, 1.0, 1.0), facecolor="none")
    over.set_axis_off()
    look.mark(over, text)


def title(axes: "Axes", text: str) -> None:
    """Write a panel's title over it."""
    axes.set_title(text, loc="left", color=look.INK, fontsize=SMALL, pad=6)


def _panel(axes: "Axes", *, has_labels: bool) -> None:
    """Give bare axes the small numbers of a panel, and few of them."""
    from matplotlib.ticker import MaxNLocator

    look.bare(axes).xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.tick_params(pad=4, labelsize=SMALL, labelleft=has_labels)
