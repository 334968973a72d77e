"""How far from its assumption the missing data would have to be for the conclusion to change.

A delta is added to imputed values; the estimate is linear in it, so the imputations are made once. Not here:
imputing (analysis.imputation), what a declared imputation asks of it (imputed).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from analysis.estimators.comparison import common_row, empty_arms, not_estimated
from analysis.estimators.design import follow_up_design
from analysis.estimators.imputed import Imputed, method_of
from analysis.estimators.reference_based_mi import imputed_or_why, whole
from analysis.results import Statistic
from data_contracts.plan import Analysis, Tipping
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.imputation import Delta


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return the tipping delta of each contrast, and the difference at each combination of declared deltas.

    All at the estimand's visit. The tipping delta is found by root finding on the limit nearest to zero: the
    smallest delta in the compared arm's imputed values at which p equals one less the confidence.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis, with `imputation` and `tipping`.
    """
    visit = trial.estimands[analysis.estimand].visit
    design = follow_up_design(analysis_set, trial, analysis)
    common = common_row(trial, analysis, design, method_of(analysis))
    if reason := empty_arms(design):
        return not_estimated(design, (visit,), common, "not estimable", reason)
    found = imputed_or_why(analysis_set, trial, analysis, design, common)
    if isinstance(found, list):
        return [row for row in found if row.visit == visit]
    common = replace(whole(common, found), visit=visit)
    return [row for arm in trial.compared_arms for row in _of_arm(found, arm.code, common, (trial, analysis))]


def place(arm: str, delta: float, reference: str, other: float) -> str:
    """Return where on the grid a row stands, such as "SRT -2, UC +0"."""
    return f"{arm} {delta:+g}, {reference} {other:+g}"


def _of_arm(found: Imputed, arm: str, common: Statistic, plan: tuple[Trial, Analysis]) -> Iterator[Statistic]:
    trial, analysis = plan
    if analysis.tipping is None:  # the plan's checks forbid it
        raise AssertionError(analysis.name)
    unit, alpha = _unit(found, arm, analysis.tipping), 1 - analysis.confidence
    yield _tipping(found, arm, replace(common, contrast=f"{arm} - {trial.reference_arm.code}"), unit, alpha)
    yield from _grid(found, (arm, trial.reference_arm.code), common, unit, analysis)


def _unit(found: Imputed, arm: str, tipping: Tipping) -> "Delta":
    """Return how a delta of one acts: the same at each visit from the event on, or once more with each."""
    from analysis.imputation import Delta, cumulative

    if tipping.accrual == "cumulative":
        return replace(cumulative(len(found.outcomes.visits), {arm: 1.0}), gaps=True)
    return Delta({arm: 1.0}, gaps=True)


def _tipping(found: Imputed, arm: str, row: Statistic, unit: "Delta", alpha: float) -> Statistic:
    from analysis.imputation import tipping_points

    points = tipping_points(found.sets, found.events, found.analyse, arm, unit=unit, alpha=alpha)
    point = next(p for p in points if str(p.visit) == row.visit and p.contrast == row.contrast)
    named = replace(row, statistic="tipping delta", at=f"delta in arm {arm}")
    if point.reason:
        return replace(named, status="not estimable", reason=point.reason)
    return replace(named, value=point.delta, p_value=point.p)


def _grid(
    found: Imputed, arms: tuple[str, str], common: Statistic, unit: "Delta", analysis: Analysis
) -> Iterator[Statistic]:
    from analysis.imputation import delta_grid

    (arm, reference), tipping = arms, analysis.tipping
    if tipping is None:
        return
    values = {arm: tipping.deltas, reference: tipping.reference_deltas}
    alpha = 1 - analysis.confidence
    table = delta_grid(found.sets, found.events, found.analyse, values, unit=unit, alpha=alpha)
    wanted = f"{arm} - {reference}"
    for one in table.to_dict("records"):
        if str(one["visit"]) != common.visit or one["contrast"] != wanted:
            continue
        yield replace(
            common,
            statistic="delta-adjusted difference",
            contrast=wanted,
            at=place(arm, float(one[f"delta_{arm}"]), reference, float(one[f"delta_{reference}"])),
            value=float(one["estimate"]),
            se=float(one["se"]),
            df=float(one["df"]),
            lower=float(one["lower"]),
            upper=float(one["upper"]),
            confidence=analysis.confidence,
            p_value=float(one["p"]),
        )
