"""Delta adjustment: what is added to imputed values, and the grid of its answers. Not here: the tipping point.

A delta acts linearly on the imputations: they are reused, nothing is drawn again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.imputation.errors import ImputationError, Refusal
from analysis.imputation.estimates import Analyse
from analysis.imputation.events import Events
from analysis.imputation.outcomes import Outcomes
from analysis.imputation.routes import Sets
from analysis.mixed.arrays import Array

Values = float | Sequence[float]  # for all visits, or one for each


@dataclass(frozen=True, slots=True)
class Delta:
    """By arm, the delta of each visit; and how much of it counts at the first, second ... visit from the event on.

    What is added at a visit is the sum of delta × lag up to it  [RBI-19]. `lag` (1, 0, 0 ...) is a fixed delta,
    that of the event's visit; (1, 1, 1 ...) accumulates. With `gaps`, outcomes missing before an event, or without
    one, get their visit's delta × the first lag too.
    """

    by_arm: Mapping[Any, Values]
    lag: Sequence[float] | None = None  # None: fixed
    gaps: bool = False


def cumulative(n_visits: int, by_arm: Mapping[Any, Values]) -> Delta:
    """A delta that is added once more at every visit from the event on."""
    return Delta(by_arm, (1.0,) * n_visits)


def delta_matrix(outcomes: Outcomes, events: Events, delta: Delta) -> Array:
    """What is added to each participant's imputed outcome at each visit: (n, T), zero where nothing is imputed.

    Raises:
        ImputationError: an unknown arm, or not a finite number for every visit.
    """
    n_visits = len(outcomes.visits)
    by_arm, lag = _checked(outcomes, delta), _lag(delta, n_visits)
    added, after = np.zeros(outcomes.y.shape), events.is_after
    for number, values in by_arm.items():
        own = outcomes.arm == number
        for first in np.unique(events.first[own]):
            column = np.zeros(n_visits)
            column[first:] = np.cumsum(lag[: n_visits - first] * values[first:])
            added[own & (events.first == first)] = column
        if delta.gaps:
            added[own] = np.where(after[own], added[own], lag[0] * values)
    added[~outcomes.is_missing] = 0.0
    return added


def _lag(delta: Delta, n_visits: int) -> Array:
    return np.eye(1, n_visits)[0] if delta.lag is None else np.asarray(delta.lag, dtype=float)


def _checked(outcomes: Outcomes, delta: Delta) -> dict[int, Array]:
    """Deltas (T,) by the arms' numbers."""
    n_visits, found, refusals = len(outcomes.visits), {}, []
    for arm, values in delta.by_arm.items():
        if arm not in outcomes.arms:
            arms = ", ".join(map(str, outcomes.arms))
            refusals.append(Refusal("delta", f"the arm {arm!r}", f"one of the arms: {arms}"))
            continue
        given = np.atleast_1d(np.asarray(values, dtype=float))
        if given.size not in {1, n_visits} or not np.isfinite(given).all():
            refusals.append(
                Refusal(f"delta of {arm}", f"{given.size} values", f"1 or {n_visits} finite numbers")
            )
            continue
        found[outcomes.arms.index(arm)] = np.broadcast_to(given, (n_visits,))
    if delta.lag is not None and (len(delta.lag) != n_visits or not np.isfinite(delta.lag).all()):
        refusals.append(Refusal("lag of delta", f"{len(delta.lag)} values", f"{n_visits} finite numbers"))
    if refusals:
        raise ImputationError("The delta can't be used.", refusals)
    return found


def delta_grid(  # noqa: PLR0913
    sets: Sets,
    events: Events,
    analyse: Analyse,
    values: Mapping[Any, Sequence[float]],
    *,
    unit: Delta | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Pooled contrasts at every combination of the arms' deltas, in columns `delta_<arm>`.

    Args:
        sets: A route's imputations.
        events: Since when a delta counts.
        analyse: The analysis.
        values: By arm, the deltas of the grid; one arm makes a line, two a table.
        unit: How a delta of one acts; fixed unless given.
        alpha: Of the limits.
    """
    outcomes = sets.completed.outcomes
    parts = [delta_matrix(outcomes, events, unit_of(arm, unit)) for arm in values]
    frames = []
    for point in product(*values.values()):
        added = sum(
            (size * part for size, part in zip(point, parts, strict=True)), np.zeros(outcomes.y.shape)
        )
        table = sets.shifted(added).pooled(analyse, alpha=alpha).contrasts
        named = {f"delta_{arm}": size for arm, size in zip(values, point, strict=True)}
        frames.append(table.assign(**named))
    return pd.concat(frames, ignore_index=True)


def unit_of(arm: Any, unit: Delta | None) -> Delta:
    """A delta of one in one arm, acting as `unit` does."""
    return Delta({arm: 1.0}) if unit is None else Delta({arm: 1.0}, unit.lag, unit.gaps)
