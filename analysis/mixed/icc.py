"""Intraclass correlations: each random effect's share of the variance, with limits on the logit scale  [MMRM-29]."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from analysis.mixed.errors import MeaninglessRequestError

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit


def intraclass_correlations(fit: "MMRMFit", alpha: float) -> pd.DataFrame:
    """A row per random effect: icc, se, lower, upper; no limits where the variance is zero."""
    likelihood, state = fit.fitted.likelihood, fit.fitted.optimum.state
    within, names = likelihood.covariance, list(fit.theta.index)
    effects = range(within.n_residual, len(names))
    _must_be_intercepts(fit, [names[number] for number in effects])
    weight = np.ones(len(names))  # how much of the total variance each parameter adds
    weight[: within.n_residual] = np.asarray(within.residual.is_scale, dtype=float)
    total = float(weight @ state.theta)
    found = []
    for number in effects:
        share = state.theta[number] / total
        slope = (np.eye(len(names))[number] - share * weight) / total
        se = float(np.sqrt(slope @ fit.fitted.theta_covariance @ slope))
        found.append((share, se, *_limits(share, se, alpha)))
    index = [names[number].removesuffix(" variance") for number in effects]
    return pd.DataFrame(found, index=index, columns=["icc", "se", "lower", "upper"])


def intraclass_correlation_at(fit: "MMRMFit", visit: str, group: str, alpha: float) -> pd.DataFrame:
    """A row per random effect: its share of the variance at one visit (of one group): icc, se, lower, upper.

    Delta method on the natural parameters, limits on the logit scale  [MMRM-29].
    """
    likelihood, state = fit.fitted.likelihood, fit.fitted.optimum.state
    within, names = likelihood.covariance, list(fit.theta.index)
    effects = range(within.n_residual, len(names))
    _must_be_some_intercepts([names[number] for number in effects])
    residual = within.residual.evaluate(state.theta[: within.n_residual])
    place, own = _place(fit, visit), list(within.residual.groups).index(group)
    total = float(residual.value[own, place, place] + state.theta[within.n_residual :].sum())
    rise = np.ones(len(names))  # of the total variance with each parameter
    rise[: within.n_residual] = residual.first[:, own, place, place]
    found = []
    for number in effects:
        share = float(state.theta[number]) / total
        slope = (np.eye(len(names))[number] - share * rise) / total
        se = float(np.sqrt(slope @ fit.fitted.theta_covariance @ slope))
        found.append((share, se, *_limits(share, se, alpha)))
    index = [names[number].removesuffix(" variance") for number in effects]
    return pd.DataFrame(found, index=index, columns=["icc", "se", "lower", "upper"])


def _place(fit: "MMRMFit", visit: str) -> int:
    visits = [str(one) for one in fit.model.data.visits]
    if visit not in visits:
        raise MeaninglessRequestError(f"there is no visit {visit!r}: the visits are {', '.join(visits)}")
    return visits.index(visit)


def _must_be_intercepts(fit: "MMRMFit", effects: list[str]) -> None:
    within = fit.fitted.likelihood.covariance
    _must_be_some_intercepts(effects)
    if sum(within.residual.is_scale) != 1:
        raise MeaninglessRequestError(
            "the residual variance differs by visit or group, so there is no one intraclass correlation:"
            " use a covariance with one variance ('iid' or 'ar1')"
        )


def _must_be_some_intercepts(effects: list[str]) -> None:
    if not effects:
        raise MeaninglessRequestError("the model has no random effects, so it has no intraclass correlation")
    if not all(name.endswith(" variance") for name in effects):
        raise MeaninglessRequestError(
            "with random slopes the intraclass correlation depends on the covariates: use random intercepts only"
        )


def _limits(share: float, se: float, alpha: float) -> tuple[float, float]:
    if share <= 0.0:
        return float("nan"), float("nan")
    reach = float(-ndtri(alpha / 2.0)) * se / (share * (1.0 - share))
    return float(expit(logit(share) - reach)), float(expit(logit(share) + reach))
