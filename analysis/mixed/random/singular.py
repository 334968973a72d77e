"""Covariance matrices of random effects at the boundary: a lower rank, written as Lambda Lambda'.

With a correlation of 1 or -1 the maximum is not inside the positive definite matrices; natural parameters end there
in a corner, factors do not  [RE-12].
"""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.likelihood import AnyLikelihood, Slopes, State
from analysis.mixed.random.block import Block
from analysis.mixed.residual import Residual

SINGULAR = 1e-3  # smallest eigenvalue over the largest, coefficients in units of their columns


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """One block as Lambda Lambda' of one rank less, and where it stands in theta and in the position."""

    block: Block
    of_theta: slice
    of_position: slice

    @property
    def entries(self) -> tuple[Codes, Codes]:
        """Rows and columns of Lambda's free entries: a lower trapezium."""
        rows, columns = np.tril_indices(self.block.size, m=self.block.size - 1)
        return rows, columns

    def filled(self, values: Array) -> Array:
        """Lambda (k, k - 1)."""
        factor = np.zeros((self.block.size, self.block.size - 1))
        factor[self.entries] = values
        return factor

    def units(self) -> Array:
        """DLambda / d each entry: (m, k, k - 1)."""
        return np.stack([self.filled(row) for row in np.eye(len(self.entries[0]))])

    def start(self, theta: Array) -> Array:
        """The nearest factor of that rank."""
        values, vectors = np.linalg.eigh(self.block.matrix(theta))
        wide = vectors[:, 1:] * np.sqrt(np.maximum(values[1:], 1e-12 * values[-1]))
        triangle = np.asarray(np.linalg.qr(wide.T, mode="r")).T
        entries: Array = triangle[self.entries]
        return entries


@dataclass(frozen=True, slots=True, eq=False)
class ReducedState:
    """A state and the position it was reached from."""

    position: Array  # (m,)
    inner: State

    @property
    def value(self) -> float:
        """-2 log-likelihood, no constant."""
        return self.inner.value

    @property
    def residual(self) -> Residual:
        """R."""
        return self.inner.residual


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """A likelihood as a function of factors of its singular blocks and of all other parameters."""

    likelihood: AnyLikelihood
    factors: list[Factor]
    others: tuple[Codes, Codes]  # theta's other parameters: where in theta, where in the position

    @property
    def lower_bounds(self) -> Array:
        """(m,) those of the other parameters."""
        bounds = np.full(len(self.others[1]) + sum(len(f.entries[0]) for f in self.factors), -np.inf)
        bounds[self.others[1]] = self.likelihood.lower_bounds[self.others[0]]
        return bounds

    @property
    def is_singular(self) -> Mask:
        """(q,) parameters of the singular blocks."""
        singular = np.zeros(len(self.likelihood.lower_bounds), dtype=bool)
        for factor in self.factors:
            singular[factor.of_theta] = True
        return singular

    def at(self, position: Array) -> ReducedState | None:
        """The state at theta(position)."""
        theta = np.zeros(len(self.likelihood.lower_bounds))
        theta[self.others[0]] = position[self.others[1]]
        for factor in self.factors:
            matrix = factor.filled(position[factor.of_position])
            theta[factor.of_theta] = _lower(matrix @ matrix.T)
        state = self.likelihood.at(theta)
        return None if state is None else ReducedState(position, state)

    def slopes(self, state: ReducedState) -> Slopes:
        """By the position: the chain rule."""
        inner = self.likelihood.slopes(state.inner)
        chart, bend = self.chart(state.position, inner.gradient)
        return Slopes(
            gradient=chart.T @ inner.gradient,
            hessian=chart.T @ inner.hessian @ chart + bend,
            traces=chart.T @ inner.traces @ chart,
            precision_slopes=np.tensordot(chart.T, inner.precision_slopes, 1),
        )

    def chart(self, position: Array, gradient: Array) -> tuple[Array, Array]:
        """D theta / d position (q, m), and sum_i gradient_i d² theta_i (m, m)."""
        jacobian = np.zeros((len(gradient), len(position)))
        bend = np.zeros((len(position), len(position)))
        jacobian[self.others] = 1.0
        for factor in self.factors:
            matrix, units = factor.filled(position[factor.of_position]), factor.units()
            by_entry = units @ matrix.T
            jacobian[factor.of_theta, factor.of_position] = _lower(by_entry + by_entry.swapaxes(1, 2)).T
            twice = np.einsum("aij,bkj->abik", units, units)
            symmetric = _lower(twice + twice.swapaxes(2, 3))
            bend[factor.of_position, factor.of_position] = symmetric @ gradient[factor.of_theta]
        return jacobian, bend


def has_singular_block(likelihood: AnyLikelihood, state: State) -> bool:
    """Whether intercepts' and slopes' covariance is nearly of lower rank."""
    return any(_is_singular(block, state.theta[where]) for block, where in likelihood.blocks)


def _is_singular(block: Block, theta: Array) -> bool:
    if block.size == 1:
        return False
    unit = np.sqrt(block.mean_squares)
    values = np.linalg.eigvalsh(block.matrix(theta) * np.outer(unit, unit))
    return bool(values[0] < SINGULAR * values[-1])


def singular_blocks(likelihood: AnyLikelihood, state: State) -> tuple[Reduced, Array]:
    """The likelihood over factors of the blocks that are nearly singular, and where to start."""
    inside = np.ones(len(state.theta), dtype=bool)
    found = []
    for block, where in likelihood.blocks:
        if _is_singular(block, state.theta[where]):
            inside[where] = False
            found.append((block, where))
    others = np.flatnonzero(inside)
    factors, starts, end = [], [state.theta[others]], len(others)
    for block, where in found:
        size = len(np.tril_indices(block.size, m=block.size - 1)[0])
        factors.append(Factor(block, where, slice(end, end + size)))
        starts.append(factors[-1].start(state.theta[where]))
        end += size
    return Reduced(likelihood, factors, (others, np.arange(len(others)))), np.concatenate(starts)


def _lower(matrices: Array) -> Array:
    rows, columns = np.tril_indices(matrices.shape[-1])
    triangle: Array = matrices[..., rows, columns]
    return triangle
