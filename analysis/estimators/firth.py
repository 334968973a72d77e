"""Logistic regression with Firth's penalty: finite where maximum likelihood is not. Not here: which data need it.

Source: Firth (1993); limits and tests by the profile of the penalised likelihood, Heinze and Schemper (2002).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
STEPS, HALVINGS = 200, 30
TOLERANCE = 1e-18  # of the score times the step, twice what is left to gain
NEAR = 1e-9  # of the same, where rounding lets no step gain
FAR = 60.0  # log odds beyond which no limit is looked for


@dataclass(frozen=True, slots=True, eq=False)
class FirthFit:
    """Penalised estimates."""

    beta: Array  # (p,)
    cov_beta: Array  # (p, p) inverse information
    log_likelihood: float  # penalised
    converged: bool


def fit_firth(outcome: Array, design: Array, held: dict[int, float] | None = None) -> FirthFit:
    """Return the maximum of the likelihood times the root of the information's determinant.

    Args:
        outcome: (n,) 1 or 0.
        design: (n, p) of full rank.
        held: coefficients kept at a value, by position; the penalty is that of all coefficients.
    """
    beta = np.zeros(design.shape[1])
    free = np.array([j not in (held or {}) for j in range(len(beta))])
    for place, value in (held or {}).items():
        beta[place] = value
    best, converged = _penalised(beta, outcome, design), False
    for _ in range(STEPS):
        score, information = _score(beta, outcome, design)
        step = np.zeros(len(beta))
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        if np.abs(score[free] @ step[free]) < TOLERANCE:
            converged = True
            break
        beta, best, moved = _searched(beta, step, best, outcome, design)
        if not moved:
            converged = bool(np.abs(score[free] @ step[free]) < NEAR)
            break
    covariance: Array = np.asarray(np.linalg.inv(_score(beta, outcome, design)[1]), dtype=np.float64)
    return FirthFit(beta, covariance, best, converged)


def profile_limits(
    outcome: Array, design: Array, place: int, confidence: float
) -> tuple[float, float, float]:
    """Return the limits of one coefficient and the p-value of zero, by the penalised likelihood ratio.

    Args:
        outcome: (n,) 1 or 0.
        design: (n, p) of full rank.
        place: the coefficient.
        confidence: level of the two-sided limits.
    """
    from scipy import stats

    fit = fit_firth(outcome, design)

    def deviance(value: float) -> float:
        return 2 * (fit.log_likelihood - fit_firth(outcome, design, {place: value}).log_likelihood)

    reach = float(stats.chi2.ppf(confidence, 1))
    centre, se = float(fit.beta[place]), float(np.sqrt(fit.cov_beta[place, place]))
    lower = _crossing(lambda value: deviance(value) - reach, centre, -se)
    upper = _crossing(lambda value: deviance(value) - reach, centre, se)
    return lower, upper, float(stats.chi2.sf(deviance(0.0), 1))


def _penalised(beta: Array, outcome: Array, design: Array) -> float:
    linear = design @ beta
    likelihood = float(outcome @ linear - np.logaddexp(0, linear).sum())
    weights = _variance(linear)
    return likelihood + 0.5 * float(np.linalg.slogdet(design.T * weights @ design)[1])


def _score(beta: Array, outcome: Array, design: Array) -> tuple[Array, Array]:
    linear = design @ beta
    chance, weights = np.exp(-np.logaddexp(0, -linear)), _variance(linear)
    information = design.T * weights @ design
    leverage = weights * np.einsum("np,pr,nr->n", design, np.linalg.inv(information), design)
    return design.T @ (outcome - chance + leverage * (0.5 - chance)), information


def _variance(linear: Array) -> Array:
    """Return p (1 - p), also where it is very small."""
    weights: Array = np.exp(-np.logaddexp(0, linear) - np.logaddexp(0, -linear))
    return weights


def _searched(
    beta: Array, step: Array, best: float, outcome: Array, design: Array
) -> tuple[Array, float, bool]:
    """Return the first of the halved steps that raises the penalised likelihood."""
    share = min(1.0, 5.0 / float(np.abs(step).max()))
    for _ in range(HALVINGS):
        tried = beta + share * step
        if (value := _penalised(tried, outcome, design)) >= best:
            return tried, value, True
        share /= 2
    return beta, best, False


def _crossing(excess: Callable[[float], float], centre: float, step: float) -> float:
    """Return where the deviance crosses its quantile in one direction; infinite where it does not."""
    from scipy.optimize import brentq

    far = centre + step
    while excess(far) < 0:
        step *= 2
        far = centre + step
        if abs(far) > FAR:
            return float(np.copysign(np.inf, step))
    return float(brentq(excess, centre, far, xtol=1e-10))
