"""Two other roads to a random-effects fit: statsmodels' MixedLM, and Henderson's mixed-model equations.

Not here: the likelihood of `random_effects_likelihood`, which they are held against. Nothing of it is used,
so that an error in one is not repeated in the other.

What statsmodels says of itself is recorded and not believed: `converged` is no acceptance test (of 120 fits
near the boundary 43 said converged and were short of the maximum). Its fixed effects agree with generalised
least squares to 1e-14. Its standard errors come from the observed information of fixed effects and
variances together, which is not the GLS covariance that lme4 and this package report (1.2% apart in an
unbalanced case of the corpus): they are not compared.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.estimators.random_effects_data import Array, Scaled, rows_by_size

INTERIOR = ("bfgs", "powell", "nm")
BOUNDARY = ("powell", "nm", "bfgs")  # bfgs takes seconds to fail at a variance of zero


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """One optimiser of statsmodels: where it stopped, in the scaled model."""

    optimiser: str
    converged: bool
    message: str
    factor: Array | None  # (q, q) omega = factor @ factor.T; None if nothing came back
    beta: Array | None  # (p,)


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """Estimates at one omega from Henderson's equations, in the scaled model."""

    beta: Array  # (p,)
    cov_beta: Array  # (p, p)
    log_likelihood: float


def climbs(scaled: Scaled, optimisers: tuple[str, ...], *, reml: bool) -> Iterator[Climb]:
    """Fit with one optimiser of statsmodels after the other, each only when asked for."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    model = MixedLM(scaled.outcome, scaled.design, groups=scaled.codes, exog_re=scaled.random)
    for optimiser in optimisers:
        yield _climb(model.fit, optimiser, reml=reml)


def _climb(fit: Callable[..., Any], optimiser: str, *, reml: bool) -> Climb:
    """Run one optimiser; what it warns of becomes its message, and so does what it raises."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            fitted = fit(reml=reml, method=optimiser)
            omega = np.atleast_2d(np.asarray(fitted.cov_re, dtype=np.float64)) / fitted.scale
            beta = np.asarray(fitted.fe_params, dtype=np.float64)
        except (ArithmeticError, ValueError) as error:  # LinAlgError is a ValueError
            return _nothing(optimiser, f"{type(error).__name__}: {error}")
    message = "; ".join(dict.fromkeys(str(one.message) for one in caught))
    if not (np.isfinite(omega).all() and np.isfinite(beta).all()):
        return _nothing(optimiser, "not finite")
    return Climb(optimiser, bool(fitted.converged), message, _factor(omega), beta)


def _nothing(optimiser: str, message: str) -> Climb:
    return Climb(optimiser, converged=False, message=message, factor=None, beta=None)


def _factor(omega: Array) -> Array:
    values, vectors = np.linalg.eigh(omega)
    root: Array = vectors * np.sqrt(np.clip(values, 0, None))
    return root


def mixed_model_equations(scaled: Scaled, factor: Array, *, reml: bool) -> Equations:
    """Solve Henderson's equations for beta and spherical random effects u, with Z L u as random part.

    [HE-1]  (X'X   X'ZL      ) (beta)   (X'y  )
            (L'Z'X L'Z'ZL + I) (u   ) = (L'Z'y)

    u is eliminated group by group. What remains, [X y]' V^-1 [X y], is summed as E'E + U'U with U the
    group's u for each column and E = [X y] - ZL U: the usual difference of sums cancels when the variance
    ratio is large.
    """
    n, p = scaled.design.shape
    both = np.column_stack([scaled.design, scaled.outcome])
    S, log_det = np.zeros((p + 1, p + 1)), 0.0
    for rows in rows_by_size(scaled.codes):
        ZL, XY = scaled.random[rows] @ factor, both[rows]
        K = np.eye(factor.shape[1]) + ZL.transpose(0, 2, 1) @ ZL
        U = np.linalg.solve(K, ZL.transpose(0, 2, 1) @ XY)
        E = XY - ZL @ U
        S += np.einsum("gki,gkj->ij", E, E) + np.einsum("gki,gkj->ij", U, U)
        log_det += float(np.linalg.slogdet(K)[1].sum())
    nu = n - p if reml else n
    beta = np.linalg.solve(S[:p, :p], S[:p, p])
    s2 = float(S[p, p] - S[p, :p] @ beta) / nu
    log_det += float(np.linalg.slogdet(S[:p, :p])[1]) if reml else 0.0
    return Equations(
        beta, s2 * np.linalg.inv(S[:p, :p]), -0.5 * (nu * (float(np.log(2 * np.pi * s2)) + 1) + log_det)
    )


def standard_errors_apart(difference: Array, root: Array) -> float:
    """Return the largest difference, in standard errors, that two betas give to any linear combination.

    `root` (p, p) is of the precision: root' root = inverse covariance.
    """
    return float(np.linalg.norm(root @ difference))


def standard_error_gap(covariance: Array, root: Array) -> float:
    """Return the largest relative difference in the standard error of any combination; `root` as above."""
    ratios = np.linalg.eigvalsh(root @ covariance @ root.T)
    return float(np.abs(np.sqrt(np.abs(ratios)) - 1).max())
