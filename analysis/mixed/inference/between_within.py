"""Between-within degrees of freedom: by whether a contrast's columns vary within participants."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.method import FTest
from analysis.mixed.inference.quadratic import wald


@dataclass(frozen=True, slots=True, eq=False)
class BetweenWithin:
    """[MMRM-17]: the intercept counts as within when alone, as between when degrees of freedom are spent."""

    fitted: Fitted
    covariance: Array  # (p, p) Phi, or a sandwich
    per_coefficient: Array  # (p,)

    def df(self, rows: Array) -> Array:
        """The smallest among the coefficients a contrast involves."""
        sizes = np.abs(np.atleast_2d(rows))
        involved = sizes > 1e-10 * sizes.max(1, keepdims=True)
        smallest: Array = np.where(involved, self.per_coefficient, np.inf).min(1)
        return smallest

    def f_test(self, rows: Array) -> FTest:
        """Wald's F with the smallest df of all coefficients involved."""
        turned = self.fitted.turned(rows)
        statistic = wald(self.fitted, self.covariance, rows)
        return FTest(statistic, len(turned), float(self.df(rows).min()))


def between_within(fitted: Fitted) -> BetweenWithin:
    """Classify the columns and count."""
    rows = fitted.rows_needed_for("df='between-within'")
    first = np.zeros(rows.subject.max() + 1, dtype=np.intp)
    first[rows.subject[::-1]] = np.arange(len(rows.subject))[::-1]
    between = (rows.X[first[rows.subject]] == rows.X).all(0)
    constant = (rows.X[0] == rows.X).all(0)
    n_between = int(between.sum())
    n_subjects = len(np.unique(rows.subject))
    n_within = len(between) - n_between
    df_between = n_subjects - n_between
    df_within = fitted.n_rows - n_subjects - n_within
    return BetweenWithin(
        fitted, fitted.phi, np.where(between & ~constant, df_between, df_within).astype(float)
    )
