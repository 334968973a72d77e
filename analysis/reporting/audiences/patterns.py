"""Patterns of missing visits: every one that there may be, and classes of them. Not here: hiding them (hidden)."""

from collections.abc import Iterator
from itertools import combinations, pairwise, product

import pandas as pd

from analysis.estimators.missing_data import SEEN, UNSEEN
from data_contracts.spec import Trial

Groups = tuple[tuple[str, ...], ...]
MOST_VISITS = 7  # of 128 patterns; with more visits no pattern is shown
CLASSES = (
    "seen at every visit",
    "missed a visit and came back",
    "left after a follow-up",
    "not seen after baseline",
)
OR = " or "  # between the classes of a row
UNSEEN_COUNT = "pattern"  # the name of the count of a pattern begins so


def class_of(pattern: str, trial: Trial) -> str:
    """Return what a pattern of seen and missing visits amounts to."""
    follow_ups = "".join(sign for sign, v in zip(pattern, trial.visits, strict=True) if not v.baseline)
    if UNSEEN not in pattern:
        return CLASSES[0]
    if SEEN not in follow_ups:
        return CLASSES[3]
    return CLASSES[1 if UNSEEN + SEEN in pattern else 2]


def is_raw(pattern: str) -> bool:
    """Return whether a row is of one pattern, not of classes."""
    return set(pattern) <= {SEEN, UNSEEN}


def counts_of_all(rows: pd.DataFrame, trial: Trial) -> dict[str, int]:
    """Return how many have each pattern that there may be, by `pattern/<pattern>`.

    None where the trial has too many visits, or where the patterns were not counted.
    """
    if rows.empty or len(trial.visits) > MOST_VISITS:
        return {}
    found = {str(at): int(n) for at, n in zip(rows["at"], rows["value"], strict=True)}
    every = map("".join, product(SEEN + UNSEEN, repeat=len(trial.visits)))
    return {f"{UNSEEN_COUNT}/{pattern}": found.get(pattern, 0) for pattern in every}


def is_of(name: str, at: str, trial: Trial) -> bool:
    """Return whether those of a count (`pattern/<pattern>`) are among those of a row."""
    pattern = name.partition("/")[2]
    return pattern == at if is_raw(at) else class_of(pattern, trial) in at.split(OR)


def groupings() -> Iterator[Groups]:
    """Yield the ways to take neighbouring classes together, most groups first."""
    for n_cuts in range(len(CLASSES) - 1, 0, -1):
        for cuts in combinations(range(1, len(CLASSES)), n_cuts):
            yield tuple(CLASSES[a:b] for a, b in pairwise((0, *cuts, len(CLASSES))))
