"""The fitted model: estimates, tests, least-squares means, contrasts. Nothing here is estimated again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.contrasts import difference_rows
from analysis.mixed.convergence import Convergence
from analysis.mixed.diagnostics import LikelihoodRatio, labelled_influence, likelihood_ratio
from analysis.mixed.errors import BadDataError
from analysis.mixed.hypotheses import adjusted, contrast_rows, estimable, tested
from analysis.mixed.icc import intraclass_correlation_at, intraclass_correlations
from analysis.mixed.inference import Fitted, FTest, Method
from analysis.mixed.jackknife import jackknife, leave_one_out
from analysis.mixed.lsmeans import weighted_cells
from analysis.mixed.profile import profile_intervals
from analysis.mixed.random.blups import predicted_effects
from analysis.mixed.scaled_residuals import residuals_of_kind
from analysis.mixed.standardised import standardised
from analysis.mixed.type3 import type3_tests

if TYPE_CHECKING:
    from analysis.mixed.model import MMRM


@dataclass(frozen=True, eq=False)
class MMRMFit:
    """A fitted mixed model; the names follow statsmodels."""

    model: "MMRM"
    fitted: Fitted
    method: Method
    covariance_structure: str
    df_method: str
    robust: str | None
    failed_attempts: Mapping[str, str]  # structures tried before this one -> why they were left

    # --- the fixed effects -------------------------------------------------

    @cached_property
    def _coefficients(self) -> pd.DataFrame:
        return self._unit_tests(0.05)

    def _unit_tests(self, alpha: float) -> pd.DataFrame:
        """Each coefficient alone; a dropped column is NaN, the others are given with the dropped ones at zero."""
        names, kept = list(self.model.design.names), self.model.problem.rotation.kept
        is_kept = np.isin(np.arange(len(names)), kept)
        return self._tested(np.eye(len(names))[:, kept], is_kept, alpha).set_axis(names)

    @property
    def params(self) -> pd.Series:
        """Fixed effects by term; NaN for a dropped column."""
        return self._coefficients["estimate"].rename("params")

    @property
    def bse(self) -> pd.Series:
        """Standard errors."""
        return self._coefficients["se"].rename("bse")

    @property
    def df(self) -> pd.Series:
        """Degrees of freedom."""
        return self._coefficients["df"].rename("df")

    @property
    def tvalues(self) -> pd.Series:
        """T statistics."""
        return self._coefficients["t"].rename("tvalues")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided p values."""
        return self._coefficients["p"].rename("pvalues")

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Limits at level 1 - alpha."""
        return self._unit_tests(alpha)[["lower", "upper"]]

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the fixed effects that the standard errors come from."""
        names, kept = np.array(self.model.design.names), self.model.problem.rotation.kept
        back = self.fitted.back * self.fitted.unit
        frame = pd.DataFrame(back @ self.method.covariance @ back.T, index=names[kept], columns=names[kept])
        return frame.reindex(index=names, columns=names)

    # --- the covariance and the likelihood ---------------------------------

    @property
    def convergence(self) -> Convergence:
        """How the search for the optimum ended."""
        found = self.fitted.optimum.convergence
        others = tuple(self._log_likelihood(value) for value in found.other_optima)
        held = tuple(self.theta.index[self.fitted.optimum.at_boundary])
        return replace(found, other_optima=others, at_boundary=held)

    @property
    def theta(self) -> pd.Series:
        """Covariance parameters in the outcome's units."""
        likelihood = self.fitted.likelihood
        scale = np.where(likelihood.is_scale, self.fitted.unit**2, 1.0)
        names = likelihood.parameter_names([str(visit) for visit in self.model.visits])
        return pd.Series(self.fitted.optimum.state.theta * scale, index=names, name="theta")

    @property
    def covariance(self) -> pd.DataFrame | dict[Any, pd.DataFrame]:
        """Residual covariance over visits, given the random effects; by group, a frame for each.

        For `sp_exp` at the visits' mean times: participants with times of their own differ.
        """
        within = self.fitted.likelihood.covariance
        theta = self.fitted.optimum.state.theta[: within.n_residual]
        visits = list(self.model.visits)
        values = within.residual.shown(theta)[:, : len(visits), : len(visits)] * self.fitted.unit**2
        frames = [pd.DataFrame(value, index=visits, columns=visits) for value in values]
        return frames[0] if len(frames) == 1 else dict(zip(self.model.groups, frames, strict=True))

    @property
    def random_effects_variances(self) -> pd.Series:
        """Variances and covariances of the random effects; one at the boundary is zero."""
        return self.theta.iloc[self.fitted.likelihood.covariance.n_residual :].rename("variance")

    @property
    def nobs(self) -> int:
        """Observations."""
        return self.fitted.n_rows

    @property
    def n_subjects(self) -> int:
        """Participants with at least one observation."""
        return self.nobs if self.model.data.absorbed else self.fitted.likelihood.grams.n_subjects

    @property
    def llf(self) -> float:
        """Log-likelihood, restricted under REML  [MMRM-10]."""
        return self._log_likelihood(self.fitted.optimum.state.value)

    def _log_likelihood(self, deviance: float) -> float:
        """From the engine's deviance, in its own units and without constants."""
        reml, problem = self.fitted.likelihood.reml, self.model.problem
        count = self.nobs - problem.rank if reml else self.nobs
        constant = count * float(np.log(2.0 * np.pi * problem.unit**2)) - problem.log_weights
        design = problem.log_det_design if reml else 0.0
        return -0.5 * (deviance + constant + design)

    @property
    def _n_parameters(self) -> int:
        covariance = self.n_covariance_parameters
        return covariance if self.fitted.likelihood.reml else covariance + self.model.problem.rank

    @property
    def aic(self) -> float:
        """Covariance parameters count; under ML the fixed effects too."""
        return -2.0 * self.llf + 2.0 * self._n_parameters

    @property
    def bic(self) -> float:
        """As `aic`, with the number of participants."""
        return -2.0 * self.llf + self._n_parameters * float(np.log(self.n_subjects))

    # --- tests ---------------------------------------------------------------

    def t_test(
        self, contrasts: Array | Mapping[str, float] | pd.DataFrame, alpha: float = 0.05
    ) -> pd.DataFrame:
        """A row per contrast of the fixed effects: estimate, se, df, t, p, lower, upper.

        Contrasts are rows (k, P), one row (P,), a mapping of terms to weights, or a frame with terms as columns.
        A contrast that depends on a dropped column is not estimable: its numbers are NaN.
        """
        return self._tested(*self._estimable(self._rows(contrasts)), alpha)

    def _tested(self, kept: Array, testable: Mask, alpha: float) -> pd.DataFrame:
        return tested(self.fitted, self.method, kept, testable, alpha)

    def f_test(self, contrasts: Array | Mapping[str, float] | pd.DataFrame) -> FTest:
        """Joint test that all contrasts are zero; redundant rows count once."""
        kept, estimable = self._estimable(self._rows(contrasts))
        if not estimable.all():
            raise BadDataError("the hypothesis is not estimable: it depends on a dropped column")
        triangle = np.linalg.qr(self.fitted.turned(kept).T, mode="r")
        independent = np.abs(np.diag(triangle)) > 1e-10 * np.abs(triangle).max()
        return self.method.f_test(kept[independent] if not independent.all() else kept)

    def type3(self) -> pd.DataFrame:
        """F test of each term, averaged with equal weights over the others' levels."""
        return type3_tests(self)

    def _rows(self, contrasts: Array | Mapping[str, float] | pd.DataFrame) -> Array:
        return contrast_rows(list(self.model.design.names), contrasts)

    def _estimable(self, rows: Array) -> tuple[Array, Mask]:
        return estimable(self.model.problem.rotation, rows)

    # --- least-squares means ---------------------------------------------------

    def emmeans(
        self,
        factor: str | Sequence[str],
        by: str | Sequence[str] = (),
        *,
        weights: str = "equal",
        alpha: float = 0.05,
    ) -> pd.DataFrame:
        """Least-squares means: one row per combination of levels, with se, df and limits."""
        cells, rows = self._cells(factor, by, weights)
        return self._table(cells, rows, alpha)[[*cells.columns, "estimate", "se", "df", "lower", "upper"]]

    def contrasts(  # noqa: PLR0913
        self,
        factor: str,
        by: str | Sequence[str] = (),
        reference: Any = None,
        *,
        weights: str = "equal",
        adjust: str | None = None,
        alpha: float = 0.05,
    ) -> pd.DataFrame:
        """Differences of least-squares means, against a reference or all pairs.

        `adjust` names a method of statsmodels' multipletests; it is applied over all rows of the frame.
        """
        cells, rows = self._cells(factor, by, weights)
        labels, differences = difference_rows(cells, rows, factor, _names(by), reference)
        table = self._table(labels, differences, alpha)
        return table if adjust is None else table.assign(p_adjusted=adjusted(table["p"], adjust))

    def standardised_effects(  # noqa: PLR0913
        self,
        factor: str,
        by: str | Sequence[str] = (),
        reference: Any = None,
        *,
        sd: str | float = "residual",
        weights: str = "equal",
        alpha: float = 0.05,
    ) -> pd.DataFrame:
        """Contrasts over a standard deviation: of the residual at the visit, of a baseline column, or a number.

        The SD and its name are in the table; se and limits count that it is estimated (delta method).
        """
        return standardised(self, self.contrasts(factor, by, reference, weights=weights), sd, alpha)

    def _cells(
        self, factor: str | Sequence[str], by: str | Sequence[str], weights: str
    ) -> tuple[pd.DataFrame, Array]:
        return weighted_cells(self.model.design, self.model.frame, [*_names(factor), *_names(by)], weights)

    def _table(self, labels: pd.DataFrame, rows: Array, alpha: float) -> pd.DataFrame:
        tests = self.t_test(rows, alpha=alpha)
        order = ["estimate", "se", "df", "lower", "upper", "t", "p"]
        return pd.concat([labels.reset_index(drop=True), tests[order]], axis=1)

    # --- diagnostics ---------------------------------------------------------

    @property
    def n_covariance_parameters(self) -> int:
        """Of the residual covariance and the random effects together."""
        return len(self.fitted.optimum.state.theta)

    def lrt(self, other: "MMRMFit") -> LikelihoodRatio:
        """Likelihood-ratio test between this and a nested or larger model; refused where it has no meaning."""
        return likelihood_ratio(self, other)

    def blups(self) -> pd.DataFrame:
        """Predicted random effects with prediction standard errors: component, level, coefficient, estimate, se."""
        return predicted_effects(self)

    def residuals(self, kind: str = "marginal") -> pd.Series:
        """One per analysed row: "marginal" y - X beta, "conditional" on the random effects, or "scaled".

        Scaled ones are marginal, by participant over the Cholesky factor of the covariance: independent with
        variance 1 if the model holds.
        """
        return pd.Series(residuals_of_kind(self, kind), index=self.model.frame.index, name="residual")

    def influence(self, subject: str) -> pd.DataFrame:
        """Change of each coefficient when a participant is left out, Cook's distance, leverage."""
        return labelled_influence(self, subject)

    def leave_one_out(self) -> pd.DataFrame:
        """Coefficients and theta fitted again without each participant; NaN and why in `status` where that failed."""
        return leave_one_out(self)

    def jackknife(self) -> pd.DataFrame:
        """By coefficient: jackknife bias and se over the refits that succeeded, how many, and how many failed."""
        return jackknife(self)

    def icc(self, alpha: float = 0.05, visit: str = "", group: str = "") -> pd.DataFrame:
        """Each random intercept's share of the variance (at a visit, of a group): icc, se, lower, upper."""
        if visit or group:
            return intraclass_correlation_at(self, visit, group, alpha)
        return intraclass_correlations(self, alpha)

    def profile_ci(self, names: str | Sequence[str] | None = None, alpha: float = 0.05) -> pd.DataFrame:
        """Profile likelihood limits of covariance parameters, and of SDs where they are variances.

        Under REML the restricted likelihood is profiled; lme4 profiles ML. NaN: no limit among positive definite
        covariances; a lower limit of 0 is the boundary.
        """
        return profile_intervals(self, None if names is None else _names(names), alpha)

    def summary(self) -> str:
        """The fit as text."""
        from analysis.mixed.summary import summary

        return summary(self)


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
