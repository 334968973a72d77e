"""Correlations that are constant along bands of the matrix: the part csh and toeph share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.structure import Derivatives


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """C = I + sum_k rho_k M_k with 0/1 masks M_k."""

    masks: Array  # (k, T, T)
    names: Sequence[str]

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.masks.shape[1])

    @property
    def n_parameters(self) -> int:
        """Number of bands."""
        return len(self.masks)

    def parameter_names(self, visits: Sequence[str]) -> list[str]:  # noqa: ARG002
        """One name per band."""
        return list(self.names)

    def start(self, correlations: Array) -> Array:
        """The mean correlation of each band."""
        total: Array = (self.masks * correlations).sum((1, 2)) / self.masks.sum((1, 2))
        return total

    def evaluate(self, rho: Array) -> Derivatives:
        """Linear in rho."""
        return Derivatives(np.eye(self.n_visits) + np.tensordot(rho, self.masks, 1), self.masks, None)
