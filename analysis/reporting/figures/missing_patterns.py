"""Patterns of seen and missing visits, and how many have each. Not here: counting them (estimators), imputing."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.estimators.missing_data import PATTERNS, SEEN
from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, arm_label, estimates
from analysis.reporting.figures import look
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from data_contracts.spec import Trial
from data_contracts.standing import MARK, SHUFFLED, marked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "missing-grid"
POOLED = ""
MOST = 12  # patterns; the rarer ones are named together
WIDTH, LEFT, BAR, GAP, SMALL = 7.8, 0.15, 0.2, 0.14, 9.0  # inches, points
WIDEST, GRID, FOR_NUMBERS = 0.82, 3.4, 1.05  # inches: of a visit, of all visits, beside the longest bar
UPRIGHT = 1.6  # inches: the longest name of a visit that is written upwards


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, such as "XX.X", with its count and percent in each arm."""

    signs: str
    counts: dict[str, tuple[float, float]]  # by arm's code

    @property
    def known(self) -> list[float]:
        """Return the counts that may be shown."""
        return [n for n, _ in self.counts.values() if not math.isnan(n)]


def missing_patterns_figure(
    results: pd.DataFrame, trial: Trial, *, pooled: bool = False
) -> tuple[Picture, ...]:
    """Return the figure of the primary outcome's patterns, by arm or pooled; none without rows."""
    ways = [POOLED] if pooled else [arm.code for arm in trial.ordered_arms]
    patterns = _patterns(results, ways)
    if not patterns:
        return ()
    outcome = trial.outcomes[trial.primary.outcome]
    whose = "pooled over arms" if pooled else "by arm"
    title = f"{outcome.label}: visits at which it was seen or is missing, and participants with each pattern, {whose}"
    shuffled = is_shuffled(results) and not pooled
    said = marked(_said(patterns, trial), SHUFFLED if shuffled else "")
    shown, others = patterns[:MOST], patterns[MOST:]
    figure = _draw(shown, others, trial, ways, shuffled=shuffled)
    return (look.picture(figure, NAME, title, said),)


def _patterns(results: pd.DataFrame, ways: list[str]) -> list[Pattern]:
    """Return the patterns that anybody has, in the table's order, which is the commonest first."""
    rows = [e for e in estimates(results, analysis=PATTERNS) if e.arm in ways]
    found = []
    for signs in dict.fromkeys(row.at for row in rows):
        counts = {way: _count_of(rows, signs, way) for way in ways}
        if any(n != 0 for n, _ in counts.values()):
            found.append(Pattern(signs, counts))
    return found


def _count_of(rows: list[Estimate], signs: str, way: str) -> tuple[float, float]:
    own = {row.statistic: row.value for row in rows if row.at == signs and row.arm == way}
    return own.get("count", float("nan")), own.get("percent", float("nan"))


def _said(patterns: list[Pattern], trial: Trial) -> str:
    """Return each pattern in words, with its counts."""
    parts = []
    for pattern in patterns:
        missing = [v.label for v, sign in zip(trial.visits, pattern.signs, strict=True) if sign != SEEN]
        who = f"Missing at {', '.join(missing)}" if missing else "Seen at every visit"
        counts = "; ".join(
            f"{_whose(way, trial)} {numbers.count_of(*n)}" for way, n in pattern.counts.items()
        )
        parts.append(f"{who}: {counts}")
    return f"{'. '.join(parts)}."


def _whose(way: str, trial: Trial) -> str:
    return arm_label(way, trial) if way else "all arms"


def _draw(
    patterns: list[Pattern], others: list[Pattern], trial: Trial, ways: list[str], *, shuffled: bool
) -> "Figure":
    import matplotlib as mpl

    row = len(ways) * BAR + GAP
    head, foot = _head_height(trial, ways), 0.34 if others else 0.1
    height = head + len(patterns) * row + foot
    with mpl.rc_context(look.RC):
        figure, sheet = look.sheet(WIDTH, height)
        _head(sheet, height, trial, ways)
        most = max((n for pattern in patterns for n in pattern.known), default=1.0)
        for place, pattern in enumerate(patterns):
            middle = height - head - (place + 0.5) * row
            _signs(sheet, pattern.signs, middle)
            _bars(sheet, pattern, middle, most, _bars_left(trial))
        if others:
            n = int(sum(sum(pattern.known) for pattern in others))
            sheet.text(
                LEFT,
                0.12,
                f"{len(others)} rarer patterns: {n} participants",
                fontsize=SMALL,
                color=look.QUIET,
            )
        if shuffled:
            look.mark(sheet, MARK)
    return figure


def _cell(trial: Trial) -> float:
    """Return how wide a visit is, in inches."""
    return min(WIDEST, GRID / len(trial.visits))


def _bars_left(trial: Trial) -> float:
    return LEFT + _cell(trial) * len(trial.visits) + 0.3


def _are_upright(trial: Trial) -> bool:
    """Whether the visits' names are written upwards, since a word of theirs is wider than a visit."""
    words = (word for visit in trial.visits for word in visit.label.split())
    return any(look.text_width(word, SMALL) > _cell(trial) - 0.06 for word in words)


def _names(trial: Trial) -> list[str]:
    """Return the visits' names, on lines that are no wider than a visit, or each in one line upwards."""
    if _are_upright(trial):
        return [look.elided(visit.label, UPRIGHT, SMALL) for visit in trial.visits]
    return ["\n".join(look.wrapped(v.label, _cell(trial) - 0.06, SMALL)) for v in trial.visits]


def _names_height(trial: Trial) -> float:
    names = _names(trial)
    if _are_upright(trial):
        return max(look.text_width(name, SMALL) for name in names) + 0.1
    return 0.16 * max(name.count("\n") + 1 for name in names)


def _arm_names(trial: Trial, ways: list[str]) -> list[tuple[str, ...]]:
    """Return the arms' names in lines beside the signs of their bars; none of all arms together."""
    room = WIDTH - _bars_left(trial) - 0.4
    return [look.wrapped(arm_label(way, trial), room, SMALL) for way in ways if way != POOLED]


def _head_height(trial: Trial, ways: list[str]) -> float:
    beside = sum(0.2 + 0.15 * (len(lines) - 1) for lines in _arm_names(trial, ways))
    return max(_names_height(trial) + 0.3, 0.2 + beside, 0.4) + 0.3


def _head(sheet: "Axes", height: float, trial: Trial, ways: list[str]) -> None:
    """Name the visits over the grid and the arms over the bars."""
    foot, right = height - _head_height(trial, ways) + 0.1, _bars_left(trial)
    angle = 90 if _are_upright(trial) else 0
    for place, name in enumerate(_names(trial)):
        x = LEFT + (place + 0.5) * _cell(trial)
        sheet.text(x, foot, name, fontsize=SMALL, ha="center", va="bottom", linespacing=1.1, rotation=angle)
    y = height - 0.2
    for x, seen, text in ((LEFT + 0.1, True, "seen"), (LEFT + 0.85, False, "missing")):
        _sign(sheet, x, y, seen=seen)
        sheet.text(x + 0.13, y, text, fontsize=SMALL, color=look.QUIET, va="center")
    sheet.text(
        right,
        y,
        "Participants (% of arm)" if ways != [POOLED] else "Participants (%)",
        fontsize=SMALL,
        color=look.QUIET,
        va="center",
    )
    for position, lines in enumerate(_arm_names(trial, ways)):
        y -= 0.2
        _block(sheet, (right, y - 0.055), 0.24, 0.11, position)
        for place, line in enumerate(lines):
            y -= 0.15 if place else 0.0
            sheet.text(right + 0.32, y, line, fontsize=SMALL, va="center")
    sheet.plot((LEFT, WIDTH - 0.1), (foot - 0.06,) * 2, color=look.INK, linewidth=0.9)


def _block(sheet: "Axes", at: tuple[float, float], width: float, height: float, position: int) -> None:
    """Draw a bar in an arm's colour, filled or not as its marker is: so grey tells arms apart too."""
    from matplotlib.patches import Rectangle

    style = look.style(position)
    inside = style.colour if style.is_filled else look.PAPER
    sheet.add_patch(Rectangle(at, width, height, facecolor=inside, edgecolor=style.colour, linewidth=1.3))


def _signs(sheet: "Axes", signs: str, middle: float) -> None:
    """Draw a pattern, a sign per visit."""
    cell = min(WIDEST, GRID / len(signs))
    for place, sign in enumerate(signs):
        _sign(sheet, LEFT + (place + 0.5) * cell, middle, seen=sign == SEEN)


def _sign(sheet: "Axes", x: float, y: float, *, seen: bool) -> None:
    """Draw a filled square where the outcome was seen, a cross where it is missing."""
    sheet.plot(
        x, y, marker="s" if seen else "x", markersize=10 if seen else 7,
        color=look.INK if seen else look.STYLES[2].colour, markeredgewidth=0 if seen else 1.8,
    )  # fmt: skip


def _bars(sheet: "Axes", pattern: Pattern, middle: float, most: float, left: float) -> None:
    room = WIDTH - FOR_NUMBERS - left
    top = middle + len(pattern.counts) * BAR / 2
    for position, (n, percent) in enumerate(pattern.counts.values()):
        y = top - (position + 0.5) * BAR
        length = 0.0 if math.isnan(n) else room * n / most
        if length:
            _block(sheet, (left, y - 0.065), length, 0.13, position)
        sheet.text(left + length + 0.08, y, numbers.count_of(n, percent), fontsize=SMALL, va="center")
