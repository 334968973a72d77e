"""Compare proportions at a visit: logistic regression, marginally standardised; Firth's where a cell is empty.

Not here: what counts as a response (analysis.derive.outcomes). Source of the standardisation and its standard
errors: Ge and others (2011), covariates taken as observed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, not_comparable, not_estimated
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.firth import fit_firth, profile_limits
from analysis.estimators.limits import normal_row, ratio_row
from analysis.estimators.observed import analysed_arms
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
ML = "logistic regression, maximum likelihood, marginally standardised, delta-method standard errors"
FIRTH = "logistic regression with Firth's penalty, marginally standardised, delta-method standard errors"
CONDITIONAL = "logistic regression with Firth's penalty, conditional odds ratio, profile limits"
ALIKE = "everybody analysed has the same outcome: there is nothing to compare"
FLAG = "{why}: maximum likelihood has no finite estimate, Firth's penalty is used"


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """A fitted logistic model on the design's columns that can be told apart."""

    matrix: Array  # (n, p)
    columns: tuple[str, ...]  # (p,)
    beta: Array  # (p,)
    cov_beta: Array  # (p, p)
    flag: str  # why maximum likelihood was not used; empty where it was


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return each arm's proportion, and risk difference, risk ratio and odds ratio against the reference arm.

    All are averages over the covariates of everybody analysed, at the estimand's visit.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis of a binary outcome.
    """
    design = single_visit_design(analysis_set, trial, analysis)
    common = replace(common_row(trial, analysis, design, ML), unit="")
    outcome = design.rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype="float64")
    if not np.isin(outcome, (0, 1)).all():
        reason = "the outcome has values other than 1 (responded) and 0: recode it, or cut it with `of`"
        return not_estimated(design, design.visits, common, "refused", reason)
    observed = list(_observed(outcome, design, replace(common, visit=design.visits[0])))
    if reason := not_comparable(design) or _alike(outcome):
        return [*observed, *not_estimated(design, design.visits, common, "not estimable", reason)]
    fit = fit_logistic(outcome, design)
    named = replace(common, visit=design.visits[0], method=FIRTH if fit.flag else ML, reason=fit.flag)
    rows = [*observed, *_standardised(fit, design, named, analysis.confidence)]
    return [*rows, *_conditional(outcome, fit, design, (named, analysis))] if fit.flag else rows


def fit_logistic(outcome: Array, design: Design, had: str = "had the outcome") -> Logistic:
    """Return the maximum likelihood fit, or Firth's where an arm has an empty cell or the data are separated.

    Args:
        outcome: (n,) 1 or 0.
        design: (n, p) columns and whose rows they are.
        had: what 1 says of somebody, for the reason why Firth's penalty was used.
    """
    matrix = design.matrix.to_numpy(dtype="float64")
    kept = independent_columns(matrix)
    matrix, columns = matrix[:, kept], tuple(str(name) for name in design.matrix.columns[kept])
    why = _empty_cell(outcome, design, had)
    if not why:
        found = _maximum_likelihood(outcome, matrix)
        if found is not None:
            return Logistic(matrix, columns, *found, flag="")
        why = "the covariates separate the outcomes"
    fit = fit_firth(outcome, matrix)
    return Logistic(matrix, columns, fit.beta, fit.cov_beta, FLAG.format(why=why))


def _empty_cell(outcome: Array, design: Design, had: str) -> str:
    for arm in design.arms:
        here = outcome[(design.rows["arm"] == arm).to_numpy()]
        if here.min() == here.max():
            return f"{'nobody' if here[0] == 0 else 'everybody'} in {design.named([arm])} {had}"
    return ""


def _maximum_likelihood(outcome: Array, matrix: Array) -> tuple[Array, Array] | None:
    """Return estimates and their covariance; None where they run away."""
    import warnings

    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is told apart by its estimates
        fit = GLM(outcome, matrix, family=Binomial()).fit(tol=1e-12, maxiter=100)
    linear = matrix @ np.asarray(fit.params)
    if not fit.converged or np.abs(linear).max() > 15 or not np.isfinite(fit.cov_params()).all():
        return None
    return np.asarray(fit.params), np.asarray(fit.cov_params())


def _alike(outcome: Array) -> str:
    """Return why outcomes (n,) leave nothing to compare, or ""."""
    return "" if len(np.unique(outcome)) > 1 else ALIKE


def _observed(outcome: Array, design: Design, common: Statistic) -> Iterator[Statistic]:
    for shared, here in analysed_arms(design, common):
        yield replace(shared, statistic="count", value=float(outcome[here].sum()))
        yield replace(shared, statistic="percent", value=100 * float(outcome[here].mean()), unit="%")


def _standardised(fit: Logistic, design: Design, named: Statistic, confidence: float) -> Iterator[Statistic]:
    risks, slopes = _risks(fit, design)
    covariance = slopes @ fit.cov_beta @ slopes.T  # (arms, arms)
    for k, arm in enumerate(design.arms):
        logit = np.log(risks[k] / (1 - risks[k]))
        se = float(np.sqrt(covariance[k, k]))
        row = normal_row(
            replace(named, statistic="proportion", arm=arm),
            logit,
            se / (risks[k] * (1 - risks[k])),
            confidence,
        )
        lower, upper = _risk(row.lower), _risk(row.upper)
        yield replace(row, value=float(risks[k]), se=se, lower=lower, upper=upper, p_value=float("nan"))
    for k, arm in enumerate(design.arms[1:], start=1):
        of = replace(named, contrast=contrast(design, arm))
        yield normal_row(
            replace(of, statistic="risk difference"),
            risks[k] - risks[0],
            _se(covariance, k, 1, 1),
            confidence,
        )
        log_ratio = float(np.log(risks[k] / risks[0]))
        yield ratio_row(
            replace(of, statistic="risk ratio"),
            log_ratio,
            _se(covariance, k, 1 / risks[k], 1 / risks[0]),
            confidence,
        )
        odds = risks * (1 - risks)
        log_odds = float(np.log(risks[k] / (1 - risks[k])) - np.log(risks[0] / (1 - risks[0])))
        yield ratio_row(
            replace(of, statistic="odds ratio"),
            log_odds,
            _se(covariance, k, 1 / odds[k], 1 / odds[0]),
            confidence,
        )


def _risk(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _se(covariance: Array, k: int, own: float, other: float) -> float:
    """Return the SE of own * risk k - other * risk 0."""
    return float(
        np.sqrt(own**2 * covariance[k, k] + other**2 * covariance[0, 0] - 2 * own * other * covariance[k, 0])
    )


def _risks(fit: Logistic, design: Design) -> tuple[Array, Array]:
    """Return each arm's mean risk over all analysed, (arms,), and its slopes by the coefficients, (arms, p)."""
    risks, slopes = [], []
    for arm in design.arms:
        matrix = fit.matrix.copy()
        for place, name in enumerate(fit.columns):
            if name.startswith("arm["):
                matrix[:, place] = float(name == f"arm[{arm}]")
        chance = 1 / (1 + np.exp(-matrix @ fit.beta))
        risks.append(chance.mean())
        slopes.append((chance * (1 - chance)) @ matrix / len(matrix))
    return np.array(risks), np.array(slopes)


def _conditional(
    outcome: Array, fit: Logistic, design: Design, plan: tuple[Statistic, Analysis]
) -> Iterator[Statistic]:
    """Yield Firth's own odds ratios, whose profile limits hold where the delta method is rough."""
    named, analysis = plan
    for arm in design.arms[1:]:
        if f"arm[{arm}]" not in fit.columns:
            continue
        place = fit.columns.index(f"arm[{arm}]")
        lower, upper, p = profile_limits(outcome, fit.matrix, place, analysis.confidence)
        yield replace(
            named,
            statistic="conditional odds ratio",
            contrast=contrast(design, arm),
            method=CONDITIONAL,
            value=float(np.exp(fit.beta[place])),
            se=float(np.exp(fit.beta[place]) * np.sqrt(fit.cov_beta[place, place])),
            df=float("inf"),
            lower=float(np.exp(lower)),
            upper=float(np.exp(upper)),
            confidence=analysis.confidence,
            p_value=p,
        )
