"""Differences of means in standard deviations, to lay outcomes of different units side by side.

Not here: the differences (estimators), effects over the model's own SD (analysis.mixed.standardised).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.results import Statistic, alone
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

STANDARDISED = "standardised difference"
ROLES = ("primary", "secondary")
COMPARED = ("adjusted mean difference", "treatment effect")
USABLE = ("ok", "boundary")


def standardised_rows(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> Iterator[Statistic]:
    """Yield each difference of a continuous outcome over the SD within arms at its visit [STD-1].

    The SD is that of everybody observed in the estimand's population, pooled over arms; it is taken as known, so
    the limits are the difference's over the same SD. The sign is the difference's. Nothing is tested again.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis; other roles than primary and secondary have none.
        found: Its rows.
    """
    estimand = trial.estimands[analysis.estimand]
    if analysis.role not in ROLES or trial.outcomes[estimand.outcome].kind != "continuous":
        return
    people = analysis_set[analysis_set[f"in_{estimand.population}"]]
    for row in found:
        if row.statistic in COMPARED and row.status in USABLE and math.isfinite(row.value):
            visit = row.visit or estimand.visit
            here = people[people["visit"] == visit]
            yield _over(row, sd_within_arms(here[estimand.outcome], here["arm"]), visit)


def sd_within_arms(values: pd.Series, arms: pd.Series) -> float:
    """Return the root of the arms' variances weighed by their degrees of freedom; NaN where there are none."""
    by_arm = values.dropna().astype("float64").groupby(arms.astype("object"))
    freedom = by_arm.count() - 1
    squares = (by_arm.var() * freedom)[freedom > 0].sum()
    total = int(freedom[freedom > 0].sum())
    return float(np.sqrt(squares / total)) if total else math.nan


def _over(row: Statistic, sd: float, visit: str) -> Statistic:
    """Return a difference over an SD."""
    if not sd > 0:
        reason = f"the arms have no standard deviation at {visit}"
        return replace(alone(row, STANDARDISED, math.nan), unit="SD", status="not estimable", reason=reason)
    method = f"{row.statistic} over the SD within arms observed at {visit}, {sd:.4g} {row.unit}".rstrip()
    return replace(
        row,
        statistic=STANDARDISED,
        unit="SD",
        p_value=math.nan,
        value=row.value / sd,
        se=row.se / sd,
        lower=row.lower / sd,
        upper=row.upper / sd,
        method=f"{method}, which is taken as known",
    )
