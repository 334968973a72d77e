"""The linear mixed-effects comparison: a random intercept per participant, fitted by statsmodels and verified.

Not here: the fit (random_effects_fit), the design (design).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from analysis.estimators.adjusted_means import linear_combination
from analysis.estimators.comparison import Comparison, common_row, empty_arms, not_estimated
from analysis.estimators.design import Design, follow_up_design
from analysis.estimators.random_effects_fit import FitStatus, RandomEffectsFit, fit_random_effects
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

METHODS = {"reml": "REML", "ml": "maximum likelihood"}


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return adjusted means by arm and visit, differences from the reference arm, and variances.

    Limits and p-values use Student's t with as many degrees of freedom as participants less
    between-participant effects [LMM-6]: no more than the participants can give.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis.
    """
    design = follow_up_design(analysis_set, trial, analysis)
    method = f"linear mixed-effects model, random intercept per participant, {METHODS[analysis.method]}"
    common = common_row(trial, analysis, design, method)
    if reason := empty_arms(design):
        return not_estimated(design, design.visits, common, "not estimable", reason)
    fit = fit_random_effects(
        _outcome(design, trial, analysis), design.matrix, _participants(design), method=analysis.method
    )
    common = replace(common, status=fit.status.value, reason=fit.reason)
    if fit.status in (FitStatus.REFUSED, FitStatus.FAILED):
        return not_estimated(design, design.visits, common, common.status, fit.reason)
    df = between_participant_df(design, fit)
    estimates = partial(linear_combination, fit, df=df, confidence=analysis.confidence)
    comparison = Comparison(design, estimates, analysis.confidence, common)
    return [*comparison.rows(by_visit=analysis.treatment_by_visit), *_variances(fit, common)]


def between_participant_df(design: Design, fit: RandomEffectsFit) -> float:
    """Return the participants less the estimable effects that don't change within a participant [LMM-6]."""
    kept = design.matrix[list(fit.terms)]
    by_participant = kept.groupby(design.rows["participant"].to_numpy())
    constant = (by_participant.max() == by_participant.min()).all()
    return float(max(fit.n_groups - int(constant.sum()), 1))


def _outcome(
    design: Design, trial: Trial, analysis: Analysis
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return design.rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype="float64")


def _participants(design: Design) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return design.rows["participant"].to_numpy(dtype="object")


def _variances(fit: RandomEffectsFit, common: Statistic) -> Iterator[Statistic]:
    yield replace(common, statistic="participant sd", value=float(np.sqrt(max(fit.cov_random[0, 0], 0.0))))
    yield replace(common, statistic="residual sd", value=float(np.sqrt(fit.residual_variance)))
    yield replace(common, statistic="log-likelihood", value=fit.log_likelihood, unit="")
    agreement = "largest difference of a coefficient from an independent GLS, in its standard errors"
    yield replace(common, statistic="agreement", value=fit.gls_discrepancy, unit="", reason=agreement)
