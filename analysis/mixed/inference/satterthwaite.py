"""Satterthwaite's degrees of freedom with the model-based covariance."""

from dataclasses import dataclass

from analysis.mixed.arrays import Array
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.method import FTest
from analysis.mixed.inference.quadratic import combined_df, independent_rows, satterthwaite_df, wald


@dataclass(frozen=True, slots=True, eq=False)
class Satterthwaite:
    """[MMRM-14] for one contrast, [MMRM-15] for several."""

    fitted: Fitted

    @property
    def covariance(self) -> Array:
        """Phi."""
        return self.fitted.phi

    def df(self, rows: Array) -> Array:
        """Each contrast's own."""
        return satterthwaite_df(self.fitted, self.fitted.turned(rows))

    def f_test(self, rows: Array) -> FTest:
        """Fai and Cornelius: split into uncorrelated contrasts, combine their df."""
        turned = self.fitted.turned(rows)
        single = satterthwaite_df(self.fitted, independent_rows(turned, self.fitted.phi))
        return FTest(wald(self.fitted, self.fitted.phi, rows), len(turned), combined_df(single))
