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
        reason = f"no event in arm {', '.join(empty)}: a ratio of rates has no finite estimate"
        return [*observed, *_no_ratio(design, common, reason)]
    fit = fit_counts(counts, days, design.matrix)
    if fit is None:
        return [
            *observed,
            *_no_ratio(design, common, "the model did not converge: too few events for its terms"),
        ]
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
    start = np.append(np.asarray(poisson.params), 0.5)
    is_dispersed = _is_dispersed(counts, np.exp(matrix @ poisson.params) * days)
    # Without dispersion the search runs towards zero, where gamma functions take minutes and tell nothing.
    found = _fitted("negative binomial", counts, matrix, np.log(days), start) if is_dispersed else None
    if found is None and is_dispersed:
        return None
    if found is None or float(found.params[-1]) < SMALL or found.llf <= poisson.llf:
        return CountFit(
            columns, np.asarray(poisson.params), np.asarray(poisson.cov_params()), 0.0, float(poisson.llf)
        )
    covariance = np.asarray(found.cov_params())[:-1, :-1]
    return CountFit(
        columns, np.asarray(found.params)[:-1], covariance, float(found.params[-1]), float(found.llf)
    )


def _is_dispersed(counts: Array, mean: Array) -> bool:
    """Return whether the likelihood rises as the dispersion leaves zero: Poisson's errors would be too small."""
    return bool(((counts - mean) ** 2 - counts).sum() > 0)


def _fitted(kind: str, counts: Array, matrix: Array, offset: Array, start: Array | None) -> Any:
    """Return statsmodels' fit, or None where it did not converge."""
    import warnings

    from statsmodels.discrete.discrete_model import NegativeBinomial, Poisson

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its verdict is read from the result
        try:
            if kind == "poisson":
                fit = Poisson(counts, matrix, offset=offset).fit(disp=0, maxiter=200, method="newton")
            else:
                model = NegativeBinomial(counts, matrix, offset=offset)
                near = model.fit(start_params=start, disp=0, maxiter=500, method="bfgs", gtol=1e-8)
                if near.params[-1] < SMALL:
                    return None
                fit = model.fit(start_params=near.params, disp=0, maxiter=100, method="newton", tol=1e-12)
        except (np.linalg.LinAlgError, ValueError):
            return None
    usable = fit.mle_retvals["converged"] and np.isfinite(fit.bse).all() and np.abs(fit.params).max() < 30
    return fit if usable else None


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
