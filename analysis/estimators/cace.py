"""The effect in those who comply: two-stage least squares, arm as the instrument of an adequate dose.

Not here: who attended how often (analysis.derive.sessions). Source: Angrist, Imbens and Rubin (1996).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, empty_arms, not_estimated
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
WEAK = 10.0  # first-stage F below which the estimate is biased and its limits too narrow (Staiger and Stock 1997)
METHOD = "two-stage least squares, arm as instrument, heteroscedasticity-robust standard error"


@dataclass(frozen=True, slots=True)
class Complied:
    """The effect of complying, of being allocated, and how well allocation predicts complying."""

    cace: float
    robust_se: float
    classical_se: float
    itt: float
    itt_se: float
    first_stage_f: float
    df: float  # residual


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return compliance by arm, the effect as allocated, the first-stage F, and the effect in compliers.

    A participant complies who attended at least `minimum_sessions`. All at the estimand's visit.

    Args:
        analysis_set: One row per participant and visit, with `sessions_attended`.
        trial: The trial.
        analysis: The declared analysis.
    """
    design = single_visit_design(analysis_set, trial, analysis)
    common = common_row(trial, analysis, design, METHOD)
    if reason := empty_arms(design):
        return not_estimated(design, design.visits, common, "not estimable", reason)
    if not trial.forms_of("sessions"):
        reason = "the plan has no form of kind sessions: nobody's dose is known"
        return not_estimated(design, design.visits, common, "not estimable", reason)
    complied = (design.rows["sessions_attended"] >= (analysis.minimum_sessions or 1)).astype("float64")
    compliance = list(_compliance(design, complied, common, analysis))
    compared = [
        row for arm in design.arms[1:] for row in _of_arm(design, complied, arm, common, (trial, analysis))
    ]
    return [*compliance, *compared]


def two_stage(outcome: Array, complied: Array, allocated: Array, exogenous: Array) -> Complied:
    """Return two-stage least squares, with small-sample standard errors.

    Args:
        outcome: (n,).
        complied: (n,) 1 or 0.
        allocated: (n,) 1 or 0.
        exogenous: (n, p) constant and covariates, of full rank.
    """
    from linearmodels.iv import IV2SLS

    model = IV2SLS(outcome, exogenous, complied, allocated)
    robust: Any = model.fit(cov_type="robust", debiased=True)
    classical: Any = model.fit(cov_type="unadjusted", debiased=True)
    everything = np.column_stack([exogenous, allocated])
    direct: Any = IV2SLS(outcome, everything, None, None).fit(cov_type="robust", debiased=True)
    return Complied(
        cace=float(robust.params.iloc[-1]),
        robust_se=float(robust.std_errors.iloc[-1]),
        classical_se=float(classical.std_errors.iloc[-1]),
        itt=float(direct.params.iloc[-1]),
        itt_se=float(direct.std_errors.iloc[-1]),
        first_stage_f=float(classical.first_stage.diagnostics["f.stat"].iloc[0]),
        df=float(robust.df_resid),
    )


def _compliance(
    design: Design, complied: pd.Series, common: Statistic, analysis: Analysis
) -> Iterator[Statistic]:
    for arm in design.arms:
        here = complied[design.rows["arm"] == arm]
        shared = replace(
            common, visit=design.visits[0], arm=arm, n=len(here), n_observations=len(here), unit="",
            at=f"at least {analysis.minimum_sessions} sessions", method="observed, of those analysed",
        )  # fmt: skip
        yield replace(shared, statistic="count", value=float(here.sum()))
        yield replace(shared, statistic="percent", value=100 * float(here.mean()), unit="%")


def _of_arm(
    design: Design, complied: pd.Series, arm: str, common: Statistic, plan: tuple[Trial, Analysis]
) -> Iterator[Statistic]:
    trial, analysis = plan
    here = design.rows["arm"].isin([arm, design.arms[0]]).to_numpy()
    rows = design.rows[here]
    allocated: Array = np.asarray(rows["arm"] == arm, dtype="float64")
    taken = complied[here].to_numpy(dtype="float64")
    named = replace(
        common, visit=design.visits[0], contrast=contrast(design, arm), n=len(rows), n_observations=len(rows)
    )
    if reason := _refusal(taken, allocated):
        yield replace(named, statistic="complier average causal effect", status="refused", reason=reason)
        return
    outcome = rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype="float64")
    others = [
        name for name, term in zip(design.matrix, design.terms, strict=True) if not term[0].startswith("arm[")
    ]
    exogenous = design.matrix.loc[here, others].to_numpy(dtype="float64")
    exogenous = exogenous[:, independent_columns(exogenous)]
    if reason := _too_little(taken, allocated, exogenous):
        yield replace(named, statistic="complier average causal effect", status="refused", reason=reason)
        return
    yield from _found(two_stage(outcome, taken, allocated, exogenous), named, analysis)


def _refusal(complied: Array, allocated: Array) -> str:
    """Return why there is no effect in compliers, or ""."""
    if not complied[allocated == 1].any():
        return "nobody allocated to the therapy had an adequate dose: there are no compliers to speak of"
    if complied[allocated == 1].all() and not complied[allocated == 0].any():
        return "everybody allocated to the therapy had an adequate dose: the effect in compliers is that as allocated"
    if complied[allocated == 1].mean() <= complied[allocated == 0].mean():
        return (
            "an adequate dose is no more frequent with the therapy than without: allocation is no instrument"
        )
    return ""


def _too_little(complied: Array, allocated: Array, exogenous: Array) -> str:
    """Return why the covariates leave nothing to estimate from, or ""."""
    n, p = exogenous.shape
    if n <= p + 1:
        return f"{n} participants can't estimate {p + 1} coefficients and a variance"
    for column, what in ((allocated, "arms"), (complied, "compliers from the others")):
        if len(independent_columns(np.column_stack([exogenous, column]))) == p:
            return f"the covariates tell the {what} apart: leave out those that do"
    return ""


def _found(found: Complied, named: Statistic, analysis: Analysis) -> Iterator[Statistic]:
    weak = f"weak instrument: first-stage F {found.first_stage_f:.1f}, below {WEAK:g}"
    warned = replace(named, reason=weak if found.first_stage_f < WEAK else "")
    direct = replace(named, method="least squares as allocated, heteroscedasticity-robust standard error")
    yield _with_limits(
        replace(direct, statistic="adjusted mean difference"), found.itt, found.itt_se, found.df, analysis
    )
    yield replace(warned, statistic="first-stage f", value=found.first_stage_f, df=found.df, unit="")
    yield _with_limits(
        replace(warned, statistic="complier average causal effect"),
        found.cace,
        found.robust_se,
        found.df,
        analysis,
    )


def _with_limits(row: Statistic, value: float, se: float, df: float, analysis: Analysis) -> Statistic:
    from scipy import stats

    reach = float(stats.t.ppf(0.5 + analysis.confidence / 2, df)) * se
    return replace(
        row,
        value=value,
        se=se,
        df=df,
        lower=value - reach,
        upper=value + reach,
        confidence=analysis.confidence,
        p_value=float(2 * stats.t.sf(abs(value) / se, df)),
    )
