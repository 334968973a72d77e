"""Forest plots: a line per estimate on one scale, its numbers beside it. Not here: which estimates."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate
from analysis.reporting.figures import look
from analysis.reporting.methods.words import inside
from data_contracts.plan import Outcome
from data_contracts.spec import Arm, Trial
from data_contracts.standing import MARK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, TEXT, SMALL = 8.8, 9.5, 8.5  # inches, points
LABEL, N, SCALE, VALUE, P = (
    (0.12, 2.85),
    3.2,
    (3.4, 6.25),
    6.45,
    8.7,
)  # inches from the left; n and p end there
LINE, LEAST, GAP = 0.172, 0.27, 0.1  # inches: of a line of text, of a row, above a heading
TOP, FOOT = 0.42, 0.95  # inches for the headings above and the scale below
SIDE = 2.4  # inches: the longest line that says whom a side favours
REACH = 1.5  # how many widths of the main interval the scale reaches beyond it; what goes further is cut off
Kind = Literal["heading", "main", "own", "other", "beside"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a forest: a heading, an estimate (`other`: of other people), or numbers on another scale."""

    label: str
    kind: Kind
    found: Estimate | None = None
    detail: str = ""  # smaller, below the label
    says_n: bool = True
    position: int = 1  # of its arm
    says_p: bool = True
    missing: str = ""  # why there is no estimate


@dataclass(frozen=True, slots=True)
class Forest:
    """All lines, and what they are held against."""

    lines: tuple[Line, ...]
    reference: Estimate | None  # drawn as a line through all
    scale: str  # what is compared, in its unit
    sides: tuple[str, str]  # whom values below and above zero favour
    confidence: float
    stands_for: str = ""  # what hollow marks mean


def sides(outcome: Outcome, trial: Trial, arm: Arm | None = None) -> tuple[str, str]:
    """Return whom a difference below zero favours, and whom one above; of all compared arms unless of one."""
    arms = trial.compared_arms if arm is None else (arm,)
    compared = arms[0].label if len(arms) == 1 else "the compared arm"
    both = (trial.reference_arm.label, compared)
    return both if outcome.better == "higher" else (compared, both[0])


def scale_of(outcome: Outcome) -> str:
    """Return what the scale shows: a difference in the outcome, in its unit."""
    return f"Difference in {inside(outcome.label)}" + (f", {outcome.unit}" if outcome.unit else "")


def said(line: Line) -> str:
    """Return a line in words."""
    if line.kind == "heading":
        return f"{line.label}{f' ({line.detail})' if line.detail else ''}."
    detail = f" ({line.detail})" if line.detail else ""
    if line.found is None or not line.found.is_estimable:
        return f"{line.label}{detail}: not estimable, {line.missing or 'no reason recorded'};"
    n = f", n = {line.found.n}" if line.says_n and line.found.n is not None else ""
    p = f", {numbers.p_clause(line.found.p_value)}" if line.says_p else ""
    return f"{line.label}{detail}: {_numbers(line.found)}{p}{n};"


def draw_forest(forest: Forest, *, is_shuffled: bool) -> "Figure":
    """Return the forest as a figure."""
    import matplotlib as mpl

    heights = [_height(line) for line in forest.lines]
    body = sum(heights)
    with mpl.rc_context(look.RC):
        figure, sheet = look.sheet(WIDTH, body + TOP + FOOT)
        scale = _scale(figure, body, forest)
        _head(sheet, body + FOOT, forest)
        top = body
        for line, height in zip(forest.lines, heights, strict=True):
            _line(sheet, scale, line, top, height)
            top -= height
        _foot(sheet, scale, forest)
        if is_shuffled:
            look.mark(sheet, MARK)
    return figure


def _numbers(found: Estimate) -> str:
    limits = numbers.interval(found.lower, found.upper, found.decimals)
    return f"{numbers.number(found.value, found.decimals)} {limits}"


def _label(line: Line) -> tuple[str, ...]:
    indent = 0.0 if line.kind in {"heading", "main"} else 0.14
    return look.wrapped(
        line.label, LABEL[1] - LABEL[0] - indent, TEXT, is_bold=line.kind in {"heading", "main"}
    )


def _detail(line: Line) -> tuple[str, ...]:
    return look.wrapped(line.detail, LABEL[1] - LABEL[0] - 0.14, SMALL)


def _refusal(line: Line) -> tuple[str, ...]:
    if line.kind == "heading" or (line.found is not None and line.found.is_estimable):
        return ()
    return look.wrapped(f"not estimable: {line.missing or 'no reason recorded'}", P - VALUE, SMALL)


def _height(line: Line) -> float:
    n_lines = max(len(_label(line)) + len(_detail(line)), len(_refusal(line)))
    return max(LEAST, n_lines * LINE + 0.1) + (GAP if line.kind == "heading" else 0)


def _scale(figure: "Figure", body: float, forest: Forest) -> "Axes":
    axes = look.chart(figure, SCALE[0], FOOT, SCALE[1] - SCALE[0], body)
    axes.set_ylim(0, body)
    axes.set_xlim(*_limits(forest))
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=look.FAINT, linewidth=0.6)
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
    axes.tick_params(axis="x", labelsize=TEXT)
    axes.axvline(0, color=look.INK, linewidth=1.0, zorder=1.5)
    if forest.reference is not None and forest.reference.is_estimable:
        axes.axvline(
            forest.reference.value, color=look.STYLES[1].colour, linewidth=1.1, dashes=(4, 3), zorder=1.5
        )
    return axes


def _limits(forest: Forest) -> tuple[float, float]:
    """Return the scale's ends: all intervals and zero, but not so far that the main one becomes a dot."""
    drawn = [line.found for line in forest.lines if line.found is not None and line.kind != "beside"]
    shown = [found for found in (*drawn, forest.reference) if found is not None and found.is_estimable]
    low = min([0.0, *(found.lower for found in shown)])
    high = max([0.0, *(found.upper for found in shown)])
    if forest.reference is not None and forest.reference.is_estimable:
        main = forest.reference
        reach = REACH * (main.upper - main.lower)
        low, high = max(low, min(0.0, main.lower - reach)), min(high, max(0.0, main.upper + reach))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _head(sheet: "Axes", above: float, forest: Forest) -> None:
    level = numbers.level(forest.confidence)
    y = above + TOP / 2
    sheet.text(N, y, "n", fontsize=SMALL, color=look.QUIET, va="center", ha="right")
    sheet.text(VALUE, y, f"Difference ({level} CI)", fontsize=SMALL, color=look.QUIET, va="center")
    if any(line.says_p for line in forest.lines):
        sheet.text(P, y, "p", fontsize=SMALL, color=look.QUIET, va="center", ha="right")
    sheet.plot((LABEL[0], P), (above + 0.06,) * 2, color=look.INK, linewidth=0.9)


def _line(sheet: "Axes", scale: "Axes", line: Line, top: float, height: float) -> None:
    """Draw one line; `top` and `height` are inches above the scale's foot."""
    middle = top - (height + (GAP if line.kind == "heading" else 0)) / 2
    if line.kind == "main":
        _band(sheet, top + FOOT, height)
    _words(sheet, line, middle + FOOT)
    if line.found is None or not line.found.is_estimable:
        _column(sheet, VALUE, middle + FOOT, _refusal(line))
        return
    strong = "bold" if line.kind == "main" else "normal"
    if line.says_n and line.found.n is not None:
        sheet.text(N, middle + FOOT, str(line.found.n), fontsize=TEXT, va="center", ha="right", weight=strong)
    sheet.text(VALUE, middle + FOOT, _numbers(line.found), fontsize=TEXT, va="center", weight=strong)
    if line.says_p:
        p = numbers.p_value(line.found.p_value)
        sheet.text(P, middle + FOOT, p, fontsize=TEXT, va="center", ha="right", weight=strong)
    if line.kind != "beside":
        _interval(scale, line, line.found, middle)


def _band(sheet: "Axes", top: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    at, width = (LABEL[0] - 0.06, top - height), P - LABEL[0] + 0.12
    sheet.add_patch(Rectangle(at, width, height, facecolor=look.BAND, edgecolor="none", zorder=0))


def _words(sheet: "Axes", line: Line, middle: float) -> None:
    labels, details = _label(line), _detail(line)
    x = LABEL[0] + (0.0 if line.kind in {"heading", "main"} else 0.14)
    y = middle + (len(labels) + len(details) - 1) * LINE / 2
    weight = "bold" if line.kind in {"heading", "main"} else "normal"
    for text in labels:
        sheet.text(x, y, text, fontsize=TEXT, va="center", weight=weight)
        y -= LINE
    for text in details:
        sheet.text(x, y, text, fontsize=SMALL, va="center", color=look.QUIET)
        y -= LINE


def _column(sheet: "Axes", x: float, middle: float, lines: tuple[str, ...]) -> None:
    y = middle + (len(lines) - 1) * LINE / 2
    for text in lines:
        sheet.text(x, y, text, fontsize=SMALL, va="center", color=look.QUIET, style="italic")
        y -= LINE


def _interval(scale: "Axes", line: Line, found: Estimate, y: float) -> None:
    """Draw an estimate and its interval; an end beyond the scale becomes an arrow."""
    low, high = scale.get_xlim()
    style = look.style(line.position)
    ends = (max(found.lower, low), min(found.upper, high))
    thick = 2.4 if line.kind == "main" else 1.5
    scale.plot(ends, (y, y), color=style.colour, linewidth=thick, solid_capstyle="butt", zorder=2)
    for end, is_cut, arrow in ((ends[0], found.lower < low, "<"), (ends[1], found.upper > high, ">")):
        scale.plot(
            end, y, color=style.colour, marker=arrow if is_cut else "|", markersize=6, zorder=2, clip_on=False
        )
    inside = look.PAPER if line.kind == "other" else style.colour
    if low <= found.value <= high:
        scale.plot(
            found.value, y, color=style.colour, marker="D" if line.kind == "main" else style.marker, zorder=3,
            markersize=8 if line.kind == "main" else 6.5, markeredgewidth=1.5, markerfacecolor=inside,
        )  # fmt: skip


def _foot(sheet: "Axes", scale: "Axes", forest: Forest) -> None:
    """Write below the scale what it is, and on which side of zero whom it favours."""
    low, high = scale.get_xlim()
    zero = SCALE[0] + (SCALE[1] - SCALE[0]) * (0 - low) / (high - low)
    below, above = forest.sides
    left = look.wrapped(f"\N{LEFTWARDS ARROW} favours {below}", SIDE, SMALL)
    right = look.wrapped(f"favours {above} \N{RIGHTWARDS ARROW}", SIDE, SMALL)
    for x, at, lines in ((zero - 0.08, "right", left), (zero + 0.08, "left", right)):
        sheet.text(x, FOOT - 0.3, "\n".join(lines), fontsize=SMALL, ha=at, va="top", linespacing=1.1)
    middle = (SCALE[0] + SCALE[1]) / 2
    sheet.text(middle, FOOT - 0.78, forest.scale, fontsize=SMALL, ha="center", color=look.QUIET)
    if forest.stands_for:
        sheet.text(LABEL[0], 0.1, forest.stands_for, fontsize=SMALL, color=look.QUIET)
