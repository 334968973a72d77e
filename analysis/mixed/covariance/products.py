"""Correlations that are products of neighbours' correlations: the part ad and adh share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.covariance.structure import Derivatives


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourProducts:
    """C_ab = product of rho_k over the steps k from visit a to visit b."""

    steps: Mask  # (T - 1, T, T) whether step k lies between visits a and b

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.steps.shape[1])

    @property
    def n_parameters(self) -> int:
        """T - 1."""
        return len(self.steps)

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """One correlation per pair of neighbouring visits."""
        return [f"correlation({a},{b})" for a, b in pairwise(visits)]

    def start(self, correlations: Array) -> Array:
        """The correlations of neighbouring visits."""
        return np.diag(correlations, 1).copy()

    def evaluate(self, rho: Array) -> Derivatives:
        """Products with one or two factors left out; no division, so zero correlations are fine."""
        factors = np.where(self.steps, rho[:, None, None], 1.0)
        size = len(rho)
        first = np.stack([self._without(factors, (k,)) for k in range(size)])
        second = np.zeros((size, size, *factors.shape[1:]))
        for k in range(size):
            for m in range(k):
                second[k, m] = second[m, k] = self._without(factors, (k, m))
        return Derivatives(factors.prod(0), first, second)

    def _without(self, factors: Array, left_out: tuple[int, ...]) -> Array:
        kept = np.delete(factors, left_out, axis=0).prod(0)
        return np.where(self.steps[list(left_out)].all(0), kept, 0.0)


def neighbour_products(n_visits: int) -> NeighbourProducts:
    """The correlation part of ante-dependence over T visits."""
    step = np.arange(n_visits - 1)[:, None, None]
    visit = np.arange(n_visits)
    earlier = np.minimum(visit[:, None], visit[None, :])
    later = np.maximum(visit[:, None], visit[None, :])
    return NeighbourProducts((earlier <= step) & (step < later))
