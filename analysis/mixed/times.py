"""Real times of visits: columns of the data in, distances between a participant's visits out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.checks import listed
from analysis.mixed.errors import BadDataError

Times = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Between visits, by kind of participant and typically."""

    by_kind: Array  # (K, T, T) infinite to a visit nobody of the kind has
    typical: Array  # (T, T) between the visits' mean times


def time_columns(times: Times) -> list[str]:
    """Names of the coordinates: one column of times, or several whose Euclidean distance counts."""
    if times is None:
        return []
    return [times] if isinstance(times, str) else list(times)


def coordinates(frame: pd.DataFrame, names: Sequence[str]) -> Array:
    """(N, c) numbers; refuses what is not a number."""
    for name in names:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            raise BadDataError(
                f"times {name!r} hold {column.dtype} values, expected numbers: give days or months since a start"
            )
    return frame[list(names)].to_numpy(dtype=float).reshape(len(frame), -1)


def occasions(frame: pd.DataFrame, subject: str, names: Sequence[str]) -> pd.Series:
    """First, second, ... row of each participant in time: what visits are where only times are given."""
    if len(names) != 1:
        raise BadDataError(
            f"times {listed(map(repr, names))} have no order without visit=: name the visit column too"
        )
    order = frame.groupby(subject, observed=True)[names[0]].rank("first").astype(int)
    return order.astype(pd.CategoricalDtype(list(range(1, int(order.max()) + 1)))).rename("occasion")


def distances(plans: Array | None, rows: Array, visit: Codes) -> Distances | None:
    """From the kinds' times (K, T, c + 1), the last column telling whether there is one, and all rows' (N, c)."""
    if plans is None:
        return None
    place, has = plans[..., :-1], plans[..., -1] > 0
    by_kind = _between(place)
    both = has[:, :, None] & has[:, None, :]
    by_kind = np.where(both | np.eye(len(visit_means := _means(rows, visit)), dtype=bool), by_kind, np.inf)
    _apart(by_kind)
    return Distances(by_kind, _between(visit_means))


def of_visits(visits: Sequence[object], n_kinds: int) -> Distances:
    """Where the visits are numbers they are the times."""
    if not all(isinstance(visit, int | float | np.number) for visit in visits):
        raise BadDataError(
            f"covariance 'sp_exp' needs times, but the visits are {listed(map(repr, visits))}: name the column"
            " of times with times=, or give a numeric visit"
        )
    typical = _between(np.array(visits, dtype=float)[:, None])
    return Distances(np.broadcast_to(typical, (n_kinds, *typical.shape)), typical)


def _means(rows: Array, visit: Codes) -> Array:
    count = np.bincount(visit)
    return np.stack([np.bincount(visit, column) / count for column in rows.T], axis=1)


def _between(place: Array) -> Array:
    """Euclidean distances (..., T, T) of places (..., T, c)."""
    gaps = place[..., :, None, :] - place[..., None, :, :]
    found: Array = np.sqrt((gaps**2).sum(-1))
    return found


def _apart(by_kind: Array) -> None:
    off = ~np.eye(by_kind.shape[-1], dtype=bool)
    same = ((by_kind == 0) & off).any(axis=(1, 2))
    if same.any():
        raise BadDataError(
            "a participant has two rows at the same time, between which the correlation would be 1:"
            " keep one row per participant and time"
        )
