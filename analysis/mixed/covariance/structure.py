"""What a covariance structure is: natural parameters in, the matrix over visits and its derivatives out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.mixed.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Derivatives:
    """A matrix over visits at given parameters, with its first and second derivatives."""

    value: Array  # (T, T)
    first: Array  # (q, T, T)
    second: Array | None  # (q, q, T, T); None where the structure is linear in its parameters


class Structure(Protocol):
    """A family of covariance matrices over visits in natural parameters: (co)variances and correlations."""

    @property
    def name(self) -> str:
        """Short name, as in STRUCTURES."""

    @property
    def n_visits(self) -> int:
        """T."""

    @property
    def is_scale(self) -> Sequence[bool]:
        """Whether each parameter is in squared units of the outcome (else a correlation)."""

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """One name per parameter."""

    def start(self, moments: Array) -> Array:
        """Parameters near a positive definite moment estimate (T, T)."""

    def other_starts(self, moments: Array) -> list[Array]:
        """Further starting points for a likelihood that may have several optima."""

    def evaluate(self, theta: Array) -> Derivatives:
        """The matrix and its derivatives at theta (q,)."""
