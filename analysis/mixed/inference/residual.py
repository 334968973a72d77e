"""Residual degrees of freedom: observations minus fixed effects, for every contrast."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.method import FTest
from analysis.mixed.inference.quadratic import wald


@dataclass(frozen=True, slots=True, eq=False)
class ResidualDf:
    """N - p  [MMRM-16]."""

    fitted: Fitted
    covariance: Array  # (p, p) Phi, or a sandwich

    @property
    def _df(self) -> float:
        return float(self.fitted.n_rows - len(self.fitted.phi))

    def df(self, rows: Array) -> Array:
        """The same for each."""
        return np.full(len(np.atleast_2d(rows)), self._df)

    def f_test(self, rows: Array) -> FTest:
        """Wald's F."""
        turned = self.fitted.turned(rows)
        return FTest(wald(self.fitted, self.covariance, rows), len(turned), self._df)


def residual_df(fitted: Fitted) -> ResidualDf:
    """With the model-based covariance."""
    return ResidualDf(fitted, fitted.phi)
