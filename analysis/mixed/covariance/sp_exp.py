"""Spatial exponential: one variance, correlation exp(-distance / range), for visits at real times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.linear import lags
from analysis.mixed.covariance.structure import Derivatives

NEAREST = (0.05, 0.95)  # correlations of the nearest visits a search may start from


@dataclass(frozen=True, slots=True, eq=False)
class SpatialExponential:
    """Sigma_ab = v exp(-d_ab / r), natural parameters as SAS's SP(EXP): variance and range  [MMRM-25]."""

    distance: Array  # (..., T, T) zero on the diagonal, infinite to a visit without a time
    typical: Array  # (T, T) between visits at their mean times

    @property
    def name(self) -> str:
        """Short name."""
        return "sp_exp"

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.distance.shape[-1])

    @property
    def is_scale(self) -> Sequence[bool]:
        """The variance is, the range is in the unit of the times."""
        return (True, False)

    def parameter_names(self, visits: Sequence[str]) -> list[str]:  # noqa: ARG002
        """A variance and a range."""
        return ["variance", "range"]

    def start(self, moments: Array) -> Array:
        """The mean variance, and the range at which the nearest visits have their mean correlation."""
        variances = np.diag(moments)
        sd = np.sqrt(variances)
        nearest = self._nearest
        mean = (moments / np.outer(sd, sd))[self.typical == nearest].mean()
        return np.array([variances.mean(), -nearest / np.log(np.clip(mean, *NEAREST))])

    def other_starts(self, moments: Array) -> list[Array]:
        """Weak and strong correlations of the nearest visits."""
        variance = np.diag(moments).mean()
        return [np.array([variance, -self._nearest / np.log(level)]) for level in (0.1, 0.5, 0.9)]

    @property
    def _nearest(self) -> float:
        return float(self.typical[self.typical > 0].min())

    def evaluate(self, theta: Array) -> Derivatives:
        """By variance and range; refuses a range that is not positive."""
        variance, reach = theta
        if not reach > 0:
            raise np.linalg.LinAlgError
        ratio = np.where(np.isfinite(self.distance), self.distance, 0.0) / reach
        correlation = np.exp(-self.distance / reach)
        slope = correlation * ratio / reach
        bend = slope * (ratio - 2.0) / reach
        zero = np.zeros_like(slope)
        second = np.stack([np.stack([zero, slope]), np.stack([slope, variance * bend])])
        return Derivatives(variance * correlation, np.stack([correlation, variance * slope]), second)

    def typically(self) -> "SpatialExponential":
        """The structure over visits at their mean times."""
        return SpatialExponential(self.typical, self.typical)


def spatial_exponential(n_visits: int) -> SpatialExponential:
    """Two parameters; visits one unit apart."""
    return SpatialExponential(lags(n_visits), lags(n_visits))
