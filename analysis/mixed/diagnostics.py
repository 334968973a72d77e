"""Residuals, the influence of single participants, likelihood-ratio tests. Nothing here changes a fit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from analysis.mixed.arrays import Array
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.gram import Pattern
from analysis.mixed.inference import Fitted

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Twice the difference of two log-likelihoods, and the chi-squared test of it."""

    statistic: float
    df: int

    @property
    def p_value(self) -> float:
        """Upper tail; conservative where a variance is tested at zero."""
        return float(chdtrc(self.df, self.statistic))


def likelihood_ratio(one: "MMRMFit", other: "MMRMFit") -> LikelihoodRatio:
    """Between nested models on the same rows; refused where the likelihoods are not comparable."""
    reml = one.fitted.likelihood.reml
    if reml != other.fitted.likelihood.reml:
        raise MeaninglessRequestError(
            "one model was fitted by REML and the other by ML: fit both by the same method"
        )
    if one.nobs != other.nobs:
        raise MeaninglessRequestError(
            f"the models use {one.nobs} and {other.nobs} observations: fit both to the same rows"
        )
    if reml and not _same_space(one, other):
        raise MeaninglessRequestError(
            "the models have different fixed effects, and restricted likelihoods of different fixed effects are not"
            " comparable: fit both with method='ml', or test the terms with f_test"
        )
    size = [fit.n_covariance_parameters + fit.model.problem.rank for fit in (one, other)]
    if size[0] == size[1]:
        raise MeaninglessRequestError(
            "the models have as many parameters as each other: neither is nested in the other"
        )
    larger, smaller = (one, other) if size[0] > size[1] else (other, one)
    return LikelihoodRatio(max(2.0 * (larger.llf - smaller.llf), 0.0), abs(size[0] - size[1]))


def _same_space(one: "MMRMFit", other: "MMRMFit") -> bool:
    """Whether two designs on the same rows have the same columns' span."""
    if one.model.formula == other.model.formula:
        return True
    a, b = (np.linalg.qr(fit.fitted.rows_needed_for("lrt").X)[0] for fit in (one, other))
    return a.shape == b.shape and bool(np.allclose(a @ (a.T @ b), b, atol=1e-6))


def residuals(fitted: Fitted) -> Array:
    """Y - X beta, in the outcome's units: (N,)."""
    rows, state = fitted.rows_needed_for("residuals"), fitted.optimum.state
    left = rows.unweighted()[:, [*range(state.rank), -1]] @ state.direction
    return np.asarray(left * fitted.unit)


def influence(fitted: Fitted) -> pd.DataFrame:
    """Per participant: change of every coefficient if left out (theta kept), Cook's distance, leverage.

    One participant's Gram is subtracted; no model is fitted again  [MMRM-24].
    """
    rows = fitted.rows_needed_for("influence")
    _independent(fitted)
    found = pd.concat([_of_pattern(fitted, rows.of(pattern), pattern) for pattern in rows.patterns])
    return found.sort_index()


def labelled_influence(fit: "MMRMFit", subject: str) -> pd.DataFrame:
    """The same with coefficients' names and a row named by each participant."""
    model = fit.model
    if subject != model.data.subject:
        raise BadDataError(f"influence is by participant: {model.data.subject!r}, not {subject!r}")
    found = influence(fit.fitted)
    names = np.array(model.design.names)[model.problem.rotation.kept]
    people = model.frame[subject].iloc[found.index].to_numpy()
    columns = [*names, "cooks_distance", "leverage"]
    return found.set_axis(columns, axis=1).set_axis(people).rename_axis(subject)


def _independent(fitted: Fitted) -> None:
    turned = fitted.rows_needed_for("influence").turned is not None
    if turned or fitted.likelihood.grams.width > fitted.optimum.state.rank + 1:
        raise MeaninglessRequestError(
            "influence leaves independent participants out, but random effects they share make them dependent"
        )


def _of_pattern(fitted: Fitted, columns: Array, pattern: Pattern) -> pd.DataFrame:
    state = fitted.optimum.state
    sigma = state.residual.covariance.value[pattern.kind][np.ix_(pattern.visits, pattern.visits)]
    whitened = np.linalg.inv(np.linalg.cholesky(sigma)) @ columns
    design, left = whitened[..., : state.rank], whitened @ state.direction
    hat = design @ state.phi @ design.swapaxes(1, 2)
    pull = np.linalg.solve(np.eye(hat.shape[-1]) - hat, left[..., None])[..., 0]
    change = -np.einsum("nmp,nm->np", design, pull) @ state.phi
    distance = np.einsum("np,pr,nr->n", change, np.linalg.inv(state.phi), change) / state.rank
    frame = pd.DataFrame(change @ fitted.back.T * fitted.unit, index=pattern.rows[:, 0])
    return frame.assign(cooks_distance=distance, leverage=np.trace(hat, axis1=1, axis2=2))
