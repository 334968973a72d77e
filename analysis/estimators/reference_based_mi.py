"""Compare arms after imputing what is missing under a stated assumption: MAR, J2R, CR, CIR, LMCF, or a mix.

Not here: imputing (analysis.imputation), what a declared imputation asks of it (imputed).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.estimators.comparison import common_row, empty_arms, empty_cells, not_estimated
from analysis.estimators.design import Design, follow_up_design
from analysis.estimators.imputed import Imputed, impute, method_of
from analysis.results import Statistic, Status, alone
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.imputation import ImputationError, Pooled

OTHER = {"jackknife": "se_rubin", "rubin": "se_jackknife"}  # the standard error that stands beside


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return adjusted means, differences from the reference arm, how much was imputed, and both standard errors.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis, with `imputation`.
    """
    design = follow_up_design(analysis_set, trial, analysis)
    common = common_row(trial, analysis, design, method_of(analysis))
    if reason := empty_arms(design):
        return not_estimated(design, design.visits, common, "not estimable", reason)
    found = imputed_or_why(analysis_set, trial, analysis, design, common)
    if isinstance(found, list):
        return found
    common = whole(common, found)
    pooled = found.sets.pooled(found.analyse, alpha=1 - analysis.confidence)
    rows = [*pooled_rows(pooled, common, analysis), *_imputed(found, common)]
    return [*rows, *_other_errors(found, pooled, common, (trial, analysis))]


def imputed_or_why(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, design: Design, common: Statistic
) -> Imputed | list[Statistic]:
    """Return the imputations, or the rows that say why there are none."""
    from analysis.imputation import ImputationError, NotEstimableError
    from analysis.mixed import MixedModelError

    try:
        return impute(analysis_set, trial, analysis)
    except ImputationError as error:
        status: Status = "failed" if isinstance(error, NotEstimableError) else "refused"
        reason = f"{unseen}: nothing to impute from" if (unseen := empty_cells(design)) else _why(error)
    except MixedModelError as error:
        status, reason = "refused", str(error)
    return not_estimated(design, design.visits, common, status, reason)


def _why(error: "ImputationError") -> str:
    """Return a refusal as a reason; its parts, where it has any, after a colon and without full stops."""
    if not error.refusals:
        return error.summary
    summary = f"{error.summary[:1].lower()}{error.summary[1:]}".rstrip(".")
    return f"{summary}: {'; '.join(str(one).rstrip('.') for one in error.refusals)}"


def whole(common: Statistic, found: Imputed) -> Statistic:
    """Return what all rows share, counted over everybody whose outcomes were completed."""
    outcomes = found.outcomes
    counts = [f"{arm} {int((outcomes.arm == k).sum())}" for k, arm in enumerate(outcomes.arms)]
    observed = int((~outcomes.is_missing).sum())
    by_arm = ", ".join(counts)
    return replace(
        common, n=outcomes.n, n_observations=observed, n_by_arm=by_arm, reason="; ".join(found.notes)
    )


def pooled_rows(pooled: "Pooled", common: Statistic, analysis: Analysis) -> Iterator[Statistic]:
    """Yield a row per arm and visit, and per contrast and visit; the Monte-Carlo error where there is one."""
    for one in pooled.table.to_dict("records"):
        is_mean = one["what"] == "lsmean"
        row = replace(
            common,
            statistic="adjusted mean" if is_mean else "adjusted mean difference",
            visit=str(one["visit"]),
            arm=str(one["arm"]) if is_mean else "",
            contrast="" if is_mean else str(one["contrast"]),
            confidence=analysis.confidence,
            p_value=float("nan") if is_mean else float(one["p"]),
            **_numbers(one),
        )
        yield row
        if not is_mean and "mc_se" in one:
            yield alone(row, "monte-carlo error", float(one["mc_se"]))


def _numbers(one: dict[Any, Any]) -> dict[str, Any]:
    found = {name: float(one[name]) for name in ("se", "df", "lower", "upper")}
    return {"value": float(one["estimate"]), **found}


def _imputed(found: Imputed, common: Statistic) -> Iterator[Statistic]:
    """Yield how many outcomes were imputed, by arm and visit."""
    from analysis.imputation import counts

    for one in counts(found.outcomes, found.events).to_dict("records"):
        row = replace(common, visit=str(one["visit"]), arm=str(one["arm"]), unit="participants", reason="")
        yield replace(row, statistic="imputed", value=float(one["imputed"]), n=int(one["participants"]))


def _other_errors(
    found: Imputed, pooled: "Pooled", common: Statistic, plan: tuple[Trial, Analysis]
) -> Iterator[Statistic]:
    """Yield the standard error by the other method, for strategies under which the two differ  [SEI-7]."""
    from analysis.imputation import ImputationError, both_errors

    trial, analysis = plan
    declared = analysis.imputation
    column = OTHER.get(pooled.se_method)
    if declared is None or column is None or not found.events.is_reference_based or declared.cluster:
        return
    name = column.removeprefix("se_")
    try:
        table = both_errors(found.base, found.analyse, m=declared.m, seed=trial.seed, known=pooled)
    except ImputationError as error:
        row = replace(common, statistic="other standard error", at=name, status="failed", reason=_why(error))
        visit = trial.estimands[analysis.estimand].visit
        versus = [f"{arm.code} - {trial.reference_arm.code}" for arm in trial.compared_arms]
        yield from (replace(row, visit=visit, contrast=one) for one in versus)
        return
    for one in table.to_dict("records"):
        row = replace(common, visit=str(one["visit"]), contrast=str(one["contrast"]), at=name, reason="")
        yield replace(row, statistic="other standard error", value=float(one[column]))
