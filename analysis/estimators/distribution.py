"""How each continuous outcome is spread: participants in bins, by visit and arm. Not here: its mean (baseline).

Bins are the same for all arms and visits of an outcome, so that they can be laid side by side.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.baseline import (
    Descriptions,
    arms_and_all,
    continuous_outcomes,
    population_rows,
)
from analysis.results import Statistic
from data_contracts.plan import Outcome
from data_contracts.spec import Trial

DISTRIBUTION = "distribution"  # the name of this description in the results table
TO, BELOW, ABOVE = (
    " to ",
    "below ",
    " or more",
)  # in the names of bins; those without an end are of open reports
Array = npt.NDArray[np.float64]
MOST_BINS = 20
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # widths of bins, times a power of ten
METHOD = "observed, counted in bins: the lower limit belongs to a bin, the upper to the next"


def describe_distribution(analysis_set: pd.DataFrame, trial: Trial) -> Descriptions:
    """Return for each continuous outcome the participants in each bin, by visit, by arm and over all (no arm).

    `at` is the bin, such as "10 to 20"; n is how many were observed.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
    """
    rows = population_rows(analysis_set, trial)
    found = ((outcome.name, list(_counts(rows, outcome, trial))) for outcome in continuous_outcomes(trial))
    return {name: counts for name, counts in found if counts}


def bin_edges(values: Array) -> Array:
    """Return round edges that hold all values, at most 20 bins and mostly more than 10.

    Whole numbers that need no wider bins get one each, around them: 2.5 to 3.5.

    Args:
        values: (n,) finite, at least one.
    """
    low, high = float(values.min()), float(values.max())
    is_whole = bool((values == np.round(values)).all())
    width = _width(high - low, is_whole=is_whole)
    if is_whole and width == 1:
        return np.arange(low, high + 2) - 0.5
    multiples = np.arange(math.floor(low / width) - 1, math.floor(high / width) + 3, dtype=np.float64)
    edges = np.round(multiples * width, 3 - math.floor(math.log10(width)))  # 0.3, not 3 * 0.1
    first, last = np.searchsorted(edges, [low, high], side="right")
    return edges[first - 1 : last + 1]


def _width(span: float, *, is_whole: bool) -> float:
    """Return the narrowest round width that takes fewer than 20 bins; of whole numbers a whole one."""
    if is_whole and span < MOST_BINS:
        return 1.0
    least = span / (MOST_BINS - 1) if span > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        step * power
        for step in (*STEPS, *(10 * step for step in STEPS))
        if step * power >= least and not (is_whole and (step * power) % 1)
    )


def _counts(rows: pd.DataFrame, outcome: Outcome, trial: Trial) -> Iterator[Statistic]:
    seen = rows.loc[rows[outcome.name].notna(), ["visit", "arm", outcome.name]]
    if seen.empty:
        return
    edges = bin_edges(seen[outcome.name].to_numpy(dtype="float64"))
    names = [f"{lower:.10g}{TO}{upper:.10g}" for lower, upper in pairwise(edges.tolist())]
    for visit in trial.visits:
        for arm, part in arms_and_all(seen[seen["visit"] == visit.code], trial):
            values = part[outcome.name].to_numpy(dtype="float64")
            places = np.searchsorted(edges, values, side="right") - 1
            counts = np.bincount(places, minlength=len(names))
            for name, count in zip(names, counts.tolist(), strict=True):
                yield Statistic(
                    "count", float(count), visit=visit.code, arm=arm, at=name, unit="participants",
                    method=METHOD, n=len(values),
                )  # fmt: skip
