"""Fit a linear mixed model with participant-level random effects, and say whether to believe it.

Not here: trials, visits, arms, adjusted means. A fit goes three roads, on data in a safe basis
(`random_effects_data`):

1. the likelihood of `random_effects_likelihood` is maximised over all covariances, the boundary included;
2. statsmodels' MixedLM climbs with bfgs, powell and nm until one of them is as high;
   its `converged` is only recorded;
3. Henderson's mixed-model equations are solved at the covariance found.

Reported are the numbers of the first road: beta and its covariance by generalised least squares, as lme4
reports. statsmodels' standard errors differ by definition (see `random_effects_checks`), and its variances
are only as near to the maximum as its optimiser got. The verdict is

- OK        a verified maximum inside the parameter space, and the roads agree
- BOUNDARY  the same with a singular covariance, a variance of zero or a correlation of one; it stands
- REFUSED   the data cannot carry the model (`random_effects_refusals`); nothing is estimated
- FAILED    no verified maximum, or the roads disagree by more than `AGREEMENT`; nothing is reported
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.random_effects_checks import (
    BOUNDARY,
    INTERIOR,
    Climb,
    climbs,
    mixed_model_equations,
    standard_error_gap,
    standard_errors_apart,
)
from analysis.estimators.random_effects_data import (
    RefusedFitError,
    Scaled,
    complete_rows,
    rescale,
)
from analysis.estimators.random_effects_likelihood import Maximum, Reduced, maximise, profile, reduce_groups
from analysis.estimators.random_effects_refusals import refusal, refusal_of_perfect_fit
from analysis.estimators.random_effects_result import (
    Attempt,
    FitStatus,
    Method,
    RandomEffectsFit,
    read_only,
    without_estimates,
)

__all__ = ["INDEPENDENT", "Attempt", "FitStatus", "Method", "RandomEffectsFit", "fit_random_effects"]

REACHED = 1e-7  # an optimiser this near to the verified log-likelihood has found the maximum
AGREEMENT = 1e-6  # standard errors, or relative, between the first road and the third; rounding gives 1e-9
STATSMODELS_AGREEMENT = 1e-3  # standard errors; 1e-14 at ordinary variances, 5e-6 at a variance ratio of 1e10
INDEPENDENT = "independent search"


def fit_random_effects(
    outcome: npt.ArrayLike,
    design: pd.DataFrame,
    groups: npt.ArrayLike,
    random_design: pd.DataFrame | None = None,
    *,
    method: Method = "reml",
) -> RandomEffectsFit:
    """Fit outcome (n,) = design (n, c) beta + random_design (n, q) b[groups] + residual, rows in one order.

    The random design is an intercept if not given. Trouble with the data is a status and a reason, never an
    exception.

    Raises:
        ValueError: the arguments differ in length, or the design names a column twice.
    """
    intercept = pd.DataFrame({"(Intercept)": np.ones(len(design))})
    random = intercept if random_design is None else random_design
    _check_arguments(outcome, design, groups, random)
    try:
        rows = complete_rows(outcome, design, groups, random)
    except RefusedFitError as refused:
        return without_estimates(FitStatus.REFUSED, str(refused), design, method)
    if reason := refusal(rows):
        return without_estimates(FitStatus.REFUSED, reason, design, method, rows)
    scaled = rescale(rows)
    reduced = reduce_groups(scaled, reml=method == "reml")
    residual_sd = reduced.residual_sd * scaled.scale
    if reason := refusal_of_perfect_fit(rows, scaled.scale, reduced.residual_df, residual_sd):
        return without_estimates(FitStatus.REFUSED, reason, design, method, rows)
    empty = without_estimates(FitStatus.FAILED, "", design, method, rows)
    with np.errstate(all="ignore"):  # a line search may try absurd variances; what is not finite fails below
        found, attempts = _climb(scaled, reduced)
        fit = _compared(_in_data_units(scaled, found, attempts, empty), scaled, found)
    if reason := _failure(fit, found):
        return replace(empty, reason=reason, attempts=attempts)
    status, reason = _verdict(fit.random_terms, found)
    return replace(fit, status=status, reason=reason)


def _check_arguments(
    outcome: npt.ArrayLike, design: pd.DataFrame, groups: npt.ArrayLike, random: pd.DataFrame
) -> None:
    lengths = {len(np.asarray(outcome)), len(design), len(np.asarray(groups, dtype=object)), len(random)}
    if len(lengths) > 1:
        raise ValueError(f"outcome, design, groups and random_design have {sorted(lengths)} rows")
    if not design.columns.is_unique:
        raise ValueError(
            f"design columns {sorted(set(design.columns[design.columns.duplicated()]))} are named twice"
        )


def _climb(scaled: Scaled, reduced: Reduced) -> tuple[Maximum, tuple[Attempt, ...]]:
    """Find the maximum, and let statsmodels' optimisers try until one of them reaches it."""
    found = maximise(reduced)
    order = INTERIOR if found.rank == reduced.roots.shape[1] else BOUNDARY
    attempts: list[Attempt] = []
    for climb in climbs(scaled, order, reml=reduced.reml):
        attempts.append(_attempt(climb, reduced))
        if climb.factor is not None and attempts[-1].log_likelihood > found.profile.log_likelihood + REACHED:
            found = maximise(reduced, start=climb.factor)
        if attempts[-1].log_likelihood >= found.profile.log_likelihood - REACHED:
            break
    skipped = "skipped: the maximum was already reached"
    rest = [Attempt(name, np.nan, False, skipped, np.nan) for name in order[len(attempts) :]]
    shift = scaled.log_likelihood_shift(reml=reduced.reml)
    return found, tuple(replace(one, log_likelihood=one.log_likelihood + shift) for one in (*attempts, *rest))


def _attempt(climb: Climb, reduced: Reduced) -> Attempt:
    """Weigh one optimiser's answer with the likelihood of the first road."""
    if climb.factor is None or climb.beta is None:
        return Attempt(climb.optimiser, np.nan, climb.converged, climb.message, np.nan)
    here = profile(reduced, climb.factor)
    discrepancy = standard_errors_apart(climb.beta - here.beta, here.root / np.sqrt(here.residual_variance))
    return Attempt(climb.optimiser, here.log_likelihood, climb.converged, climb.message, discrepancy)


def _in_data_units(
    scaled: Scaled, found: Maximum, attempts: tuple[Attempt, ...], empty: RandomEffectsFit
) -> RandomEffectsFit:
    best = found.profile
    residual_variance = best.residual_variance * scaled.scale**2
    log_likelihood = best.log_likelihood + scaled.log_likelihood_shift(reml=empty.method == "reml")
    reached = [one.optimiser for one in attempts if one.log_likelihood >= log_likelihood - 2 * REACHED]
    return replace(
        empty,
        beta=read_only(scaled.scale * (scaled.basis @ best.beta) + scaled.origin),
        cov_beta=read_only(scaled.scale**2 * scaled.basis @ best.cov_beta @ scaled.basis.T),
        cov_random=read_only(residual_variance * scaled.random_basis @ best.omega @ scaled.random_basis.T),
        residual_variance=residual_variance,
        log_likelihood=log_likelihood,
        optimiser=reached[0] if reached else INDEPENDENT,
        attempts=attempts,
    )


def _compared(fit: RandomEffectsFit, scaled: Scaled, found: Maximum) -> RandomEffectsFit:
    """Hold the fit against Henderson's equations at the same covariance."""
    best = found.profile
    root = best.root / np.sqrt(best.residual_variance)
    other = mixed_model_equations(scaled, best.factor, reml=fit.method == "reml")
    return replace(
        fit,
        gls_discrepancy=standard_errors_apart(other.beta - best.beta, root),
        se_discrepancy=standard_error_gap(other.cov_beta, root),
        log_likelihood_discrepancy=abs(other.log_likelihood - best.log_likelihood),
    )


def _failure(fit: RandomEffectsFit, found: Maximum) -> str:
    """Return why the fit is not to be believed, or nothing."""
    if not found.verified:
        return "No maximum of the likelihood was verified: at the best point found it is still rising."
    apart = np.array([fit.gls_discrepancy, fit.se_discrepancy, fit.log_likelihood_discrepancy])
    if not (apart <= AGREEMENT).all():  # NaN is no agreement
        return (
            f"Two computations disagree: fixed effects by {fit.gls_discrepancy:.1e} standard errors, "
            f"standard errors by {fit.se_discrepancy:.1e}, "
            f"log-likelihood by {fit.log_likelihood_discrepancy:.1e}."
        )
    used = [one for one in fit.attempts if one.optimiser == fit.optimiser]
    interior = found.rank == len(fit.random_terms)
    if interior and used and used[0].discrepancy > STATSMODELS_AGREEMENT:
        return f"statsmodels' fixed effects differ by {used[0].discrepancy:.1e} standard errors."
    return ""


def _verdict(random_terms: tuple[str, ...], found: Maximum) -> tuple[FitStatus, str]:
    """Return OK, or BOUNDARY and what is singular about the covariance."""
    named = ", ".join(random_terms)
    if found.rank == len(random_terms):
        return FitStatus.OK, ""
    if found.rank == 0:
        return FitStatus.BOUNDARY, (
            f"The variance between groups ({named}) is estimated at zero; "
            "the fixed effects are those of ordinary least squares."
        )
    return FitStatus.BOUNDARY, (
        f"The covariance of the random effects ({named}) has rank {found.rank}: "
        "a variance is zero or a correlation is 1; the fixed effects stand."
    )
