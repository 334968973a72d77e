"""Bad input: each problem has its own message that says where, what was found, what was expected, what to do.

No participant's value or identifier is ever in a message; rows are named by their position, counted from 1.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.errors import BadDataError, TooLittleDataError
from analysis.mixed.gram import PatternGrams

SHOWN = 5


def listed(items: Iterable[object]) -> str:
    """The first few, and how many more."""
    every = [str(item) for item in items]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def known_columns(frame: pd.DataFrame, wanted: Iterable[str]) -> None:
    """Every name asked for is a column."""
    missing = sorted({name for name in wanted if name not in frame.columns})
    if missing:
        raise BadDataError(
            f"unknown column {listed(map(repr, missing))}: the data has {listed(map(repr, frame.columns))};"
            " correct the name in the formula, subject=, visit=, group=, weights= or random="
        )


def numeric_outcome(frame: pd.DataFrame, outcome: Iterable[str]) -> None:
    """The outcome holds numbers."""
    for name in outcome:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            raise BadDataError(
                f"outcome {name!r} holds {column.dtype} values, expected numbers: convert it with pd.to_numeric"
            )


def finite(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """No infinities."""
    for name in names:
        if pd.api.types.is_numeric_dtype(frame[name]):
            bad = np.flatnonzero(np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan)))
            if len(bad):
                raise BadDataError(
                    f"column {name!r} is infinite in row {listed(bad + 1)}: correct the value or make it missing"
                )


def no_duplicates(subject: Codes, visit: Codes, visits: Sequence[object]) -> None:
    """At most one row per participant and visit."""
    position = subject * len(visits) + visit
    count = np.bincount(position)
    doubled = np.flatnonzero(count[position] > 1)
    if len(doubled):
        where = sorted({int(v) for v in visit[doubled]})
        raise BadDataError(
            f"{len(np.unique(subject[doubled]))} participants have more than one row at a visit"
            f" (visits {listed(visits[v] for v in where)}; rows {listed(doubled + 1)}):"
            " keep one row per participant and visit"
        )


def enough_participants(n_subjects: int) -> None:
    """More than one."""
    if n_subjects < 2:
        raise TooLittleDataError(
            f"{n_subjects} participant has observations, at least 2 are needed:"
            " a covariance between visits is estimated across participants"
        )


def several_visits(visits: Sequence[object]) -> None:
    """A covariance over visits needs two."""
    if len(visits) < 2:
        raise TooLittleDataError(
            f"the only visit with observations is {visits[0]!r}, but an MMRM needs at least 2:"
            " for one visit use analysis of covariance (statsmodels OLS), or leave subject and visit out of a model"
            " with random effects"
        )


def no_empty_visit(before: Sequence[object], after: Sequence[object], outcome: str) -> None:
    """Every visit of the data has an observed outcome."""
    empty = [visit for visit in before if visit not in after]
    if empty:
        raise TooLittleDataError(
            f"{outcome!r} is missing in every row of visit {listed(map(repr, empty))}:"
            " its variance cannot be estimated; leave the rows of that visit out"
        )


def group_within_participants(subject: Codes, group: Codes, name: str) -> None:
    """A covariance group is a property of a participant."""
    first = np.full(subject.max() + 1, -1, dtype=np.intp)
    first[subject[::-1]] = group[::-1]
    changed = np.unique(subject[first[subject] != group])
    if len(changed):
        raise BadDataError(
            f"group {name!r} changes within {len(changed)} participants (first in row"
            f" {int(np.flatnonzero(first[subject] != group)[0]) + 1}): a covariance by group needs one group each"
        )


def valid_weights(weights: Array, name: str) -> None:
    """Weights are positive."""
    bad = np.flatnonzero(~(weights > 0))
    if len(bad):
        raise BadDataError(
            f"weights {name!r} are not positive in row {listed(bad + 1)}: every weight must exceed 0"
        )


def identified(
    grams: PatternGrams,
    group_of_kind: Codes,
    covariance: str,
    visits: Sequence[object],
    groups: Sequence[object],
) -> None:
    """Every variance, and for an unstructured covariance every pair of visits, is seen in some participant."""
    pairs = (grams.has[:, :, None] & grams.has[:, None, :]) * grams.count[:, None, None]
    for number, group in enumerate(groups):
        seen: Array = pairs[group_of_kind[grams.kind] == number].sum(0)
        where = f" in group {group!r}" if len(groups) > 1 else ""
        never = np.flatnonzero(np.diag(seen) == 0)
        if len(never):
            raise TooLittleDataError(
                f"no observation at visit {listed(repr(visits[int(v)]) for v in never)}{where}:"
                " its variance cannot be estimated; use one covariance for all groups"
            )
        unseen = np.argwhere(np.triu(seen == 0))
        if covariance == "us" and len(unseen):
            a, b = unseen[0].tolist()
            raise TooLittleDataError(
                f"visits {visits[a]!r} and {visits[b]!r} are never observed in the same participant{where}:"
                " their covariance cannot be estimated; use a structured covariance such as 'toeph' or 'csh'"
            )


def enough_rows(n_rows: int, n_fixed: int, n_covariance: int) -> None:
    """At least as many observations as parameters."""
    if n_rows < n_fixed + n_covariance:
        raise TooLittleDataError(
            f"{n_rows} observations for {n_fixed} fixed effects and {n_covariance} covariance parameters:"
            " use a covariance with fewer parameters, or fewer terms"
        )
