"""Deltas as a command line writes them: "SRT=2", "SRT=1,2,3", "2:cumulative", "SRT=0..8/2"; grids, tipping points.

Not here: what a delta does (analysis.imputation).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.estimators.adhoc_columns import Columns
from analysis.estimators.adhoc_impute_table import ImputeRequest
from data_contracts.errors import Problem, RequestError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.imputation import Analyse, Delta, Events, Outcomes, Sets, TippingPoint

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})/({NUMBER})")
MODES = ("fixed", "cumulative", "gaps")
MOST_POINTS = 1000


@dataclass(frozen=True, slots=True)
class DeltaText:
    """A delta by its text: an arm (none: every arm), a value or one for each visit, and how it acts."""

    arm: str
    values: Sequence[float]
    mode: str

    def delta(self, arms: Sequence[Any], n_visits: int) -> "Delta":
        """Return it as imputation takes it."""
        values = list(self.values) if len(self.values) > 1 else self.values[0]
        by_arm = dict.fromkeys([self.arm] if self.arm else arms, values)
        return replace(self.unit(n_visits), by_arm=by_arm)

    def unit(self, n_visits: int) -> "Delta":
        """Return how a delta of one acts."""
        return _unit(self.mode, n_visits)


@dataclass(frozen=True, slots=True)
class Grid:
    """The deltas of one arm in a grid."""

    arm: str
    values: Sequence[float]
    mode: str

    def unit(self, n_visits: int) -> "Delta":
        """Return how a delta of one acts."""
        return _unit(self.mode, n_visits)


def _unit(mode: str, n_visits: int) -> "Delta":
    from analysis.imputation import Delta

    return Delta({}, (1.0,) * n_visits if mode == "cumulative" else None, gaps=mode == "gaps")


def parsed_delta(text: str) -> DeltaText:
    """Return what "[ARM=]VALUE[,VALUE…][:fixed|cumulative|gaps]" means.

    Raises:
        RequestError: it can't be read.
    """
    arm, numbers, mode = _parts(text, "--delta")
    return DeltaText(arm, [_number(one, text, "--delta") for one in numbers.split(",")], mode)


def parsed_grid(text: str) -> Grid:
    """Return what "ARM=VALUE,VALUE…" or "ARM=FROM..TO/STEP" means.

    Raises:
        RequestError: it can't be read.
    """
    arm, numbers, mode = _parts(text, "--grid")
    if not arm:
        raise _unreadable(text, "--grid")
    found = RANGE.fullmatch(numbers.strip())
    if found is None:
        return Grid(arm, [_number(one, text, "--grid") for one in numbers.split(",")], mode)
    start, stop, step = (float(one) for one in found.groups())
    size = (stop - start) / step if step else -1.0
    if not 0 <= size <= MOST_POINTS:
        raise _unreadable(text, "--grid")
    return Grid(arm, [start + step * k for k in range(int(size + 1e-9) + 1)], mode)


def _parts(text: str, option: str) -> tuple[str, str, str]:
    """Return arm, numbers and mode; the arm's name may hold anything but an equals sign."""
    arm, mark, rest = text.rpartition("=")
    numbers, _, mode = rest.partition(":")
    if (mode or "fixed") not in MODES or (mark and not arm.strip()):
        raise _unreadable(text, option)
    return arm.strip(), numbers, mode or "fixed"


def _number(text: str, whole: str, option: str) -> float:
    if re.fullmatch(NUMBER, text.strip()) is None:
        raise _unreadable(whole, option)
    return float(text)


def _unreadable(text: str, option: str) -> RequestError:
    expected = {
        "--delta": "[ARM=]VALUE[,VALUE…], with :cumulative or :gaps behind it if it is not fixed",
        "--grid": "ARM=VALUE,VALUE… or ARM=FROM..TO/STEP",
    }[option]
    return RequestError("A delta can't be read.", [Problem(option, repr(text), expected)])


def added_deltas(outcomes: "Outcomes", events: "Events", columns: Columns, request: ImputeRequest) -> Any:
    """Return the sum of all deltas asked for: (n, T)."""
    import numpy as np

    from analysis.imputation import delta_matrix

    asked = [_resolved(parsed_delta(text), columns, request) for text in request.deltas]
    return sum(
        (delta_matrix(outcomes, events, one.delta(outcomes.arms, len(outcomes.visits))) for one in asked),
        np.zeros(outcomes.y.shape),
    )


def _resolved(one: DeltaText, columns: Columns, request: ImputeRequest) -> DeltaText:
    return replace(one, arm=columns.level(request.arm, one.arm) if one.arm else "")


def grid_of(
    sets: "Sets", events: "Events", analyse: "Analyse", columns: Columns, request: ImputeRequest
) -> "pd.DataFrame | None":
    """Return the pooled contrasts at every point of the grid, or None where none was asked for."""
    from analysis.imputation import delta_grid

    asked: list[Grid] = [parsed_grid(text) for text in request.grid]
    if not asked:
        return None
    values = {columns.level(request.arm, one.arm): one.values for one in asked}
    unit = asked[0].unit(len(sets.completed.outcomes.visits))
    return delta_grid(sets, events, analyse, values, unit=unit, alpha=request.alpha)


def tipping_of(
    sets: "Sets", events: "Events", analyse: "Analyse", columns: Columns, request: ImputeRequest
) -> "list[TippingPoint]":
    """Return the tipping points of every arm asked for."""
    from analysis.imputation import tipping_points

    found = []
    for text in request.tipping:
        name, _, mode = text.rpartition(":")
        name, mode = (name, mode) if name and mode in MODES else (text, "fixed")
        arm = columns.level(request.arm, name)
        unit = parsed_delta(f"{name}=1:{mode}").unit(len(sets.completed.outcomes.visits))
        found += tipping_points(sets, events, analyse, arm, unit=unit, alpha=request.alpha)
    return found
