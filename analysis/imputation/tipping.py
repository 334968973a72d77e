"""The tipping point: the delta at which a contrast is no longer significant, by root finding. Not here: grids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.imputation.delta import Delta, delta_matrix, unit_of
from analysis.imputation.estimates import Analyse
from analysis.imputation.events import Events
from analysis.imputation.routes import Sets
from analysis.mixed.arrays import Array

NO_MATTER = 1e-12  # change of an estimate per unit of delta, in standard errors, that is none
PRECISION = 1e-10  # of the root, in units of the delta that takes the estimate to zero


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """A contrast's tipping delta, or why there is none."""

    arm: Any  # in which the delta is added
    contrast: str
    visit: Any
    delta: float  # NaN where there is none
    estimate: float  # at delta
    se: float  # at delta, by the route's own method
    p: float  # at delta: alpha
    reason: str = ""  # why there is no delta; empty if there is one


def tipping_points(  # noqa: PLR0913
    sets: Sets,
    events: Events,
    analyse: Analyse,
    arm: Any,
    *,
    unit: Delta | None = None,
    besides: Mapping[Any, float] | None = None,
    alpha: float = 0.05,
) -> list[TippingPoint]:
    """The smallest delta in `arm`, of the sign that takes the estimate to zero, at which p is alpha  [RBI-21].

    The estimate is linear in the delta; its standard error is found anew at every delta that is tried.

    Args:
        sets: A route's imputations; they are reused.
        events: Since when the delta counts.
        analyse: The analysis.
        arm: In which arm the delta is added.
        unit: How a delta of one acts; fixed unless given.
        besides: Deltas of other arms, kept meanwhile.
        alpha: Of significance.
    """
    outcomes = sets.completed.outcomes
    one = delta_matrix(outcomes, events, unit_of(arm, unit))
    kept = np.zeros(outcomes.y.shape)
    for other, size in (besides or {}).items():
        kept = kept + size * delta_matrix(outcomes, events, unit_of(other, unit))
    search = _Search(sets, analyse, one, kept, alpha)
    at_zero, at_one = search.contrasts(0.0), search.contrasts(1.0)
    return [
        _tipped(search, number, at_zero.iloc[number], at_one.iloc[number], arm)
        for number in range(len(at_zero))
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    sets: Sets
    analyse: Analyse
    one: Array  # (n, T) a delta of one
    kept: Array  # (n, T) other arms' deltas
    alpha: float

    def contrasts(self, delta: float) -> pd.DataFrame:
        """All contrasts at a delta."""
        return (
            self.sets.shifted(self.kept + delta * self.one).pooled(self.analyse, alpha=self.alpha).contrasts
        )

    def limit(self, delta: float, number: int, sign: float) -> float:
        """The limit nearest to zero, positive while the estimate is significant on its side."""
        row = self.contrasts(delta).iloc[number]
        return float(row["lower"] if sign > 0 else -row["upper"])


def _tipped(search: _Search, number: int, zero: pd.Series, one: pd.Series, arm: Any) -> TippingPoint:
    from scipy.optimize import brentq

    if zero["p"] >= search.alpha:
        return _point(arm, zero, float("nan"), "not significant without a delta")
    slope = one["estimate"] - zero["estimate"]
    if abs(slope) < NO_MATTER * zero["se"]:
        return _point(arm, zero, float("nan"), "nothing that a delta changes is imputed")
    end, sign = -zero["estimate"] / slope, float(np.sign(zero["estimate"]))
    found = float(brentq(search.limit, 0.0, end, args=(number, sign), xtol=PRECISION * abs(end)))
    return _point(arm, search.contrasts(found).iloc[number], found, "")


def _point(arm: Any, row: pd.Series, delta: float, reason: str) -> TippingPoint:
    numbers = float(row["estimate"]), float(row["se"]), float(row["p"])
    return TippingPoint(arm, str(row["contrast"]), row["visit"], delta, *numbers, reason)
