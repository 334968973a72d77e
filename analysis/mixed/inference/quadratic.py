"""Algebra the methods share: Wald statistics and degrees of freedom of quadratic forms."""

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.inference.fitted import Fitted


def wald(fitted: Fitted, covariance: Array, rows: Array) -> float:
    """(Lb)' (L C L')⁻¹ (Lb) / rank, with C in scaled units."""
    turned, estimate = fitted.turned(rows), fitted.estimates(rows) / fitted.unit
    return float(estimate @ np.linalg.solve(turned @ covariance @ turned.T, estimate)) / len(turned)


def satterthwaite_df(fitted: Fitted, turned: Array) -> Array:
    """2 v² / (g' W g), v = l' Phi l and g its gradient by theta: (k, p) -> (k,)  [MMRM-14]."""
    variance = np.einsum("kp,pr,kr->k", turned, fitted.phi, turned)
    gradient = np.einsum("kp,ipr,kr->ki", turned, fitted.phi_slopes, turned, optimize=True)
    spread = np.einsum("ki,ij,kj->k", gradient, fitted.theta_covariance, gradient)
    with np.errstate(divide="ignore"):
        df: Array = 2.0 * variance**2 / spread
    return df


def combined_df(single: Array) -> float:
    """Denominator df whose F has the mean of a sum of squared t's with these df  [MMRM-15]."""
    if np.ptp(single) < 1e-8 * single.max():
        return float(single.mean())
    if (single <= 2.0).any():
        return 2.0
    expectation = float((single / (single - 2.0)).sum())
    return 2.0 * expectation / (expectation - len(single))


def independent_rows(turned: Array, covariance: Array) -> Array:
    """Contrasts whose estimates are uncorrelated, spanning the same hypothesis."""
    _, vectors = np.linalg.eigh(turned @ covariance @ turned.T)
    rotated: Array = vectors.T @ turned
    return rotated
