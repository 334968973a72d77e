"""The primary comparison in a few strokes, small enough for Dagster to show it unasked. Not here: showing it (assets).

Dagster hides what is longer than a thousand characters behind a button; a figure of matplotlib is many times that.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from analysis.reporting.estimates import Estimate, contrast
from analysis.reporting.figures import look
from analysis.reporting.figures.forest import sides
from data_contracts.spec import Trial
from data_contracts.standing import SHUFFLED

WIDTH, ROW, FOOT, MARGIN = 360, 24, 20, 12  # pixels
LONGEST, SMALL = 1.6, 8  # inches, points: of whom a side favours
BETWEEN = "#888"  # grey that is read on light and on dark pages, since no style sheet reaches the picture


def miniature(found: Sequence[Estimate], trial: Trial, *, is_shuffled: bool = False) -> str:
    """Return differences with their intervals, against zero, as SVG; "" when none has an estimate.

    Args:
        found: The primary comparison of each compared arm.
        trial: The trial.
        is_shuffled: Whether its arms are not the true ones, which the picture then says.
    """
    shown = [one for one in found if one.is_estimable]
    if not shown:
        return ""
    ends = [0.0, *(limit for one in shown for limit in (one.lower, one.upper))]
    scale = _Scale(min(ends), max(ends))
    foot = ROW * len(shown)
    lines = "".join(_line(one, ROW * i + ROW // 2, scale, trial) for i, one in enumerate(shown))
    said = f"<text x='{scale(0) + 4}' y='9'>ALLOCATION {SHUFFLED.upper()}</text>" if is_shuffled else ""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{foot + FOOT}' font-size='11' "
        f"fill='{BETWEEN}'><path d='M{scale(0)} 0V{foot}' stroke='{BETWEEN}'/>{lines}{_sides(foot, trial)}{said}</svg>"
    )


class _Scale:
    """Where a difference lies, in whole pixels."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.per_unit = low, (WIDTH - 2 * MARGIN) / ((high - low) or 1.0)

    def __call__(self, value: float) -> int:
        return MARGIN + round((value - self.low) * self.per_unit)


def _line(found: Estimate, y: int, scale: _Scale, trial: Trial) -> str:
    position = [contrast(arm, trial) for arm in trial.compared_arms].index(found.contrast)
    colour = look.style(position + 1).colour
    ends = f"M{scale(found.lower)} {y}H{scale(found.upper)}"
    return (
        f"<path d='{ends}' stroke='{colour}' stroke-width='3'/>"
        f"<circle cx='{scale(found.value)}' cy='{y}' r='5' fill='{colour}'/>"
    )


def _sides(foot: int, trial: Trial) -> str:
    """Return below the lines whom each side of zero favours."""
    both = sides(trial.outcomes[trial.primary.outcome], trial)
    below, above = (escape(look.elided(f"favours {side}", LONGEST, SMALL)) for side in both)
    return (
        f"<text y='{foot + 14}'>\N{LEFTWARDS ARROW} {below}</text>"
        f"<text x='{WIDTH}' y='{foot + 14}' text-anchor='end'>{above} \N{RIGHTWARDS ARROW}</text>"
    )
