"""Rows of the results table as values. Not here: computing them (estimators), wording them (headline)."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from analysis.estimators.multiplicity import ANSWERS
from analysis.reporting import numbers
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

MEAN = "adjusted mean"
DIFFERENCE = "adjusted mean difference"
OVERALL = "treatment effect"
TIPPING_DELTA = "tipping delta"
USABLE = ("ok", "boundary")
NOTHING_TO_TIP = "not significant without a delta"  # a tipping point's reason that is an answer


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of the results table."""

    analysis: str
    outcome: str
    statistic: str
    visit: str
    arm: str
    contrast: str
    value: float
    se: float
    df: float
    lower: float
    upper: float
    confidence: float
    p_value: float
    unit: str
    method: str
    status: str
    reason: str
    n: int | None
    n_observations: int | None
    at: str = ""
    family: str = ""
    p_adjusted: float = math.nan
    gate: str = ""

    @classmethod
    def of(cls, record: Any) -> Self:
        """Return the estimate that a row (a named tuple of the results table) holds."""
        values = {name: getattr(record, name) for name in cls.__dataclass_fields__ if hasattr(record, name)}
        for name in ("n", "n_observations"):
            values[name] = None if pd.isna(values[name]) else int(values[name])
        return cls(**values)

    @property
    def key(self) -> str:
        """Return what tells this row from every other of the trial."""
        parts = (self.analysis, self.outcome, self.statistic, self.visit, self.arm or self.contrast)
        return "/".join([*parts, self.at] if self.at else parts)

    @property
    def is_estimable(self) -> bool:
        """Whether there is a number, with limits, that may be shown."""
        return self.status in USABLE and all(map(math.isfinite, (self.value, self.lower, self.upper)))

    @property
    def is_adjusted(self) -> bool:
        """Whether its family of hypotheses gives it another p-value than its own."""
        return math.isfinite(self.p_adjusted) and self.p_adjusted != self.p_value

    @property
    def decimals(self) -> int:
        """Return how many decimals its standard error deserves."""
        return numbers.decimals_for(self.se, self.lower, self.upper)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """A results table turned into values once, each when it is first asked for."""

    results: pd.DataFrame
    records: list[Any]
    by_analysis: dict[str, list[int]]
    made: dict[int, Estimate]

    @classmethod
    def of(cls, results: pd.DataFrame) -> Self:
        records = list(results.itertuples(index=False))
        by_analysis: dict[str, list[int]] = {}
        for at, name in enumerate(results["analysis"].tolist()):
            by_analysis.setdefault(name, []).append(at)
        return cls(results, records, by_analysis, {})

    def equal_to(self, where: Mapping[str, str]) -> Iterator[Estimate]:
        rest = dict(where)
        name = rest.pop("analysis", None)
        places = range(len(self.records)) if name is None else self.by_analysis.get(name, [])
        for at in places:
            record = self.records[at]
            if all(getattr(record, column) == wanted for column, wanted in rest.items()):
                if at not in self.made:
                    self.made[at] = Estimate.of(record)
                yield self.made[at]


_LOOKED_UP: ContextVar[dict[int, _Rows] | None] = ContextVar("looked_up", default=None)


@contextmanager
def looked_up_once() -> Iterator[None]:
    """Within it each results table is turned into values once, since a report asks for rows thousands of times.

    A table must not be changed within it.
    """
    token = _LOOKED_UP.set({})
    try:
        yield
    finally:
        _LOOKED_UP.reset(token)


def _rows_of(results: pd.DataFrame, known: dict[int, _Rows]) -> _Rows:
    # The rows hold the table, so that no other can have its identity meanwhile.
    if id(results) not in known:
        known[id(results)] = _Rows.of(results)
    return known[id(results)]


def estimates(results: pd.DataFrame, **where: str) -> Iterator[Estimate]:
    """Yield the rows whose columns equal what is given, in the table's order."""
    if (known := _LOOKED_UP.get()) is not None:
        yield from _rows_of(results, known).equal_to(where)
        return
    chosen = pd.Series(True, index=results.index)
    for column, wanted in where.items():
        chosen &= results[column] == wanted
    for record in results.loc[chosen].itertuples(index=False):
        yield Estimate.of(record)


def first(results: pd.DataFrame, **where: str) -> Estimate | None:
    """Return the first such row, or None."""
    return next(estimates(results, **where), None)


def contrast(arm: Arm, trial: Trial) -> str:
    """Return how the results table names the comparison of an arm with the reference."""
    return f"{arm.code} - {trial.reference_arm.code}"


def comparison(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Estimate | None:
    """Return the row that answers an analysis: at the estimand's visit, or one over all visits."""
    versus, visit = contrast(arm, trial), trial.estimands[analysis.estimand].visit
    for statistic in ANSWERS.get(analysis.estimator, ()):
        if answer := first(results, analysis=analysis.name, statistic=statistic, contrast=versus):
            return answer
    at_visit = first(results, analysis=analysis.name, statistic=DIFFERENCE, visit=visit, contrast=versus)
    return at_visit or first(results, analysis=analysis.name, statistic=OVERALL, contrast=versus)


def answer(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Estimate | None:
    """Return the row that answers an analysis, as `comparison`; of a tipping point its delta."""
    versus = contrast(arm, trial)
    found = first(results, analysis=analysis.name, statistic=TIPPING_DELTA, contrast=versus)
    return found or comparison(results, trial, analysis, arm)


def is_answered(found: Estimate | None) -> bool:
    """Return whether an analysis was done: also where its answer is that no conclusion can tip."""
    return found is not None and (found.status in USABLE or found.reason == NOTHING_TO_TIP)


def why_not(results: pd.DataFrame, analysis: Analysis, found: Estimate | None) -> str:
    """Return why an analysis has no usable answer, in the words of the results table."""
    if found is not None and found.reason:
        return found.reason
    reasons = (
        e.reason for e in estimates(results, analysis=analysis.name) if e.status not in USABLE and e.reason
    )
    return next(reasons, "the results table holds no such estimate")


def arm_label(code: str, trial: Trial) -> str:
    """Return an arm's label by its code."""
    return next((arm.label for arm in trial.arms if arm.code == code), code)


def visit_label(code: str, trial: Trial) -> str:
    """Return a visit's label by its code."""
    return next((visit.label for visit in trial.visits if visit.code == code), code)
