"""The mixed model as the analysis of completed data: all visits and arms together. Not here: the model itself."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.imputation.completed import Completed
from analysis.imputation.errors import NotEstimableError, Refusal
from analysis.imputation.estimates import Analysis, Row, rows_of
from analysis.imputation.outcomes import Outcomes, quoted
from analysis.mixed import MMRM
from analysis.mixed.arrays import Array


@dataclass(frozen=True, slots=True)
class MmrmAnalysis:
    """A mixed model of arm × visit and the analysis covariates, a fit for each completed data set."""

    outcomes: Outcomes
    covariance: str = "us"
    df: str = "kenward-roger"

    @property
    def formula(self) -> str:
        """Covariates act by visit, as in an analysis of each visit."""
        roles = self.outcomes.roles
        by_visit = [f"({term}) * {quoted(roles.visit)}" for term in roles.analysis_covariates]
        return f"{quoted(roles.outcome)} ~ {' + '.join([*by_visit, f'{quoted(roles.arm)} * {quoted(roles.visit)}'])}"

    def __call__(self, completed: Completed) -> Analysis:
        """Estimates, with SE and df where nobody was resampled.

        Raises:
            NotEstimableError: a fit did not converge.
        """
        rows = rows_of(self.outcomes)
        is_whole = completed.weights is None
        found = np.stack([self._fitted(frame, rows, is_whole=is_whole) for frame in completed.frames()])
        if not is_whole:
            return Analysis(rows, found[:, 0], None, None)
        return Analysis(rows, found[:, 0], found[:, 1], found[:, 2])

    def _fitted(self, frame: pd.DataFrame, rows: list[Row], *, is_whole: bool) -> Array:
        """Estimate, se and df (3, r) of one completed data set."""
        roles, arms = self.outcomes.roles, self.outcomes.arms
        model = MMRM.from_formula(
            self.formula, frame, subject=roles.subject, visit=roles.visit, covariance=self.covariance
        )
        fit = model.fit(df=self.df if is_whole else "residual")
        if not fit.convergence.ok:
            refusal = Refusal("analysis by mmrm", fit.convergence.reason, "a maximum of the likelihood")
            raise NotEstimableError("The analysis of completed data did not converge.", [refusal])
        means = fit.emmeans(roles.arm, (roles.visit,), weights="g-computation")
        differences = fit.contrasts(roles.arm, (roles.visit,), roles.reference, weights="g-computation")
        by_row = {("lsmean", one[roles.arm], one[roles.visit]): one for _, one in means.iterrows()}
        labels = {f"{arm} - {roles.reference}": arm for arm in arms}
        by_row |= {
            ("contrast", labels[one["contrast"]], one[roles.visit]): one for _, one in differences.iterrows()
        }
        every = [by_row[row.what, row.arm, row.visit] for row in rows]
        return np.array([[one[name] for one in every] for name in ("estimate", "se", "df")], dtype=float)
