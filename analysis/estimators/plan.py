"""Run the whole analysis plan: every declared analysis, and what was observed. Not here: estimating."""

import math
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.derive.course import Course
from analysis.estimators import estimator_named
from analysis.estimators.agreement import Found, agreement_rows
from analysis.estimators.baseline import (
    BASELINE,
    OBSERVED,
    describe_baseline,
    describe_outcomes,
    described_records,
)
from analysis.estimators.course import course_records, missing_records
from analysis.estimators.delivery import DELIVERY, describe_delivery
from analysis.estimators.distribution import DISTRIBUTION, describe_distribution
from analysis.estimators.multiplicity import COMPARED, with_families
from analysis.estimators.observed import observed_means
from analysis.estimators.residuals import MEDIAN, RESIDUALS, describe_residuals
from analysis.estimators.second_route.compare import SECOND_ROUTE, second_route_rows
from analysis.estimators.standardised import standardised_rows
from analysis.results import Records, Statistic, result_records, results_table
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

CHECKED = ("primary", "secondary", "cross-check")  # roles whose estimates are computed a second way


def run_analyses(analysis_set: pd.DataFrame, trial: Trial, course: Course | None = None) -> pd.DataFrame:
    """Return the results table of a trial, without the run's provenance.

    An analysis that cannot be estimated gives rows that say why; the rest of the plan still runs.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        course: How the trial went; None leaves its rows (flow, populations, recruitment, harms) out.

    Returns:
        A row per statistic: how the trial went, what was observed, then the analyses in the order of the trial file.
    """
    observed = {"estimand": trial.primary.name, "role": "descriptive", "population": trial.primary.population}
    found = {name: _estimate(analysis_set, trial, analysis) for name, analysis in trial.analyses.items()}
    parts = [
        [] if course is None else course_records(course, trial),
        described_records(describe_baseline(analysis_set, trial), analysis=BASELINE, **observed),
        described_records(describe_outcomes(analysis_set, trial), analysis=OBSERVED, **observed),
        described_records(describe_distribution(analysis_set, trial), analysis=DISTRIBUTION, **observed),
        missing_records(analysis_set, trial),
        described_records(describe_delivery(analysis_set, trial), analysis=DELIVERY, **observed),
        *(_records(analysis_set, found, trial, analysis) for analysis in trial.analyses.values()),
        described_records(
            {trial.primary.outcome: _residuals(analysis_set, trial)}, analysis=RESIDUALS, **observed
        ),
    ]
    return results_table(with_families([record for part in parts for record in part], trial))


def _estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    seen = _observed(analysis_set, trial, analysis)
    try:
        return [*seen, *estimator_named(analysis.estimator)(analysis_set, trial, analysis)]
    except Exception as error:  # noqa: BLE001 - a fault of one analysis is its result; the others still run
        return [*seen, *broken_rows(trial, analysis, error)]


def _observed(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return what was observed of those analysed; where that fails a row says so, and the estimate stands."""
    try:
        return list(observed_means(analysis_set, trial, analysis))
    except Exception as error:  # noqa: BLE001 - as above
        visit = trial.estimands[analysis.estimand].visit
        return [Statistic("observed mean", math.nan, visit=visit, status="failed", reason=fault(error))]


def broken_rows(trial: Trial, analysis: Analysis, error: Exception) -> list[Statistic]:
    """Return a row per contrast that says where the program failed; the error's text may quote a value."""
    visit, reference = trial.estimands[analysis.estimand].visit, trial.reference_arm.code
    empty = Statistic(COMPARED[0], math.nan, visit=visit, status="failed", reason=fault(error))
    return [replace(empty, contrast=f"{arm.code} - {reference}") for arm in trial.compared_arms]


def fault(error: Exception) -> str:
    """Return the kind of an unforeseen error and where it arose."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}, line {frame.lineno}"
    return f"the program failed: {type(error).__name__} in {where}; please report it"


def _second_route(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, own: Sequence[Statistic]
) -> list[Statistic]:
    try:
        return second_route_rows(analysis_set, trial, analysis, own)
    except Exception as error:  # noqa: BLE001 - an estimate that could not be held against anything is told
        return [Statistic(SECOND_ROUTE, math.nan, status="failed", reason=fault(error))]


def _residuals(analysis_set: pd.DataFrame, trial: Trial) -> list[Statistic]:
    try:
        return describe_residuals(analysis_set, trial)
    except Exception as error:  # noqa: BLE001 - a model that could not be looked at is told; the results stand
        return [Statistic(MEDIAN, math.nan, status="failed", reason=fault(error))]


def _records(analysis_set: pd.DataFrame, found: Found, trial: Trial, analysis: Analysis) -> Records:
    estimand, own = trial.estimands[analysis.estimand], found[analysis.name]
    again = _second_route(analysis_set, trial, analysis, own) if analysis.role in CHECKED else []
    return result_records(
        [
            *own,
            *standardised_rows(analysis_set, trial, analysis, own),
            *agreement_rows(found, trial, analysis),
            *again,
        ],
        analysis=analysis.name,
        estimand=estimand.name,
        role=analysis.role,
        clause=analysis.clause or estimand.clause,
        outcome=estimand.outcome,
        population=estimand.population,
    )
