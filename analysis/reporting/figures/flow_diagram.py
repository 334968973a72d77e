"""The participant flow as a picture: boxes under each other, ways beside each other. Not here: the counts (consort)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.reporting.consort import SET_ASIDE, Flow, Reasons, Screening, Way
from analysis.reporting.figures import look
from analysis.reporting.methods.words import inside
from analysis.reporting.report import Picture
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "flow-diagram"
TITLES = {
    "arm": "Participant flow by arm",
    "site": "Participant flow by site",
    "all": "Participant flow, all participants",
}
TEXT, SMALL = 9.5, 8.5  # points
LINE, PAD, ARROW, BETWEEN, MARGIN = 0.175, 0.09, 0.24, 0.28, 0.1  # inches
WIDEST, NARROWEST, LEAST = 3.3, 1.5, 7.4  # inches: of a way, of the picture


@dataclass(frozen=True, slots=True)
class Box:
    """A box's words: what is counted, and smaller who left there."""

    text: str
    asides: tuple[str, ...] = ()
    is_strong: bool = False
    is_name: bool = False

    def lines(self, width: float) -> tuple[tuple[str, bool], ...]:
        """Return its lines at a width in inches, and whether each is small."""
        room = width - 2 * PAD
        first = [(line, False) for line in look.wrapped(self.text, room, TEXT, is_bold=self.is_name)]
        rest = [(line, True) for aside in self.asides for line in look.wrapped(aside, room, SMALL)]
        return (*first, *rest)

    def height(self, width: float) -> float:
        """Return how high it is at a width, in inches."""
        return len(self.lines(width)) * LINE + 2 * PAD


def flow_figure(flow: Flow, *, is_shuffled: bool = False) -> Picture | None:
    """Return the flow as a picture; None of a flow without counts.

    Args:
        flow: The counts, which add up.
        is_shuffled: Whether its arms are not the true ones.
    """
    if not flow.ways:
        return None
    is_marked = is_shuffled and flow.by == "arm"
    said = marked(" ".join(_said(flow)), SHUFFLED if is_marked else "")
    name = NAME if flow.by == "arm" else f"{NAME}-{flow.by}"
    return look.picture(_draw(flow, is_marked=is_marked), name, TITLES[flow.by], said)


def _said(flow: Flow) -> Iterator[str]:
    """Yield the diagram in words, from top to bottom, a way at a time."""
    if flow.screening is not None:
        yield f"{flow.screening.assessed} assessed for eligibility."
        if left := _left_at_screening(flow.screening):
            yield f"{_listed(left)}."
    yield f"{flow.randomised} randomised."
    for column in _columns(flow):
        name, *boxes = [box for box in column if box is not None]
        yield f"{name.text}: {'; '.join(_listed((box.text, *box.asides)) for box in boxes)}."


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(texts).replace(":,", ":")


def _columns(flow: Flow) -> list[list[Box | None]]:
    """Return each way's boxes from top to bottom; None where others have one and it has not."""
    treats = any(way.received is not None for way in flow.ways)
    visits = list(dict.fromkeys(seen.visit.code for way in flow.ways for seen in way.visits))
    return [list(_way(way, visits, treats=treats, is_named=flow.by != "all")) for way in flow.ways]


def _way(way: Way, visits: list[str], *, treats: bool, is_named: bool) -> Iterator[Box | None]:
    yield Box(way.label if is_named else "All arms", is_name=True)
    yield Box(
        f"{way.randomised} allocated" if is_named else f"{way.randomised} in the trial",
        _aside(way.excluded, "excluded"),
    )
    if treats:
        yield (
            None
            if way.received is None
            else Box(f"{way.received} had therapy", _aside(way.untreated, "had none"))
        )
    seen_at = {seen.visit.code: seen for seen in way.visits}
    for code in visits:
        seen = seen_at.get(code)
        if seen is None:
            yield None
            continue
        label = inside(seen.visit.label) if seen.visit.baseline else seen.visit.label
        primary = " (primary visit)" if seen.is_primary else ""
        yield Box(
            f"{seen.observed} observed at {label}{primary}", _lost(seen.lost), is_strong=seen.is_primary
        )
    if way.analysed is not None:
        yield Box(
            f"{way.analysed} in the primary analysis",
            _aside(way.not_analysed, "not analysed"),
            is_strong=True,
        )
    else:
        yield None


def _lost(lost: Reasons | None) -> tuple[str, ...]:
    """Return who was not observed; a single reason repeats that."""
    if lost is None or len(lost.by_reason) > 1:
        return _aside(lost, "not observed")
    return (f"{lost.n} not observed",) if lost.n else ()


def _aside(left: Reasons | None, what: str) -> tuple[str, ...]:
    """Return who left, and why, a line each."""
    if left is None or not left.n:
        return ()
    if not left.by_reason or left.only_says(what):
        return (f"{left.n} {what}",)
    if len(left.by_reason) == 1:
        return (f"{left.n} {what} ({left.by_reason[0][0]})",)
    return (f"{left.n} {what}:", *(f"{n} {inside(reason)}" for reason, n in left.by_reason))


def _draw(flow: Flow, *, is_marked: bool) -> "Figure":
    import matplotlib as mpl

    columns, n = _columns(flow), len(flow.ways)
    width = max(LEAST, n * (NARROWEST + BETWEEN) + 2 * MARGIN)
    column = min(WIDEST, (width - 2 * MARGIN - (n - 1) * BETWEEN) / n)
    left = (width - n * column - (n - 1) * BETWEEN) / 2
    middles = [left + i * (column + BETWEEN) + column / 2 for i in range(n)]
    heights = [
        max((box.height(column) for box in row if box), default=0.0) for row in zip(*columns, strict=True)
    ]
    top = _top_height(flow, width)
    whole = top + sum(heights) + ARROW * (len(heights) - 1) + 2 * MARGIN
    with mpl.rc_context(look.RC):
        figure, sheet = look.sheet(width, whole)
        _top(sheet, flow, width, whole - MARGIN, middles)
        for boxes, middle in zip(columns, middles, strict=True):
            _column(sheet, boxes, heights, middle, column, whole - MARGIN - top)
        if is_marked:
            look.mark(sheet, MARK)
    return figure


def _top_boxes(flow: Flow) -> tuple[Box | None, Box | None, Box]:
    """Return the boxes of those assessed, of those excluded then, and of those randomised."""
    randomised = Box(f"{flow.randomised} randomised", is_strong=True)
    if flow.screening is None:
        return None, None, randomised
    left = _left_at_screening(flow.screening)
    aside = Box(left[0], left[1:]) if left else None
    return Box(f"{flow.screening.assessed} assessed for eligibility"), aside, randomised


def _left_at_screening(screening: Screening) -> tuple[str, ...]:
    """Return who was not randomised and why, and whose allocation record was set aside."""
    aside = (f"besides, {screening.set_aside} {SET_ASIDE}",) if screening.set_aside else ()
    return (*_aside(screening.excluded, "excluded"), *aside)


def _top_sizes(flow: Flow, width: float) -> tuple[float, float, float, float]:
    """Return how wide the boxes on top are, and how high each is with the way below it."""
    assessed, excluded, randomised = _top_boxes(flow)
    box = min(2.6, width / 3)
    first = assessed.height(box) if assessed else 0.0
    gap = max(ARROW, (excluded.height(box) if excluded else 0.0) + 0.16) if assessed else 0.0
    return box, first, gap, randomised.height(box)


def _top_height(flow: Flow, width: float) -> float:
    _, first, gap, last = _top_sizes(flow, width)
    return first + gap + last + 2 * ARROW


def _top(sheet: "Axes", flow: Flow, width: float, top: float, middles: list[float]) -> None:
    """Draw what comes before the ways part, and the lines to each of them."""
    assessed, excluded, randomised = _top_boxes(flow)
    box, first, gap, last = _top_sizes(flow, width)
    middle, y = width / 2, top - first - gap
    if assessed is not None:
        _box(sheet, assessed, middle, top, box, first)
        _arrow(sheet, (middle, top - first), (middle, y))
    if excluded is not None:
        high, side = excluded.height(box), width - MARGIN - box / 2
        _arrow(sheet, (middle, y + gap / 2), (side - box / 2, y + gap / 2))
        _box(sheet, excluded, side, y + (gap + high) / 2, box, high)
    _box(sheet, randomised, middle, y, box, last)
    fork = y - last - ARROW
    sheet.plot((middle, middle), (y - last, fork), color=look.QUIET, linewidth=1.2)
    sheet.plot((middles[0], middles[-1]), (fork, fork), color=look.QUIET, linewidth=1.2)
    for at in middles:
        _arrow(sheet, (at, fork), (at, fork - ARROW))


def _column(  # noqa: PLR0913, PLR0917 - a way's boxes and where they stand
    sheet: "Axes", boxes: list[Box | None], heights: list[float], middle: float, width: float, top: float
) -> None:
    """Draw a way from top to bottom; where it has no box the line goes through."""
    last = max(i for i, box in enumerate(boxes) if box is not None)
    start = top
    for place, (box, height) in enumerate(zip(boxes, heights, strict=True)):
        if box is not None:
            if place:
                _arrow(sheet, (middle, start), (middle, top))
            _box(sheet, box, middle, top, width, height)
            start = top - height
        top -= height + ARROW
        if place == last:
            return


def _box(sheet: "Axes", box: Box, middle: float, top: float, width: float, height: float) -> None:  # noqa: PLR0913, PLR0917
    from matplotlib.patches import Rectangle

    ground = look.BAND if box.is_name else look.PAPER
    edge = look.INK if box.is_strong else look.QUIET
    at = (middle - width / 2, top - height)
    sheet.add_patch(
        Rectangle(
            at,
            width,
            height,
            facecolor=ground,
            edgecolor=edge,
            linewidth=1.5 if box.is_strong else 1.0,
            zorder=2,
        )
    )
    lines = box.lines(width)
    y = top - height / 2 + (len(lines) - 1) * LINE / 2
    for text, is_small in lines:
        sheet.text(
            middle, y, text, ha="center", va="center", fontsize=SMALL if is_small else TEXT, zorder=3,
            color=look.QUIET if is_small else look.INK, weight="bold" if box.is_name else "normal",
        )  # fmt: skip
        y -= LINE


def _arrow(sheet: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    sheet.annotate(
        "", xy=end, xytext=start, annotation_clip=False, zorder=1,
        arrowprops={"arrowstyle": "-|>", "color": look.QUIET, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
