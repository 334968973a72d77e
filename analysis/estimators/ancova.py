"""Analysis of covariance at one visit, by ordinary least squares in statsmodels: the cross-check.

Not here: repeated measures (lmm).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.adjusted_means import linear_combination
from analysis.estimators.comparison import Comparison, common_row, empty_arms, not_estimated
from analysis.estimators.design import Design, single_visit_design
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
METHOD = "analysis of covariance, ordinary least squares"


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """An ordinary least-squares fit on the columns that can be estimated."""

    columns: tuple[str, ...]  # (c,) the design as given
    terms: tuple[str, ...]  # (p,)
    dropped: tuple[str, ...]  # (d,)
    aliases: Array  # (d, p) each dropped column as a combination of the kept ones
    beta: Array  # (p,)
    cov_beta: Array  # (p, p)
    residual_variance: float
    df: float


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return adjusted means by arm and their differences at the estimand's visit.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis.
    """
    design = single_visit_design(analysis_set, trial, analysis)
    common = common_row(trial, analysis, design, METHOD)
    if reason := empty_arms(design):
        return not_estimated(design, design.visits, common, "not estimable", reason)
    outcome = design.rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype="float64")
    if reason := _refusal(outcome, design):
        return not_estimated(design, design.visits, common, "refused", reason)
    return list(_rows(design, fit_least_squares(outcome, design.matrix), common, analysis))


def fit_least_squares(outcome: Array, design: pd.DataFrame) -> LeastSquares:
    """Return the least-squares fit on the columns that are no combination of earlier ones.

    Args:
        outcome: (n,) finite.
        design: (n, p) finite.
    """
    from statsmodels.regression.linear_model import OLS

    matrix = design.to_numpy(dtype="float64")
    kept = independent_columns(matrix)
    gone = [j for j in range(matrix.shape[1]) if j not in kept]
    fit = OLS(outcome, matrix[:, kept]).fit(method="qr")
    return LeastSquares(
        columns=tuple(design.columns),
        terms=tuple(design.columns[kept]),
        dropped=tuple(design.columns[gone]),
        aliases=np.linalg.lstsq(matrix[:, kept], matrix[:, gone], rcond=None)[0].T,
        beta=np.asarray(fit.params),
        cov_beta=np.asarray(fit.cov_params()),
        residual_variance=float(fit.scale),
        df=float(fit.df_resid),
    )


def _refusal(outcome: Array, design: Design) -> str:
    n, p = design.matrix.shape
    if not np.isfinite(outcome).all() or not np.isfinite(design.matrix.to_numpy()).all():
        return "the outcome or a covariate holds an infinite value"
    if n <= p:
        return f"{n} observations can't estimate {p} coefficients and a variance"
    if np.ptp(outcome) == 0:
        return "the outcome is constant"
    return ""


def _rows(design: Design, fit: LeastSquares, common: Statistic, analysis: Analysis) -> Iterator[Statistic]:
    estimates = partial(linear_combination, fit, df=fit.df, confidence=analysis.confidence)
    yield from Comparison(design, estimates, analysis.confidence, common).rows()
    yield replace(common, statistic="residual sd", value=float(np.sqrt(fit.residual_variance)))
