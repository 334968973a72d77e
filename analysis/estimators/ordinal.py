"""Compare ordered levels at a visit: proportional odds. Not here: how the levels are cut (analysis.derive.outcomes)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, not_comparable, not_estimated
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.limits import ratio_row
from analysis.estimators.observed import analysed_arms
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
METHOD = "proportional odds regression, maximum likelihood; above 1: higher levels are likelier"
CUT = "logistic regression at one cut, to judge proportional odds by"
FIRTH_AT_CUT = "logistic regression with Firth's penalty at one cut, to judge proportional odds by"


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return each arm's shares by level, the common odds ratio of a higher level, and the ratio at each cut.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis of an ordinal outcome.
    """
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    design = single_visit_design(analysis_set, trial, analysis)
    common = replace(common_row(trial, analysis, design, METHOD), visit=design.visits[0], unit="")
    level = design.rows[outcome.name].to_numpy(dtype="float64")
    if not np.isin(level, np.arange(len(outcome.levels))).all():
        reason = (
            f"the outcome has values other than 0 to {len(outcome.levels) - 1}, one for each of its `levels`"
        )
        if not outcome.levels:
            reason = "the outcome declares no `levels`: name them, from that of code 0 on"
        return not_estimated(design, design.visits, common, "refused", reason)
    shares = list(_shares(level, outcome.levels, design, common))
    if reason := not_comparable(design):
        return [*shares, *not_estimated(design, design.visits, common, "not estimable", reason)]
    found = sorted(set(level))
    fit = fit_proportional_odds(level, design.matrix) if len(found) > 2 else None
    if fit is None:
        few = "fewer than three levels were seen: analyse it as a binary outcome"
        reason = few if len(found) < 3 else "the model did not converge"
        row = replace(common, statistic="common odds ratio", status="not estimable", reason=reason)
        return [*shares, *(replace(row, contrast=contrast(design, arm)) for arm in design.arms[1:])]
    return [
        *shares,
        *_ratios(fit, design, common, analysis),
        *_cuts(level, design, (common, analysis), outcome.levels),
    ]


def fit_proportional_odds(level: Array, design: pd.DataFrame) -> tuple[tuple[str, ...], Array, Array] | None:
    """Return columns, log odds ratios (p,) and their covariance (p, p); None where it does not converge."""
    import warnings

    from statsmodels.miscmodels.ordinal_model import OrderedModel

    matrix = design.to_numpy(dtype="float64")
    kept = [
        j for j in independent_columns(matrix) if np.ptp(matrix[:, j]) > 0
    ]  # the thresholds are its intercepts
    scale = matrix[:, kept].std(axis=0)
    codes = np.unique(level, return_inverse=True)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its verdict is read from the result
        try:
            model = OrderedModel(codes, matrix[:, kept] / scale, distr="logit")
            near = model.fit(method="bfgs", disp=0, maxiter=500)
            fit: Any = model.fit(method="newton", start_params=near.params, disp=0, maxiter=100)
        except (np.linalg.LinAlgError, ValueError):
            return None
    p = len(kept)
    beta, covariance = np.asarray(fit.params)[:p] / scale, np.asarray(fit.cov_params())[:p, :p]
    if (
        not fit.mle_retvals["converged"]
        or not np.isfinite(covariance).all()
        or np.abs(fit.params[:p]).max() > 15
    ):
        return None
    return tuple(str(name) for name in design.columns[kept]), beta, covariance / np.outer(scale, scale)


def _from(levels: tuple[str, ...], cut: int) -> str:
    return levels[cut] if cut == len(levels) - 1 else f"{levels[cut]} or higher"


def _shares(level: Array, levels: tuple[str, ...], design: Design, common: Statistic) -> Iterator[Statistic]:
    for shared, here in analysed_arms(design, common):
        for code, label in enumerate(levels):
            has = level[here] == code
            yield replace(shared, statistic="count", at=label, value=float(has.sum()))
            yield replace(shared, statistic="percent", at=label, value=100 * float(has.mean()), unit="%")


def _ratios(
    fit: tuple[tuple[str, ...], Array, Array], design: Design, common: Statistic, analysis: Analysis
) -> Iterator[Statistic]:
    columns, beta, covariance = fit
    for arm in design.arms[1:]:
        place = columns.index(f"arm[{arm}]")
        row = replace(common, statistic="common odds ratio", contrast=contrast(design, arm))
        yield ratio_row(
            row, float(beta[place]), float(np.sqrt(covariance[place, place])), analysis.confidence
        )


def _cuts(
    level: Array, design: Design, plan: tuple[Statistic, Analysis], levels: tuple[str, ...]
) -> Iterator[Statistic]:
    """Yield the odds ratio of each cut: where they differ much, one common ratio says too little."""
    from analysis.estimators.responder import fit_logistic

    common, analysis = plan
    for cut in sorted(set(level))[1:]:
        fit = fit_logistic((level >= cut).astype("float64"), design, "was at or above this cut")
        for arm in design.arms[1:]:
            place = fit.columns.index(f"arm[{arm}]")
            row = replace(
                common, statistic="odds ratio", contrast=contrast(design, arm),
                at=_from(levels, int(cut)), method=FIRTH_AT_CUT if fit.flag else CUT, reason=fit.flag,
            )  # fmt: skip
            se = float(np.sqrt(fit.cov_beta[place, place]))
            yield ratio_row(row, float(fit.beta[place]), se, analysis.confidence)
