"""What the primary model leaves over, in groups of at least ten residuals: no participant's value is told.

Not here: the model (mmrm, ancova), which is fitted again as it was (lmm by the engine's compound symmetry, the same
model), because estimators give rows and no fits.

Two scalings. By visit and by fitted value, a residual is over its own SD: of the visit, and of the group where
variances differ. For the comparison with the normal distribution a participant's residuals are multiplied by the
inverse of the Cholesky factor of their covariance, which leaves them independent if the model holds (Houseman, Ryan
and Coull 2004; nlme's "normalized"). Under random effects that participants share neither marginal scaling exists:
residuals are then given the random effects, over the residual SD.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.mixed import MMRMFit

RESIDUALS = "residuals"  # the name of this description in the results table
QUANTILE, MEDIAN, FITTED = "residual quantile", "residual median", "fitted"
FEWEST = 10  # residuals in a group
MOST_QUANTILES, MOST_GROUPS = 40, 10
Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """The residuals of a model, and how they were scaled."""

    visit: npt.NDArray[np.object_]  # (N,)
    fitted: Array  # (N,) by the fixed effects, in the outcome's unit
    standardised: Array  # (N,) over their own SD
    whitened: Array  # (N,) independent within participants
    scaling: str  # of the standardised, in words
    whitening: str


def describe_residuals(analysis_set: pd.DataFrame, trial: Trial) -> list[Statistic]:
    """Return the primary model's residuals: quantiles, and median and quartiles by fitted value and visit [MMRM-31].

    A "residual quantile" is the mean of ten or more residuals that follow each other in size; `at` is the normal
    probability of the mean normal score of their ranks (Blom 1958), so that under normality the two are equal. A
    "residual median" has the group's quartiles as its limits; `at` names the tenth of the fitted values. Where there
    are fewer than a hundred residuals, or equal fitted values, there are fewer parts than ten; they are then named
    "part 1 of 6". A visit with fewer than ten residuals is refused.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.

    Returns:
        No rows where the primary estimator has no residuals, or its model could not be fitted.
    """
    analysis = trial.primary_analysis
    route = ROUTES.get(analysis.estimator)
    found = None if route is None else route(analysis_set, trial, analysis)
    if found is None:
        return []
    unit = trial.outcomes[trial.primary.outcome].unit
    visits = tuple(v.code for v in trial.visits if (found.visit == v.code).any())
    return [*_quantiles(found), *_by_fitted(found, unit), *_by_visit(found, visits)]


def of_repeated_measures(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Residuals | None:
    """Return the residuals of the mixed model for repeated measures."""
    from analysis.estimators.design import follow_up_design
    from analysis.estimators.mmrm import fit_design

    found = fit_design(follow_up_design(analysis_set, trial, analysis), trial, analysis)
    outcome = trial.estimands[analysis.estimand].outcome
    return None if isinstance(found, list) else residuals_of_fit(found.fit, outcome, analysis.group)


def of_random_intercept(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Residuals | None:
    """Return the residuals of the random-intercept model, by the compound symmetry that it is."""
    same = {"estimator": "mmrm", "covariance": "cs", "fallback": (), "df": "residual", "random": ()}
    return of_repeated_measures(analysis_set, trial, analysis.model_copy(update=same))


def of_least_squares(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Residuals | None:
    """Return the residuals of the analysis of covariance: both scalings are over the residual SD."""
    from analysis.estimators.ancova import fit_least_squares
    from analysis.estimators.comparison import empty_arms
    from analysis.estimators.design import single_visit_design

    design = single_visit_design(analysis_set, trial, analysis)
    if empty_arms(design) or len(design.matrix) <= design.matrix.shape[1]:
        return None
    outcome = design.rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype="float64")
    fit = fit_least_squares(outcome, design.matrix)
    fitted = design.matrix[list(fit.terms)].to_numpy() @ fit.beta
    scaled = (outcome - fitted) / np.sqrt(fit.residual_variance)
    said = "residual over the residual SD"
    return Residuals(design.rows["visit"].to_numpy(dtype=object), fitted, scaled, scaled, said, said)


ROUTES: Mapping[str, Callable[[pd.DataFrame, Trial, Analysis], Residuals | None]] = {
    "mmrm": of_repeated_measures,
    "lmm": of_random_intercept,
    "ancova": of_least_squares,
}


def residuals_of_fit(fit: "MMRMFit", outcome: str, group: str = "") -> Residuals:
    """Return a fit's residuals in both scalings.

    Args:
        fit: A converged fit whose visits stand in the column "visit".
        outcome: The column of the outcome.
        group: The column by which variances differ.
    """
    from analysis.mixed import MeaninglessRequestError

    frame, marginal = fit.model.frame, fit.residuals("marginal").to_numpy()
    is_given = not fit.random_effects_variances.empty
    left = fit.residuals("conditional").to_numpy() if is_given else marginal
    given = " given the random effects" if is_given else ""
    scaling = f"residual{given} over the residual SD of its visit{f' and {group}' if group else ''}"
    standardised = left / _sds(fit, frame, group)
    try:
        whitened = fit.residuals("scaled").to_numpy()
        whitening = "residuals over the Cholesky factor of their covariance, by participant"
    except MeaninglessRequestError:
        whitened, whitening = standardised, scaling
    visit = frame["visit"].astype(str).to_numpy(dtype=object)
    fitted = frame[outcome].to_numpy(dtype="float64") - marginal
    return Residuals(visit, fitted, standardised, whitened, scaling, whitening)


def _sds(fit: "MMRMFit", frame: pd.DataFrame, group: str) -> Array:
    """Return the residual SD of each row: of its visit, in its group (N,)."""
    from analysis.estimators.covariance_ladder import frames_by_group

    visits = frame["visit"].astype(str).to_numpy()
    groups = frame[group].astype(str).to_numpy() if group else np.full(len(frame), "")
    found = np.empty(len(frame))
    for name, covariance in frames_by_group(fit.covariance).items():
        for visit, sd in zip(covariance.columns, np.sqrt(np.diag(covariance.to_numpy())), strict=True):
            found[(visits == str(visit)) & (groups == name)] = sd
    return found


def _quantiles(found: Residuals) -> Iterator[Statistic]:
    """Yield means of residuals next to each other in size, against the normal scores of the same ranks."""
    from scipy.special import ndtr, ndtri

    n = len(found.whitened)
    scores = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    parts = np.array_split(np.arange(n), min(n // FEWEST, MOST_QUANTILES)) if n >= FEWEST else []
    ordered = np.sort(found.whitened)
    method = f"{found.whitening}; mean of {FEWEST} or more next to each other in size"
    for part in parts:
        probability = float(ndtr(scores[part].mean()))
        value = float(ordered[part].mean())
        yield Statistic(
            QUANTILE, value, at=f"{probability:.6f}", unit="SD", method=method, n_observations=len(part)
        )


def _by_fitted(found: Residuals, unit: str) -> Iterator[Statistic]:
    places = fitted_groups(found.fitted)
    size = int(places.max(initial=-1)) + 1
    for k in range(size):
        here = places == k
        at = f"tenth {k + 1}" if size == MOST_GROUPS else f"part {k + 1} of {size}"
        yield replace(_middle(found, here), at=at)
        if here.sum() < FEWEST:
            return
        value = float(np.median(found.fitted[here]))
        yield Statistic(FITTED, value, at=at, unit=unit, method="median", n_observations=int(here.sum()))


def fitted_groups(fitted: Array) -> Places:
    """Return the group of each fitted value, from the lowest: tenths, or fewer parts with ten or more in each.

    Equal fitted values are in one group, so that it does not depend on the order of the rows.
    """
    parts = max(min(len(fitted) // FEWEST, MOST_GROUPS), 1)
    edges = (
        np.unique(np.quantile(fitted, np.arange(1, parts) / parts)) if len(fitted) >= FEWEST else np.array([])
    )
    places = np.searchsorted(edges, fitted, side="left")
    while len(edges) and (counts := np.bincount(places, minlength=len(edges) + 1)).min() < FEWEST:
        edges = np.delete(edges, min(int(counts.argmin()), len(edges) - 1))
        places = np.searchsorted(edges, fitted, side="left")
    return places


def _by_visit(found: Residuals, visits: tuple[str, ...]) -> Iterator[Statistic]:
    for visit in visits:
        yield replace(_middle(found, found.visit == visit), visit=visit)


def _middle(found: Residuals, here: npt.NDArray[np.bool_]) -> Statistic:
    """Return median and quartiles of a group of residuals."""
    n = int(here.sum())
    row = Statistic(
        MEDIAN, float("nan"), unit="SD", method=f"{found.scaling}; limits are quartiles", n_observations=n
    )
    if n < FEWEST:
        return replace(row, status="not estimable", reason=f"fewer than {FEWEST} residuals")
    lower, median, upper = np.quantile(found.standardised[here], (0.25, 0.5, 0.75)).tolist()
    return replace(row, value=median, lower=lower, upper=upper)
