"""The likelihood with random effects on the same Grams, by Henderson's mixed-model equations.

The Grams' columns are [X Z y]; D below is [X y]. Equations are derived in docs/methods/random_effects.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.covariance.covariance import Covariance
from analysis.mixed.gram import PatternGrams
from analysis.mixed.likelihood import (
    Slopes,
    State,
    inner_products,
    omega,
    pattern_products,
    pattern_quadratics,
    pattern_score,
    pattern_seconds,
    pattern_traces,
    solved,
    through_beta,
    trace_products,
)
from analysis.mixed.random.block import Block, placed
from analysis.mixed.random.crossed import Crossed
from analysis.mixed.residual import Residual, residual


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """The random effects absorbed at one theta."""

    K: Array  # (r, r) G (I + C G)⁻¹, C = Z'R⁻¹Z  [RE-4]
    turn: Array  # (w, p + 1) V⁻¹ D = R⁻¹ [X Z y] turn  [RE-5]
    turn_z: Array  # (w, r) V⁻¹ Z = R⁻¹ [X Z y] turn_z
    F: Array  # (r, p + 1) Z'V⁻¹D
    H: Array  # (r, r) Z'V⁻¹Z


@dataclass(frozen=True, slots=True, eq=False)
class MixedState(State):
    """A state that remembers how the random effects were absorbed."""

    absorbed: Absorbed


@dataclass(frozen=True, slots=True, eq=False)
class MixedSlopes(Slopes):
    """Slopes with the pieces Kenward and Roger's sums reuse."""

    moments: Array  # (q_R, w, w) [X Z y]'R⁻¹ R_i R⁻¹ [X Z y]


@dataclass(frozen=True, slots=True, eq=False)
class MixedLikelihood:
    """-2 log-likelihood of y = X beta + Z b + e; theta is that of R, then that of G."""

    grams: PatternGrams
    covariance: Covariance
    crossed: Crossed
    reml: bool

    @property
    def lower_bounds(self) -> Array:
        """(q,)."""
        return np.concatenate([self.covariance.lower_bounds, self.crossed.lower_bounds])

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""
        return np.concatenate([self.covariance.is_scale, np.ones(self.crossed.n_parameters, dtype=bool)])

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """(q,)."""
        return self.covariance.parameter_names(visits) + self.crossed.parameter_names

    @property
    def blocks(self) -> list[tuple[Block, slice]]:
        """Covariance matrices of random effects, and where they stand in theta."""
        own = self.covariance.placed_blocks()
        return own + placed(self.crossed.blocks, len(self.covariance.lower_bounds))

    @property
    def _z(self) -> slice:
        return slice(self.grams.width - 1 - self.crossed.n_columns, self.grams.width - 1)

    @property
    def _d(self) -> Array:
        """Where the columns D stand."""
        return np.delete(np.arange(self.grams.width), np.r_[self._z])

    def at(self, theta: Array) -> MixedState | None:
        """The state at theta; None where a covariance is not allowed."""
        n_residual = len(self.covariance.lower_bounds)
        try:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                here = residual(self.grams, self.covariance.evaluate(theta[:n_residual]))
                return self._solved(theta, here, self.crossed.root(theta[n_residual:]))
        except np.linalg.LinAlgError:
            return None

    def _solved(self, theta: Array, here: Residual, root: Array) -> MixedState | None:
        moments = self.grams.combine(here.precision)
        C, B = moments[self._z, self._z], moments[self._z][:, self._d]
        lower = np.linalg.cholesky(np.eye(len(C)) + root.T @ C @ root)
        half = np.linalg.solve(lower, root.T)
        K = half.T @ half
        turn, turn_z = np.zeros((len(moments), len(self._d))), np.zeros((len(moments), len(C)))
        turn[self._d, np.arange(len(self._d))] = 1.0
        turn[self._z], turn_z[self._z] = -K @ B, np.eye(len(C)) - K @ C
        absorbed = Absorbed(K, turn, turn_z, B - C @ K @ B, C - C @ K @ C)
        log_det = here.log_det + 2.0 * float(np.log(np.diag(lower)).sum())
        state = solved(theta, here, moments[np.ix_(self._d, self._d)] - B.T @ K @ B, log_det, reml=self.reml)
        if state is None:
            return None
        return MixedState(theta, state.value, here, state.beta, state.phi, state.direction, absorbed)

    def slopes(self, state: MixedState) -> MixedSlopes:
        """[RE-6] to [RE-9]."""
        here, own, p = state.residual, state.absorbed, state.rank
        whitened, by_g = here.whitened(), self.crossed.first()
        moments = self.grams.combine(here.spread(whitened))
        weight = omega(state, reml=self.reml)
        cross_products = self.grams.contract(own.turn @ weight @ own.turn.T + self._only_z(own.K))
        per_kind = here.by_kind(pattern_score(here, cross_products))
        by_r = np.tensordot(here.covariance.first, per_kind, 3)
        gradient = np.concatenate([by_r, np.tensordot(by_g, own.H - own.F @ weight @ own.F.T, 2)])
        moment_slopes = -np.concatenate([own.turn.T @ moments @ own.turn, own.F.T @ by_g @ own.F])
        traces = self._traces(state, whitened, moments)
        hessian = 2.0 * self._quadratics(state, whitened, moments, weight) - traces
        if here.covariance.second is not None:
            size = len(whitened)
            hessian[:size, :size] += np.tensordot(here.covariance.second, per_kind, 3)
        hessian += through_beta(state, moment_slopes, reml=self.reml)
        return MixedSlopes(gradient, hessian, traces, moment_slopes[:, :p, :p], moments)

    def _only_z(self, inner: Array) -> Array:
        padded = np.zeros((self.grams.width, self.grams.width))
        padded[self._z, self._z] = inner
        return padded

    def _traces(self, state: MixedState, whitened: Array, moments: Array) -> Array:
        """tr(V⁻¹ V_i V⁻¹ V_j)  [RE-8]."""
        here, own, by_g = state.residual, state.absorbed, self.crossed.first()
        of_k = pattern_quadratics(here, whitened, self.grams.contract(self._only_z(own.K)))
        zz = own.K @ moments[:, self._z, self._z]
        r_r = pattern_traces(here, whitened) - 2.0 * of_k + trace_products(zz)
        r_g = inner_products(own.turn_z.T @ moments @ own.turn_z, by_g)
        return _joined(r_r, r_g, trace_products(by_g @ own.H))

    def quadratics(self, state: MixedState, slopes: MixedSlopes, weight: Array) -> Array:
        """tr(U D'V⁻¹ V_i V⁻¹ V_j V⁻¹ D): (q, q)."""
        return self._quadratics(state, state.residual.whitened(), slopes.moments, weight)

    def _quadratics(self, state: MixedState, whitened: Array, moments: Array, weight: Array) -> Array:
        """[RE-9]."""
        own, by_g = state.absorbed, self.crossed.first()
        cross_products = self.grams.contract(own.turn @ weight @ own.turn.T)
        through = moments[:, self._z] @ own.turn
        r_r = pattern_quadratics(state.residual, whitened, cross_products)
        r_r -= inner_products(through @ weight, own.K @ through)
        mixed, behind = own.turn.T @ moments @ own.turn_z, by_g @ own.F
        r_g = inner_products(weight @ mixed, behind.swapaxes(1, 2))
        g_g = inner_products(behind @ weight, own.H @ behind)
        return _joined(r_r, r_g, g_g)

    def weighted_products(self, state: MixedState, slopes: MixedSlopes, w: Array) -> Array:
        """sum_ij w_ij X'V⁻¹ V_i V⁻¹ V_j V⁻¹ X: (p, p)  [RE-10]."""
        own, moments, by_g, p = state.absorbed, slopes.moments, self.crossed.first(), state.rank
        n_r = len(moments)
        turn, F = own.turn[:, :p], own.F[:, :p]
        inner = self.grams.combine(pattern_products(state.residual, w[:n_r, :n_r]))
        through = moments[:, self._z] @ turn
        total = turn.T @ inner @ turn
        total -= np.einsum("ij,irp,rs,jsq->pq", w[:n_r, :n_r], through, own.K, through, optimize=True)
        mixed = turn.T @ moments @ own.turn_z
        across = np.einsum("ij,ipr,jrs,sq->pq", w[:n_r, n_r:], mixed, by_g, F, optimize=True)
        within = np.einsum("ij,irs,st,jtu->ru", w[n_r:, n_r:], by_g, own.H, by_g, optimize=True)
        products: Array = total + across + across.T + F.T @ within @ F
        return products

    def weighted_seconds(self, state: MixedState, w: Array) -> Array | None:
        """sum_ij w_ij X'V⁻¹ V_ij V⁻¹ X; G is linear in its parameters."""
        n_r = len(self.covariance.lower_bounds)
        inner = pattern_seconds(state.residual, w[:n_r, :n_r])
        if inner is None:
            return None
        turn = state.absorbed.turn[:, : state.rank]
        seconds: Array = turn.T @ self.grams.combine(inner) @ turn
        return seconds


def _joined(r_r: Array, r_g: Array, g_g: Array) -> Array:
    return np.block([[r_r, r_g], [r_g.T, g_g]])
