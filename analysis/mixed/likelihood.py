"""The restricted and the full likelihood of the marginal model from Grams: value, gradient, Hessian.

Everything is -2 log-likelihood without its constant; equations are derived in docs/methods/mmrm.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg import solve_triangular

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.covariance.covariance import Covariance
from analysis.mixed.gram import PatternGrams
from analysis.mixed.random.block import Block
from analysis.mixed.residual import Residual, residual


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The model at one value of theta."""

    theta: Array  # (q,)
    value: float  # -2 log-likelihood, no constant
    residual: Residual
    beta: Array  # (p,) generalised least squares  [MMRM-6]
    phi: Array  # (p, p) inverse of X'V⁻¹X
    direction: Array  # (w,) u = (-beta, 1): z u is the residual

    @property
    def rank(self) -> int:
        """P."""
        return len(self.beta)


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """First and second derivatives of -2 log-likelihood, and the pieces inference reuses."""

    gradient: Array  # (q,)
    hessian: Array  # (q, q) observed
    traces: Array  # (q, q) tr(V⁻¹ V_i V⁻¹ V_j), positive semi-definite
    precision_slopes: Array  # (q, p, p) P_i = d(X'V⁻¹X)/dtheta_i


class AnyLikelihood(Protocol):
    """What fitting and inference need of a likelihood, with or without crossed random effects."""

    @property
    def grams(self) -> PatternGrams:
        """The data."""

    @property
    def reml(self) -> bool:
        """Whether restricted."""

    @property
    def covariance(self) -> Covariance:
        """Within participants."""

    @property
    def lower_bounds(self) -> Array:
        """(q,) smallest allowed parameters."""

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """(q,)."""

    @property
    def blocks(self) -> list[tuple[Block, slice]]:
        """Covariance matrices of random effects, and where they stand in theta."""

    def at(self, theta: Array) -> Any:
        """The state at theta; None where theta is not allowed."""

    def slopes(self, state: Any) -> Any:
        """Its derivatives."""

    def quadratics(self, state: Any, slopes: Any, weight: Array) -> Array:
        """tr(U D'V⁻¹ V_i V⁻¹ V_j V⁻¹ D) for U over the columns D = [X y]: (q, q)."""

    def weighted_products(self, state: Any, slopes: Any, w: Array) -> Array:
        """sum_ij w_ij X'V⁻¹ V_i V⁻¹ V_j V⁻¹ X: (p, p)."""

    def weighted_seconds(self, state: Any, w: Array) -> Array | None:
        """sum_ij w_ij X'V⁻¹ V_ij V⁻¹ X: (p, p), None where V is linear."""


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """-2 log-likelihood as a function of theta; the columns of the Grams are [X y]."""

    grams: PatternGrams
    covariance: Covariance
    reml: bool

    @property
    def lower_bounds(self) -> Array:
        """(q,) zero for variances of participants' random effects, none for the others."""
        return self.covariance.lower_bounds

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""
        return self.covariance.is_scale

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """(q,)."""
        return self.covariance.parameter_names(visits)

    @property
    def blocks(self) -> list[tuple[Block, slice]]:
        """Covariance matrices of participants' random effects, and where they stand in theta."""
        return self.covariance.placed_blocks()

    def at(self, theta: Array) -> State | None:
        """The state at theta; None where the covariance is not positive definite."""
        try:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                here = residual(self.grams, self.covariance.evaluate(theta))
                return solved(theta, here, self.grams.combine(here.precision), here.log_det, reml=self.reml)
        except np.linalg.LinAlgError:
            return None

    def slopes(self, state: State) -> Slopes:
        """[MMRM-8], [MMRM-9]."""
        here, p = state.residual, state.rank
        whitened = here.whitened()
        moment_slopes = -self.grams.combine(here.spread(whitened))
        cross_products = self.grams.contract(omega(state, reml=self.reml))
        per_kind = here.by_kind(pattern_score(here, cross_products))
        traces = pattern_traces(here, whitened)
        hessian = 2.0 * pattern_quadratics(here, whitened, cross_products) - traces
        if here.covariance.second is not None:
            hessian += np.tensordot(here.covariance.second, per_kind, 3)
        hessian += through_beta(state, moment_slopes, reml=self.reml)
        gradient = np.tensordot(here.covariance.first, per_kind, 3)
        return Slopes(gradient, hessian, traces, moment_slopes[:, :p, :p])

    def quadratics(self, state: State, slopes: Slopes, weight: Array) -> Array:
        """tr(U D'V⁻¹ V_i V⁻¹ V_j V⁻¹ D) for U over the columns D = [X y]: (q, q)."""
        del slopes
        return pattern_quadratics(state.residual, state.residual.whitened(), self.grams.contract(weight))

    def weighted_products(self, state: State, slopes: Slopes, w: Array) -> Array:
        """sum_ij w_ij X'V⁻¹ V_i V⁻¹ V_j V⁻¹ X: (p, p)  [KR-5]."""
        del slopes
        return self.grams.combine(pattern_products(state.residual, w))[:-1, :-1]

    def weighted_seconds(self, state: State, w: Array) -> Array | None:
        """sum_ij w_ij X'V⁻¹ V_ij V⁻¹ X: (p, p), None where V is linear  [KR-6]."""
        inner = pattern_seconds(state.residual, w)
        return None if inner is None else self.grams.combine(inner)[:-1, :-1]


def solved(theta: Array, here: Residual, moments: Array, log_det: float, *, reml: bool) -> State | None:
    """Generalised least squares from the weighted moments of [X y]  [MMRM-6], [MMRM-7]."""
    root = np.linalg.cholesky(moments[:-1, :-1])
    inverse_root = solve_triangular(root, np.eye(len(root)), lower=True, check_finite=False)
    half = inverse_root @ moments[:-1, -1]
    beta = inverse_root.T @ half
    value = log_det + float(moments[-1, -1] - half @ half)
    if reml:
        value += 2.0 * float(np.log(np.diag(root)).sum())
    if not np.isfinite(value):
        return None
    return State(theta, value, here, beta, inverse_root.T @ inverse_root, np.append(-beta, 1.0))


def omega(state: State, *, reml: bool) -> Array:
    """U = u uᵀ, plus the inverse of X'V⁻¹X under REML: (p + 1, p + 1)."""
    weight = np.outer(state.direction, state.direction)
    if reml:
        weight[:-1, :-1] += state.phi
    return weight


def through_beta(state: State, moment_slopes: Array, *, reml: bool) -> Array:
    """What the Hessian loses because beta, and under REML log|X'V⁻¹X|, follow theta  [MMRM-9]."""
    p = state.rank
    by_beta = moment_slopes[:, :p] @ state.direction
    loss = 2.0 * by_beta @ state.phi @ by_beta.T
    if reml:
        loss += trace_products(state.phi @ moment_slopes[:, :p, :p])
    return -loss


def pattern_score(here: Residual, cross_products: Array) -> Array:
    """N P - P C P of every pattern; the gradient is its product with dV/dtheta  [MMRM-8]."""
    count = here.grams.count[:, None, None]
    return count * here.precision - here.precision @ cross_products @ here.precision


def pattern_traces(here: Residual, whitened: Array) -> Array:
    """sum_g n <B_i, B_j>: (q, q)."""
    return inner_products(whitened * here.grams.count[:, None, None], whitened)


def pattern_quadratics(here: Residual, whitened: Array, cross_products: Array) -> Array:
    """sum_g <B_i C, B_j>, C whitened: (q, q)  [MMRM-9]."""
    inner = here.whitener @ cross_products @ here.whitener.swapaxes(-1, -2)
    product = inner_products(whitened @ inner, whitened)
    return 0.5 * (product + product.T)


def pattern_products(here: Residual, w: Array) -> Array:
    """sum_ij w_ij P V_i P V_j P of every pattern, symmetric: (G, T, T)."""
    whitened = here.whitened()
    inner = (np.tensordot(w, whitened, 1) @ whitened).sum(0)
    return here.spread(0.5 * (inner + inner.swapaxes(-1, -2)))


def pattern_seconds(here: Residual, w: Array) -> Array | None:
    """sum_ij w_ij P V_ij P of every pattern: (G, T, T)."""
    second = here.covariance.second
    if second is None:
        return None
    mean = np.tensordot(w, second, 2)[here.grams.kind]
    return here.spread(here.whitener @ mean @ here.whitener.swapaxes(-1, -2))


def inner_products(one: Array, other: Array) -> Array:
    """<A_i, B_j>, the sum of products of elements."""
    product: Array = one.reshape(len(one), -1) @ other.reshape(len(other), -1).T
    return product


def trace_products(matrices: Array) -> Array:
    """tr(A_i A_j) for matrices (q, p, p)."""
    return inner_products(matrices, matrices.swapaxes(1, 2))
