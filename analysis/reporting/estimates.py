"""Rows of the results table as values. Not here: computing them (estimators), wording them (headline)."""

import math
from collections.abc import Iterator
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
USABLE = ("ok", "boundary")


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
    def decimals(self) -> int:
        """Return how many decimals its standard error deserves."""
        return numbers.decimals_for(self.se, self.lower, self.upper)


def estimates(results: pd.DataFrame, **where: str) -> Iterator[Estimate]:
    """Yield the rows whose columns equal what is given, in the table's order."""
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
