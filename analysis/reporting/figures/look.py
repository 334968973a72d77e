"""One look for all figures, and the way to SVG and PNG bytes. Not here: what a figure shows."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from analysis.reporting.report import Picture

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, FAINT, BAND, PAPER = "#1b1f24", "#57606a", "#c9ced6", "#eef1f5", "#fffffe"
DOTS_PER_INCH, MOST_DOTS = 160, 1200  # of the PNG, which is for Word; a wide figure is made smaller there
CSS_NAMES = {INK: "ink", QUIET: "quiet", FAINT: "rule", BAND: "band", PAPER: "paper"}
SIZE = 10.5  # points
BESIDE_LABEL = 1.0  # inches a legend needs for the sign of a label and the gap to the next
ENTRY, LINE = 0.25, 0.175  # inches: of a legend's entry, of each further line in it or in a title
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
FONT = "DejaVu Sans"  # comes with matplotlib: the same picture on every machine


@dataclass(frozen=True, slots=True)
class Style:
    """How one arm is drawn: told apart by colour, marker, dashes and grey value."""

    colour: str
    marker: str
    dashes: str | tuple[int, tuple[float, ...]]
    is_filled: bool


# Okabe and Ito's blue and vermilion and on: distinct with any colour blindness; grey values 0.40 to 0.65.
STYLES = (
    Style("#4a5568", "o", (0, (5.0, 2.5)), is_filled=False),
    Style("#0072b2", "s", "solid", is_filled=True),
    Style("#d55e00", "^", (0, (1.5, 1.5)), is_filled=True),
    Style("#009e73", "D", (0, (6.0, 2.0, 1.5, 2.0)), is_filled=True),
    Style("#cc79a7", "v", (0, (3.0, 1.0)), is_filled=False),
)
RC: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and follows the page
    "svg.hashsalt": "srt-trials",
    "font.family": FONT,
    "text.hinting": "none",  # at this resolution it changes nothing but the time: a third of a forest's
    "font.size": SIZE,
    "text.color": INK,  # nothing is black, which no page could make light on a dark ground
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
}


def style(position: int) -> Style:
    """Return the style of the arm at a position, the reference arm first."""
    return STYLES[position % len(STYLES)]


def blank(width: float, height: float) -> "tuple[Figure, Axes]":
    """Return a figure (inches) with one bare set of axes, without pyplot and its global state."""
    figure, (axes,) = panels(width, height, (1.0,))
    return figure, axes


def panels(width: float, height: float, heights: tuple[float, ...]) -> "tuple[Figure, tuple[Axes, ...]]":
    """Return a figure (inches) with bare axes below each other, of those relative heights, that share their x."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)
    grid = figure.add_gridspec(len(heights), height_ratios=heights)
    first = bare(figure.add_subplot(grid[0], facecolor="none"))
    rest = (bare(figure.add_subplot(grid[i], facecolor="none", sharex=first)) for i in range(1, len(heights)))
    every = (first, *rest)
    for axes in every[:-1]:
        axes.tick_params(labelbottom=False)
    return figure, every


def sheet(width: float, height: float) -> "tuple[Figure, Axes]":
    """Return a figure with unseen axes all over it, in inches from the lower left corner."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    return figure, axes


def chart(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """Return bare axes at a place of a sheet, in inches."""
    whole_width, whole_height = figure.get_size_inches()
    place = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    return bare(figure.add_axes(place, facecolor="none"))


@cache
def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return how wide a line of text is, in inches, at a size in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT, size=size, weight="bold" if is_bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def wrapped(
    text: str, width: float, size: float, *, is_bold: bool = False, most: int | None = None
) -> tuple[str, ...]:
    """Return text in lines that are no wider than so many inches; a word that is wider is broken.

    Args:
        text: The words.
        width: Of a line, in inches.
        size: Of the letters, in points.
        is_bold: Whether they are bold.
        most: How many lines there may be; what is beyond them is left out, and an ellipsis says so.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size, is_bold=is_bold) <= width:
            lines[-1] = longer
        else:
            lines += _broken(word, width, size, is_bold=is_bold)
    kept = tuple(line for line in lines if line)
    if most is None or len(kept) <= most:
        return kept
    return (*kept[: most - 1], _cut(kept[most - 1], width, size, is_bold=is_bold))


def elided(text: str, width: float, size: float) -> str:
    """Return text in one line no wider than so many inches; an ellipsis stands for what is left out."""
    return "".join(wrapped(text, width, size, most=1))


def _cut(line: str, width: float, size: float, *, is_bold: bool) -> str:
    """Return the beginning of a line with an ellipsis after it."""
    while line and text_width(f"{line}{ELLIPSIS}", size, is_bold=is_bold) > width:
        line = line[:-1].rstrip(" ,;")
    return f"{line}{ELLIPSIS}"


def _broken(word: str, width: float, size: float, *, is_bold: bool) -> list[str]:
    parts = [""]
    for letter in word:
        fits = text_width(parts[-1] + letter, size, is_bold=is_bold) <= width
        parts = [*parts[:-1], parts[-1] + letter] if fits else [*parts, letter]
    return parts


@dataclass(frozen=True, slots=True)
class Entries:
    """A legend's words in lines that fit: in how many columns, and how high it is in inches."""

    labels: tuple[str, ...]
    columns: int
    height: float


def entries(labels: Sequence[str], room: float) -> Entries:
    """Return a legend's labels in as many columns as a width in inches holds; one that is wider is wrapped."""
    if not labels:
        return Entries((), 1, 0.0)
    widths = [text_width(label, SIZE) + BESIDE_LABEL for label in labels]
    fits = sum(widths) <= room
    columns = len(labels) if fits else max(1, min(len(labels), int(room / max(widths))))
    column = room if fits else room / columns
    lines = [wrapped(label, column - BESIDE_LABEL, SIZE) for label in labels]
    rows = -(-len(labels) // columns)
    filled = (lines[start : start + rows] for start in range(0, len(lines), rows))
    further = max(sum(len(label) - 1 for label in column) for column in filled)
    return Entries(tuple("\n".join(label) for label in lines), columns, ENTRY * rows + LINE * further)


def titled(axes: "Axes", title: str, handles: "Sequence[Artist] | None" = None) -> None:
    """Write a title above axes, and below it a legend of what has a label, in as many lines as they need.

    Args:
        axes: The axes, of a figure that is laid out by itself.
        title: The title.
        handles: What the legend shows; without them what is drawn there, if there are two.
    """
    room = axes.figure.get_figwidth() - 0.5  # type: ignore[union-attr]
    lines = "\n".join(wrapped(title, room, SIZE))
    drawn = axes.get_legend_handles_labels()[0] if handles is None else list(handles)
    if handles is None and len(drawn) < 2:
        axes.set_title(lines, loc="left", fontsize=SIZE, pad=12)
        return
    made = entries([str(handle.get_label()) for handle in drawn], room)
    axes.legend(
        drawn, made.labels, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=made.columns, frameon=False,
        handlelength=3.4, borderaxespad=0.2, columnspacing=2.2, fontsize=SIZE,
    )  # fmt: skip
    axes.set_title(lines, loc="left", fontsize=SIZE, pad=16 + 72 * made.height)


def bare(axes: "Axes") -> "Axes":
    """Return axes with faint lines across, a foot, and no frame."""
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.tick_params(length=0, colors=INK, pad=6)
    return axes


def mark(axes: "Axes", text: str) -> None:
    """Write across a figure what must not be overlooked, such as that its arms are not the true ones."""
    first, rest = text.split(":", 1)
    lines = f"{first.upper()}\n{rest.strip()}"
    axes.text(
        0.5, 0.5, lines, transform=axes.transAxes, ha="center", va="center", rotation=14, fontsize=15,
        color=STYLES[2].colour, alpha=0.6, zorder=5,
    )  # fmt: skip


def picture(figure: "Figure", name: str, title: str, said: str) -> Picture:
    """Return a figure as a picture, drawn once and written as SVG and as PNG: same figure, same bytes.

    In the SVG, ids begin with `name`, and colours are CSS variables (`--ink`, `--rule`, `--arm-1` …) that fall back
    to the figure's own.

    Args:
        figure: The figure; it is laid out here.
        name: Its address on a page.
        title: What it shows, in a line.
        said: What it shows, in words, for those who hear it.
    """
    import matplotlib as mpl

    with mpl.rc_context(RC):
        if figure.get_layout_engine() is not None:
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # laid out once for both
        raw, png = _svg(figure), _png(figure)
    body = raw[raw.index("<svg") :]
    return Picture(name, title, said, _described(_themed(_own_ids(body, name)), name, title, said), png)


def _svg(figure: "Figure") -> str:
    """Return the figure as SVG, by its canvas: `savefig` would draw it once more to find out its size."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    raw = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(raw, metadata=nothing)  # type: ignore[no-untyped-call]
    return raw.getvalue().decode()


def _png(figure: "Figure") -> bytes:
    """Return the figure as PNG in 256 colours, which nobody can tell from all: a third of the bytes, half the time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    dots = min(DOTS_PER_INCH, MOST_DOTS / figure.get_figwidth())
    figure.set_dpi(dots)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    size, pixels = canvas.get_width_height(), canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    whole = Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1).convert("RGB")
    raw = io.BytesIO()
    whole.quantize(256, method=Image.Quantize.FASTOCTREE).save(raw, "png", dpi=(dots, dots))
    return raw.getvalue()


def _own_ids(body: str, name: str) -> str:
    """Begin each id and each reference to one with the figure's name: a page holds several figures."""
    body = re.sub(r'\bid="', f'id="{name}-', body)
    return re.sub(r'(url\(|href=")#', rf"\1#{name}-", body)


def _themed(body: str) -> str:
    """Make each colour a CSS variable with the colour itself to fall back on."""
    names = CSS_NAMES | {s.colour: f"arm-{i}" for i, s in enumerate(STYLES, start=1)}
    for colour, css in names.items():
        body = body.replace(f": {colour}", f": var(--{css}, {colour})")
    return body


def _described(body: str, name: str, title: str, description: str) -> str:
    """Give the picture a role, a title and a description for those who hear it."""
    from xml.sax.saxutils import escape

    opening, rest = body.split(">", 1)
    opening = re.sub(r' (?:width|height)="[^"]*"', "", opening)
    labels = f' role="img" aria-labelledby="{name}-title {name}-desc"'
    return (
        f'{opening}{labels}>\n<title id="{name}-title">{escape(title)}</title>\n'
        f'<desc id="{name}-desc">{escape(description)}</desc>{rest}'
    )
