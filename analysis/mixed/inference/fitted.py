"""What every method of inference starts from: the optimum, in the engine's rotated and scaled coordinates."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.errors import MeaninglessRequestError
from analysis.mixed.fit import Optimum
from analysis.mixed.inference.information import INFORMATION
from analysis.mixed.likelihood import AnyLikelihood
from analysis.mixed.problem import Observations


@dataclass(frozen=True, eq=False)
class Fitted:
    """beta = back @ b; rows L of contrasts are turned once, L @ back, and everything below is in those."""

    likelihood: AnyLikelihood
    optimum: Optimum
    back: Array  # (p, p) from rotated to original coefficients
    unit: float  # the outcome's unit in the engine's
    b: Array  # (p,) rotated coefficients in the outcome's own units
    offset: Array  # (p,) what original coefficients have beyond back @ b: the outcome's mean in the constant
    information: str
    observations: Observations | None

    def turned(self, rows: Array) -> Array:
        """Contrasts (k, p) of the original coefficients as contrasts of the rotated ones."""
        return np.atleast_2d(rows) @ self.back

    def estimates(self, rows: Array) -> Array:
        """Contrasts' values (k,) in the outcome's units."""
        rows = np.atleast_2d(rows)
        values: Array = self.turned(rows) @ self.b + rows @ self.offset
        return values

    @property
    def phi(self) -> Array:
        """(p, p) model-based covariance of b, scaled units."""
        return self.optimum.state.phi

    @cached_property
    def phi_slopes(self) -> Array:
        """dPhi/dtheta_i = -Phi P_i Phi: (q, p, p)  [KR-3]."""
        return -self.phi @ self.optimum.slopes.precision_slopes @ self.phi

    @cached_property
    def theta_covariance(self) -> Array:
        """W (q, q), the inverse information of theta; zero for a parameter at its bound  [KR-2]."""
        chart = self.optimum.chart
        covariance: Array = chart @ np.linalg.inv(
            INFORMATION[self.information](self.likelihood, self.optimum)
        )
        return covariance @ chart.T

    @property
    def n_rows(self) -> int:
        """N."""
        return self.likelihood.grams.n_rows

    def rows_needed_for(self, what: str) -> Observations:
        """The observations; refused where only Grams were kept."""
        if self.observations is None:
            raise MeaninglessRequestError(
                f"{what} needs the rows of single participants, but this model was summed from a stream and keeps"
                " only its Grams: fit it from a frame in memory"
            )
        return self.observations
