"""The verdict on a search for the optimum: a value, not a warning."""

from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "converged", "rounding", "saddle", "singular", "stalled", "infeasible start", "too many steps", "fixed"
]

REASONS: dict[Status, str] = {
    "converged": "",
    "rounding": "digits ran out before the gradient fell below 1e-8: one variance is tiny beside another",
    "saddle": "the gradient is zero, but the Hessian is not positive definite: the covariance is not identified "
    "(do two components describe the same variation, such as random effects of the participant beside us or cs?)",
    "singular": "the covariance over visits tends to a singular matrix: try a simpler structure",
    "stalled": "no step lowers the deviance, and the gradient is not zero",
    "infeasible start": "no starting covariance is positive definite",
    "too many steps": "the gradient is not zero after the largest allowed number of steps",
    "fixed": "",
}


@dataclass(frozen=True, slots=True, eq=False)
class Convergence:
    """How the search ended. Gradient and eigenvalues are in scaled units: standard errors of the parameters."""

    status: Status
    gradient_norm: float
    smallest_eigenvalue: float  # of the scaled Hessian
    steps: int
    start: str
    starts_tried: int = 1
    other_optima: tuple[float, ...] = ()  # log-likelihoods of worse optima that were found, best first
    at_boundary: tuple[str, ...] = ()  # variance components at zero

    @property
    def ok(self) -> bool:
        """Whether the estimates are a maximum of the likelihood."""
        return self.status in {"converged", "rounding", "fixed"}

    @property
    def reason(self) -> str:
        """Why it is not, or what limits it; empty if nothing does."""
        return REASONS[self.status]
