"""One look for all figures, and the way to SVG and PNG bytes. Not here: what a figure shows."""

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.reporting.report import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, BAND, PAPER = "#1b1f24", "#c9ced6", "#eef1f5", "#fffffe"
DOTS_PER_INCH = 160  # of the PNG, which is for Word
CSS_NAMES = {INK: "ink", FAINT: "rule", BAND: "band", PAPER: "paper"}


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
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 10.5,
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
    first = _bare(figure.add_subplot(grid[0], facecolor="none"))
    rest = (
        _bare(figure.add_subplot(grid[i], facecolor="none", sharex=first)) for i in range(1, len(heights))
    )
    every = (first, *rest)
    for axes in every[:-1]:
        axes.tick_params(labelbottom=False)
    return figure, every


def _bare(axes: "Axes") -> "Axes":
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
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once for both
        raw = _written(figure, "svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))).decode()
        png = _written(figure, "png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    body = raw[raw.index("<svg") :]
    return Picture(name, title, said, _described(_themed(_own_ids(body, name)), name, title, said), png)


def _written(figure: "Figure", form: str, **options: Any) -> bytes:
    raw = io.BytesIO()
    figure.savefig(raw, format=form, **options)
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
