"""Kenward and Roger's (1997) adjusted covariance and F tests; docs/methods/kenward_roger.md derives them."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.errors import MeaninglessRequestError
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.method import FTest
from analysis.mixed.inference.quadratic import satterthwaite_df, wald


@dataclass(frozen=True, slots=True, eq=False)
class KenwardRoger:
    """The adjusted covariance once computed; the tests built on it."""

    fitted: Fitted
    covariance: Array  # (p, p) Phi_A  [KR-7]

    def df(self, rows: Array) -> Array:
        """For a single contrast Kenward and Roger's df are Satterthwaite's, and lambda is 1  [KR-12]."""
        return satterthwaite_df(self.fitted, self.fitted.turned(rows))

    def f_test(self, rows: Array) -> FTest:
        """Lambda F on (l, m) degrees of freedom  [KR-11]."""
        turned = self.fitted.turned(rows)
        scale, df = _scale_and_df(self.fitted, turned)
        return FTest(scale * wald(self.fitted, self.covariance, rows), len(turned), df)


def kenward_roger(fitted: Fitted) -> KenwardRoger:
    """As SAS PROC MIXED's ddfm=kr: with the second derivatives of the covariance  [KR-6]."""
    return _adjusted(fitted, with_second_derivatives=True)


def kenward_roger_linear(fitted: Fitted) -> KenwardRoger:
    """As SAS's ddfm=kr(linear): without them."""
    return _adjusted(fitted, with_second_derivatives=False)


def _adjusted(fitted: Fitted, *, with_second_derivatives: bool) -> KenwardRoger:
    """Phi + 2 Phi (sum_ij W_ij (Q_ij - P_i Phi P_j - R_ij / 4)) Phi  [KR-7]."""
    if not fitted.likelihood.reml:
        raise MeaninglessRequestError(
            "Kenward-Roger adjusts a REML fit, but method is 'ml': use method='reml' or df='satterthwaite'"
        )
    state, slopes, w = fitted.optimum.state, fitted.optimum.slopes, fitted.theta_covariance
    correction = fitted.likelihood.weighted_products(state, slopes, w) - _mean_terms(fitted)
    seconds = fitted.likelihood.weighted_seconds(state, w) if with_second_derivatives else None
    if seconds is not None:
        correction -= 0.25 * seconds
    return KenwardRoger(fitted, state.phi + 2.0 * state.phi @ correction @ state.phi)


def _mean_terms(fitted: Fitted) -> Array:
    """sum_ij W_ij P_i Phi P_j  [KR-3]."""
    slopes = fitted.optimum.slopes.precision_slopes
    weighted = np.tensordot(fitted.theta_covariance, slopes, 1)
    total: Array = (weighted @ fitted.phi @ slopes).sum(0)
    return total


def _scale_and_df(fitted: Fitted, turned: Array) -> tuple[float, float]:
    """Lambda and m by matching the F statistic's first two moments  [KR-8] to [KR-11]."""
    rank = len(turned)
    a1, a2 = _a_terms(fitted, turned)
    b = (a1 + 6.0 * a2) / (2.0 * rank)
    g = ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2)
    denominator = 3.0 * rank + 2.0 * (1.0 - g)
    c1, c2, c3 = g / denominator, (rank - g) / denominator, (rank + 2 - g) / denominator
    expectation = 1.0 / (1.0 - a2 / rank)
    variance = (2.0 / rank) * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    rho = variance / (2.0 * expectation**2)
    df = 4.0 + (rank + 2.0) / (rank * rho - 1.0)
    return df / (expectation * (df - 2.0)), df


def _a_terms(fitted: Fitted, turned: Array) -> tuple[float, float]:
    """A1 and A2, from the contrasts' covariance and its derivatives made dimensionless  [KR-8]."""
    root = np.linalg.cholesky(turned @ fitted.phi @ turned.T)
    half = np.linalg.solve(root, turned)
    slopes = half @ fitted.phi_slopes @ half.T
    traces = np.trace(slopes, axis1=1, axis2=2)
    products = np.einsum("iab,jba->ij", slopes, slopes)
    w = fitted.theta_covariance
    return float(traces @ w @ traces), float((w * products).sum())
