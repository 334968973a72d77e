"""Newton's method with step control for one start: a state and its derivatives in, an optimum and a verdict out."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.convergence import Status
from analysis.mixed.likelihood import Slopes

CONVERGED = 1e-8  # norm of the scaled gradient
TARGET = 1e-10  # what one more step usually gives; not insisted upon
ROUNDING = 1e-6  # gradient that may be left where a variance is so small beside another that digits run out
NEARLY = 1e-4  # gradient from which a search without progress is given up
NOTHING_LEFT = 1e-24  # a variance in units of the outcome's residual variance that is rounding alone
PATIENCE = 4  # steps without progress before that is believed
MOST_STEPS = 100
MOST_HALVINGS = 40
FLATTEST = 1e-7  # smallest eigenvalue of the scaled Hessian that counts as positive


class Objective(Protocol):
    """What can be minimised."""

    @property
    def lower_bounds(self) -> Array:
        """(q,) smallest allowed parameters; minus infinity where there is none."""

    def at(self, theta: Array) -> Any:
        """The state at theta; None where theta is not allowed."""

    def slopes(self, state: Any) -> Any:
        """Its derivatives."""


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """The objective near a state, in standard errors of the free parameters."""

    free: Mask
    scale: Array  # (free,)
    gradient: Array  # (free,)
    information: Array  # (free, free) expected curvature
    eigenvalues: Array
    vectors: Array

    @property
    def size(self) -> float:
        """Norm of the scaled gradient."""
        return float(np.linalg.norm(self.gradient))

    @property
    def is_minimum(self) -> bool:
        """Whether the Hessian is positive definite; with nothing free it is."""
        return len(self.eigenvalues) == 0 or bool(self.eigenvalues[0] > FLATTEST)

    @property
    def smallest(self) -> float:
        """Smallest eigenvalue; infinite with nothing free."""
        return float(self.eigenvalues[0]) if len(self.eigenvalues) else float("inf")

    def direction(self) -> Array:
        """Newton's step; where the Hessian is not positive definite, Fisher's, which always descends."""
        values, vectors = self.eigenvalues, self.vectors
        if not self.is_minimum:
            values, vectors = np.linalg.eigh(self.information)
            values = np.maximum(values, 1e-10)
        step = np.zeros(len(self.free))
        step[self.free] = -self.scale * (vectors @ ((vectors.T @ self.gradient) / values))
        return step


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """Where one search ended."""

    position: Array  # (m,)
    state: Any
    slopes: Slopes
    local: Local
    status: Status
    steps: int


def newton(objective: Objective, start: Array) -> Attempt | None:
    """Minimise from one start; None where the start is not allowed."""
    position, state, sizes = start, objective.at(start), []
    if state is None:
        return None
    for steps in range(MOST_STEPS):
        slopes = objective.slopes(state)
        local = _local(objective.lower_bounds, position, slopes)
        sizes.append(local.size)
        if local.size < TARGET or _no_longer_falls(sizes):
            return Attempt(position, state, slopes, local, _verdict(local, state), steps)
        moved = _line_search(objective, position, state.value, local.direction(), slopes.gradient)
        if moved is None:
            return Attempt(position, state, slopes, local, _verdict(local, state), steps)
        position, state = moved
    return Attempt(position, state, slopes, local, "too many steps", MOST_STEPS)


def _no_longer_falls(sizes: list[float]) -> bool:
    """Whether a small gradient is no longer getting smaller: rounding is all that is left."""
    if sizes[-1] < CONVERGED:
        return len(sizes) > 1 and sizes[-1] > 0.1 * sizes[-2]
    return (
        sizes[-1] < NEARLY and len(sizes) > PATIENCE and min(sizes[-PATIENCE:]) > 0.5 * min(sizes[:-PATIENCE])
    )


def _verdict(local: Local, state: Any) -> Status:
    """What a search that ended where it could not go on has found."""
    values = np.linalg.eigvalsh(state.residual.covariance.value)
    if values[:, 0].min() < NOTHING_LEFT:
        return "singular"
    if local.size < CONVERGED:
        return "converged" if local.is_minimum else "saddle"
    if (values[:, 0] < 1e-10 * values[:, -1]).any():
        return "singular"
    return "rounding" if local.size < ROUNDING and local.is_minimum else "stalled"


def _local(lower_bounds: Array, position: Array, slopes: Slopes) -> Local:
    """A parameter at its bound is free only where the deviance falls on leaving it."""
    free = (position > lower_bounds) | (slopes.gradient < 0.0)
    scale = 1.0 / np.sqrt(np.diag(slopes.traces)[free])
    unit, both = np.outer(scale, scale), np.ix_(free, free)
    vectors = np.linalg.eigh(slopes.hessian[both] * unit)
    return Local(free, scale, scale * slopes.gradient[free], slopes.traces[both] * unit, *vectors)


def _line_search(
    objective: Objective, position: Array, value: float, direction: Array, gradient: Array
) -> tuple[Array, Any] | None:
    """The longest of the steps 1, 1/2, 1/4 ... within bounds that lowers the deviance; rounding is forgiven."""
    length, rounding = 1.0, 1e-12 * (1.0 + abs(value))
    for _ in range(MOST_HALVINGS):
        trial = np.maximum(position + length * direction, objective.lower_bounds)
        state = objective.at(trial)
        fall = 1e-4 * float(gradient @ (trial - position))
        if state is not None and state.value <= value + min(fall, 0.0) + rounding:
            return trial, state
        length *= 0.5
    return None
