"""The residual covariance R at given parameters, pattern by pattern: inverse, determinant, and what derivatives need.

Missing visits are padded with the identity, so all patterns are one (G, T, T) array.
"""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.by_group import GroupedDerivatives
from analysis.mixed.gram import PatternGrams


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """R and its inverse P = Wᵀ W on every pattern."""

    grams: PatternGrams
    covariance: GroupedDerivatives
    whitener: Array  # (G, T, T) W, zero outside the pattern's visits
    precision: Array  # (G, T, T) P
    log_det: float  # log |R|

    def whitened(self) -> Array:
        """B_i = W (dR/dtheta_i) Wᵀ: (q, G, T, T)."""
        by_pattern = self.covariance.first[:, self.grams.kind]
        return self.whitener @ by_pattern @ self.whitener.swapaxes(-1, -2)

    def spread(self, inner: Array) -> Array:
        """Wᵀ inner W: (..., G, T, T), and with it sums of X' ... X by grams.combine."""
        return self.whitener.swapaxes(-1, -2) @ inner @ self.whitener

    def by_kind(self, per_pattern: Array) -> Array:
        """Sum (G, T, T) over the patterns of each kind: (K, T, T)."""
        kinds = np.arange(self.grams.n_kinds)[:, None] == self.grams.kind
        return np.tensordot(kinds.astype(float), per_pattern, 1)


def residual(grams: PatternGrams, covariance: GroupedDerivatives) -> Residual:
    """Factor R; raises LinAlgError where a kind's covariance is not positive definite."""
    np.linalg.cholesky(covariance.value)
    both = grams.has[:, :, None] & grams.has[:, None, :]
    padded = np.where(both, covariance.value[grams.kind], np.eye(grams.n_visits))
    lower = np.linalg.cholesky(padded)
    whitener = np.where(both, np.linalg.inv(lower), 0.0)
    log_diagonal = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(1)
    precision = whitener.swapaxes(-1, -2) @ whitener
    return Residual(grams, covariance, whitener, precision, 2.0 * float(grams.count @ log_diagonal))
