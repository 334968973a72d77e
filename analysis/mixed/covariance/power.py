"""Correlation falling off as a power of the distance between visits: the part ar1, ar1h and sp_exp share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.structure import Derivatives


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """C_ab = rho ** d_ab."""

    distance: Array  # (T, T), zero on the diagonal

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.distance.shape[0])

    @property
    def n_parameters(self) -> int:
        """1."""
        return 1

    def parameter_names(self, visits: Sequence[str]) -> list[str]:  # noqa: ARG002
        """The one correlation, at distance 1."""
        return ["correlation"]

    def start(self, correlations: Array) -> Array:
        """The mean correlation of the nearest visits, brought to distance 1."""
        nearest = self.distance[self.distance > 0].min()
        mean = correlations[self.distance == nearest].mean()
        return np.array([np.clip(mean, 0.05, 0.95) ** (1.0 / nearest) if mean > 0 else max(mean, -0.5)])

    def evaluate(self, rho: Array) -> Derivatives:
        """Powers d, d - 1 and d - 2 of rho; a factor of zero wins over an infinite power."""
        d = self.distance
        with np.errstate(divide="ignore", invalid="ignore"):
            first = np.where(d == 0, 0.0, d * rho ** (d - 1))
            second = np.where((d == 0) | (d == 1), 0.0, d * (d - 1) * rho ** (d - 2))
        return Derivatives(rho**d, first[None], second[None, None])
