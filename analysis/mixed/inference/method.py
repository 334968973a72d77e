"""What a method of inference gives: a covariance of the fixed effects, t tests and F tests."""

from dataclasses import dataclass
from typing import Protocol

from scipy.special import fdtrc

from analysis.mixed.arrays import Array


@dataclass(frozen=True, slots=True)
class FTest:
    """A test that several contrasts are zero together."""

    statistic: float
    numerator_df: int
    denominator_df: float

    @property
    def p_value(self) -> float:
        """Upper tail of the F distribution."""
        return float(fdtrc(self.numerator_df, self.denominator_df, self.statistic))


class Method(Protocol):
    """Rows of contrasts are in the original coefficients; covariances in rotated, scaled ones."""

    @property
    def covariance(self) -> Array:
        """(p, p) covariance the standard errors come from."""

    def df(self, rows: Array) -> Array:
        """Degrees of freedom of each contrast alone: (k, p) -> (k,)."""

    def f_test(self, rows: Array) -> FTest:
        """Joint test of full-rank contrasts (k, p)."""
