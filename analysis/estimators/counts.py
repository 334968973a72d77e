"""Compare rates of events: negative binomial regression with the time followed as exposure. Not here: counting.

The variance is mean + dispersion × mean² (NB2). Where the dispersion is zero the model is Poisson's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, not_comparable, not_estimated
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.limits import ratio_row
from analysis.estimators.observed import analysed_arms, person_time
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
NEGATIVE_BINOMIAL = "negative binomial regression, maximum likelihood; of events: time followed as exposure"
POISSON = "Poisson regression, maximum likelihood; of events: time followed as exposure"
NO_DISPERSION = "no dispersion beyond Poisson's: its model is used"
SMALL = 1e-6  # dispersion below which the model is Poisson's
FAR = 18.0  # between two participants' log means, beyond which a rate runs to zero: there is no maximum
UNSEEN = (
    1e-3  # share that a dispersion may add to the largest variance where the two models can't be told apart
)
AT_MAXIMUM = (
    1e-5  # standard errors that the next step would move: no digit shown changes, as they are shown to 1e-2
)


@dataclass(frozen=True, slots=True, eq=False)
class CountFit:
    """Log rates per day by the design's columns that can be told apart."""

    columns: tuple[str, ...]  # (p,)
    beta: Array  # (p,)
    cov_beta: Array  # (p, p)
    dispersion: float
    log_likelihood: float


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return events and observed rates by arm, and the rate ratio against the reference arm.

    Args:
        analysis_set: One row per participant and visit, with `<outcome>`, and `<outcome>_days` for a count of events.
        trial: The trial.
        analysis: The declared analysis of a count: of events over the time followed, or of a column at a visit.
    """
    outcome = trial.estimands[analysis.estimand].outcome
    is_event = bool(trial.outcomes[outcome].event)
    known = analysis_set[analysis_set[f"{outcome}_days"] > 0] if is_event else analysis_set
    design = single_visit_design(known, trial, analysis)
    visit = "" if is_event else design.visits[0]
    common = replace(common_row(trial, analysis, design, NEGATIVE_BINOMIAL), visit=visit)
    counts = design.rows[outcome].to_numpy(dtype="float64")
    if (counts < 0).any() or (counts != np.round(counts)).any():
        reason = "values that are no counts: whole numbers from zero on are"
        return not_estimated(design, (visit,), common, "refused", reason)
    days = exposure(design.rows, outcome, is_event=is_event)
    observed = list(_observed(counts, days, design, common))
    if reason := not_comparable(design):
        return [*observed, *not_estimated(design, (visit,), common, "not estimable", reason)]
    empty = [arm for arm in design.arms if not counts[(design.rows["arm"] == arm).to_numpy()].any()]
    if empty:
        reason = f"no event in {design.named(empty)}: a ratio of rates has no finite estimate"
        return [*observed, *_no_ratio(design, common, reason)]
    fit = fit_counts(counts, days, design.matrix)
    if fit is None:
        return [*observed, *_no_ratio(design, common, why_no_fit(counts, design.matrix))]
    return [*observed, *_ratios(fit, design, common, analysis)]


def exposure(rows: pd.DataFrame, outcome: str, *, is_event: bool) -> Array:
    """Return over what each count was made: the days followed, or one visit."""
    return rows[f"{outcome}_days"].to_numpy(dtype="float64") if is_event else np.ones(len(rows))


def fit_counts(counts: Array, days: Array, design: pd.DataFrame) -> CountFit | None:
    """Return the negative binomial fit, Poisson's where there is no dispersion, or None where neither converges.

    Args:
        counts: (n,) events.
        days: (n,) followed, above zero.
        design: (n, p) columns; those that are combinations of earlier ones are left out.
    """
    matrix = design.to_numpy(dtype="float64")
    kept = independent_columns(matrix)
    columns, matrix = tuple(str(name) for name in design.columns[kept]), matrix[:, kept]
    poisson = _fitted("poisson", counts, matrix, np.log(days), None)
    if poisson is None:
        return None
    found: Any = poisson
    # Without dispersion the search runs towards zero, where gamma functions take minutes and tell nothing.
    if _dispersion_by_moments(counts, np.exp(matrix @ poisson.params) * days) > 0:
        found = _negative_binomial(counts, matrix, np.log(days), poisson)
    if found is None:
        return None
    if found is poisson or found.llf <= poisson.llf:
        return CountFit(
            columns, np.asarray(poisson.params), np.asarray(poisson.cov_params()), 0.0, float(poisson.llf)
        )
    covariance = np.asarray(found.cov_params())[:-1, :-1]
    return CountFit(
        columns, np.asarray(found.params)[:-1], covariance, float(found.params[-1]), float(found.llf)
    )


def why_no_fit(counts: Array, design: pd.DataFrame) -> str:
    """Return why a model of events was not fitted: too few where those with one can't tell the terms apart.

    Args:
        counts: (n,) events; 1 and 0 of a time to one.
        design: (n, p) columns.
    """
    matrix = design.to_numpy(dtype="float64")
    matrix = matrix[:, independent_columns(matrix)]
    # Only then can a rate run to zero at no cost: with full rank there, Poisson's likelihood has its maximum.
    few = len(independent_columns(matrix[counts > 0])) < matrix.shape[1]
    return f"the model did not converge{': too few events for its terms' if few else ''}"


def _dispersion_by_moments(counts: Array, mean: Array) -> float:
    """Return the dispersion that the residuals show; above zero, Poisson's errors would be too small.

    Its sign is that of the likelihood's slope as the dispersion leaves zero.
    """
    return float(((counts - mean) ** 2 - counts).sum() / (mean**2).sum())


def _negative_binomial(counts: Array, matrix: Array, offset: Array, poisson: Any) -> Any:
    """Return the fit; Poisson's where the dispersion found adds nothing that shows; None where it is not found."""
    mean = np.exp(matrix @ poisson.params + offset)
    for start in (
        0.5,
        _dispersion_by_moments(counts, mean),
    ):  # from afar the search may step over the maximum
        near = _searched(counts, matrix, offset, np.append(np.asarray(poisson.params), start))
        if near is None or near[-1] < SMALL:
            continue
        fit = _fitted("negative binomial", counts, matrix, offset, near)
        if fit is not None:
            return fit
        # Close to zero rounding in the gamma functions hides the maximum, where the models are one in effect.
        return poisson if near[-1] * mean.max() < UNSEEN else None
    return None if near is None else poisson


def _searched(counts: Array, matrix: Array, offset: Array, start: Array) -> Array | None:
    """Return coefficients and dispersion (p + 1,) near the maximum, searched on the dispersion's logarithm."""
    import warnings

    from statsmodels.discrete.discrete_model import NegativeBinomial

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it ended is polished and judged afterwards
        try:
            model = NegativeBinomial(counts, matrix, offset=offset)
            near = model.fit(start_params=start, disp=0, maxiter=500, method="bfgs", gtol=1e-8)
        except (np.linalg.LinAlgError, ValueError):
            return None
    found = np.asarray(near.params, dtype=np.float64)
    return found if np.isfinite(found).all() else None


def _fitted(kind: str, counts: Array, matrix: Array, offset: Array, start: Array | None) -> Any:
    """Return statsmodels' fit by Newton's method, or None where it is not at a maximum."""
    import warnings

    from statsmodels.discrete.discrete_model import NegativeBinomial, Poisson

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its verdict is read from the result
        try:
            if kind == "poisson":
                fit = Poisson(counts, matrix, offset=offset).fit(disp=0, maxiter=200, method="newton")
            else:
                model = NegativeBinomial(counts, matrix, offset=offset)
                fit = model.fit(start_params=start, disp=0, maxiter=100, method="newton", tol=1e-12)
            linear = matrix @ np.asarray(fit.params)[: matrix.shape[1]] + offset
            usable = np.isfinite(fit.bse).all() and np.ptp(linear) < FAR and _is_at_maximum(fit)
        except (np.linalg.LinAlgError, ValueError):
            return None
    return fit if usable else None


def _is_at_maximum(fit: Any) -> bool:
    """Return whether the gradient, measured in standard errors of the estimates, is nothing.

    statsmodels asks instead that the last step was below its `tol`, which rounding may keep it from for ever.
    """
    gradient = np.asarray(fit.model.score(fit.params))
    return bool(0 <= gradient @ np.asarray(fit.cov_params()) @ gradient < AT_MAXIMUM**2)


def _observed(counts: Array, days: Array, design: Design, common: Statistic) -> Iterator[Statistic]:
    for shared, here in analysed_arms(design, common):
        yield replace(shared, statistic="total", value=float(counts[here].sum()))
        yield replace(shared, statistic="count", value=float((counts[here] > 0).sum()), unit="participants")
        if not common.visit:
            yield from person_time(counts[here], days[here], shared)
        else:
            yield replace(shared, statistic="mean", value=float(counts[here].mean()))


def _no_ratio(design: Design, common: Statistic, reason: str) -> list[Statistic]:
    row = replace(common, statistic="rate ratio", status="not estimable", reason=reason, unit="")
    return [replace(row, contrast=contrast(design, arm)) for arm in design.arms[1:]]


def _ratios(fit: CountFit, design: Design, common: Statistic, analysis: Analysis) -> Iterator[Statistic]:
    method = NEGATIVE_BINOMIAL if fit.dispersion else POISSON
    shared = replace(common, method=method, unit="", reason="" if fit.dispersion else NO_DISPERSION)
    for arm in design.arms[1:]:
        place = fit.columns.index(f"arm[{arm}]")
        row = replace(shared, statistic="rate ratio", contrast=contrast(design, arm))
        se = float(np.sqrt(fit.cov_beta[place, place]))
        yield ratio_row(row, float(fit.beta[place]), se, analysis.confidence)
    yield replace(shared, statistic="dispersion", value=fit.dispersion)
    yield replace(shared, statistic="log-likelihood", value=fit.log_likelihood)
