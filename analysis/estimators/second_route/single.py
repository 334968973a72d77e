"""Comparisons with one row per participant again: closed forms, or a likelihood written out and climbed by scipy.

Standard errors come from numeric second derivatives. Not here: repeated measures.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import expit, gammaln

Array = npt.NDArray[np.float64]
LogLikelihood = Callable[[Array], float]


def least_squares(y: Array, x: Array) -> tuple[Array, Array]:
    """Return estimates and covariance of least squares by the normal equations."""
    x = x[:, independent(x)]
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    return beta, inverse * float(((y - x @ beta) ** 2).sum()) / (len(y) - x.shape[1])


def instrumental(y: Array, taken: Array, allocated: Array, exogenous: Array) -> tuple[float, float]:
    """Return the effect of what was taken and its robust SE, by moments: Z'(y - X b) = 0."""
    own = exogenous[:, independent(exogenous)]
    x, z = np.column_stack([own, taken]), np.column_stack([own, allocated])
    inverse = np.linalg.inv(z.T @ x)
    rest = y - x @ (inverse @ z.T @ y)
    variance = inverse @ ((z.T * rest**2) @ z) @ inverse.T * len(y) / (len(y) - x.shape[1])
    return float((inverse @ z.T @ y)[-1]), float(np.sqrt(variance[-1, -1]))


def standardised_risks(y: Array, x: Array, in_arm: list[Array]) -> tuple[Array, Array]:
    """Return each arm's mean predicted risk (arms,) and their covariance, slopes by numeric derivatives.

    Args:
        y: (n,) 1 or 0.
        x: (n, p) model matrix.
        in_arm: the model matrix as if everybody were in an arm, by arm.
    """
    kept = independent(x)

    def log_likelihood(beta: Array) -> float:
        linear = x[:, kept] @ beta
        return float(y @ linear - np.logaddexp(0, linear).sum())

    beta, cov_beta = climb(log_likelihood, np.zeros(len(kept)))
    risks = np.array([expit(one[:, kept] @ beta).mean() for one in in_arm])
    slopes = np.array([_slope(partial(_mean_risk, one[:, kept]), beta) for one in in_arm])
    return risks, slopes @ cov_beta @ slopes.T


def _mean_risk(x: Array, beta: Array) -> float:
    return float(expit(x @ beta).mean())


def proportional_odds(level: Array, x: Array) -> tuple[Array, Array]:
    """Return log odds ratios (q,) of the columns after the constant, and their covariance."""
    codes = np.unique(level, return_inverse=True)[1]
    columns = x[:, [j for j in independent(x) if np.ptp(x[:, j]) > 0]]
    unit = columns.std(axis=0)
    n_cuts, scaled = int(codes.max()), columns / unit

    def log_likelihood(theta: Array) -> float:
        cuts = np.cumsum(np.append(theta[0], np.exp(theta[1:n_cuts])))
        edges = np.concatenate([[-np.inf], cuts, [np.inf]])
        linear = scaled @ theta[n_cuts:]
        chance = expit(edges[codes + 1] - linear) - expit(edges[codes] - linear)
        return float(np.log(np.maximum(chance, 1e-300)).sum())

    theta, covariance = climb(log_likelihood, np.zeros(n_cuts + scaled.shape[1]))
    return theta[n_cuts:] / unit, covariance[n_cuts:, n_cuts:] / np.outer(unit, unit)


def rates(counts: Array, days: Array, x: Array, dispersion: float) -> tuple[Array, Array]:
    """Return log rates' coefficients (q,) and their covariance; Poisson's where the dispersion is zero."""
    columns = x[:, independent(x)]

    def mean(beta: Array) -> Array:
        return np.asarray(np.exp(columns @ beta) * days, dtype=np.float64)

    def poisson(beta: Array) -> float:
        mu = mean(beta)
        return float((counts * np.log(mu) - mu).sum())

    def negative_binomial(theta: Array) -> float:
        mu, size = mean(theta[:-1]), np.exp(-theta[-1])
        terms = gammaln(counts + size) - gammaln(size) + size * np.log(size / (size + mu))
        return float((terms + counts * np.log(mu / (size + mu))).sum())

    start = np.append(np.log(counts.sum() / days.sum()), np.zeros(columns.shape[1] - 1))
    if not dispersion:
        return climb(poisson, start)
    theta, covariance = climb(negative_binomial, np.append(start, np.log(dispersion)))
    return theta[:-1], covariance[:-1, :-1]


def hazards(days: Array, had: Array, x: Array) -> tuple[Array, Array]:
    """Return log hazard ratios (q,) of the columns after the constant, and their covariance, ties by Efron."""
    columns = x[:, [j for j in independent(x) if np.ptp(x[:, j]) > 0]]

    def log_likelihood(beta: Array) -> float:
        linear = columns @ beta
        total = 0.0
        for day in np.unique(days[had == 1]):
            dying = (days == day) & (had == 1)
            at_risk, own = np.exp(linear[days >= day]).sum(), np.exp(linear[dying]).sum()
            shares = np.arange(int(dying.sum())) / dying.sum()
            total += linear[dying].sum() - np.log(at_risk - shares * own).sum()
        return float(total)

    return climb(log_likelihood, np.zeros(columns.shape[1]))


def climb(log_likelihood: LogLikelihood, start: Array) -> tuple[Array, Array]:
    """Return the maximum of a likelihood and the inverse of its numeric second derivatives there."""
    best = start
    for method, options in (
        ("BFGS", {"gtol": 1e-7}),
        ("Nelder-Mead", {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}),
    ):
        found = optimize.minimize(lambda theta: -log_likelihood(theta), best, method=method, options=options)
        best = np.asarray(found.x, dtype=np.float64)
    covariance: Array = np.asarray(np.linalg.inv(-_curvature(log_likelihood, best)), dtype=np.float64)
    return best, covariance


def independent(x: Array) -> list[int]:
    """Return the columns that are no combination of earlier ones."""
    kept: list[int] = []
    for j in range(x.shape[1]):
        if np.linalg.matrix_rank(x[:, [*kept, j]]) == len(kept) + 1:
            kept.append(j)
    return kept


def _slope(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    moves = np.eye(len(at)) * step
    return np.array([(function(at + move) - function(at - move)) / (2 * step) for move in moves])


def _curvature(function: LogLikelihood, at: Array, step: float = 1e-3) -> Array:
    """Return second derivatives (q, q) by central differences with one Richardson step."""
    rough, fine = _second_differences(function, at, step), _second_differences(function, at, step / 2)
    return (4 * fine - rough) / 3


def _second_differences(function: LogLikelihood, at: Array, step: float) -> Array:
    q = len(at)
    moves = np.eye(q) * step
    found = np.empty((q, q))
    for i in range(q):
        for j in range(i, q):
            a, b = moves[i], moves[j]
            cross = function(at + a + b) - function(at + a - b) - function(at - a + b) + function(at - a - b)
            found[i, j] = found[j, i] = cross / (4 * step**2)
    return found
