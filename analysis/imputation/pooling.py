"""Pool estimates over imputations or resamples: Rubin's rules, jackknife, bootstrap. Not here: the analyses.

Each is a function of an Analysis; docs/methods/standard_errors_of_imputation.md says which answers which question.
"""

import numpy as np
import pandas as pd
from scipy import special

from analysis.imputation.errors import ImputationError, Refusal
from analysis.imputation.estimates import Analysis, Pooled
from analysis.mixed.arrays import Array, Mask


def rubin(analysis: Analysis, *, alpha: float = 0.05) -> Pooled:
    """Rubin's rules with Barnard and Rubin's degrees of freedom  [SEI-1], [SEI-2], [SEI-3].

    `mc_se` is the Monte-Carlo standard error of the pooled estimate: what another seed may change.

    Raises:
        ImputationError: fewer than two imputations, or an analysis without standard errors.
    """
    n_sets = len(analysis.estimate)
    if n_sets < 2:
        raise ImputationError("Rubin's rules need several imputations.", [_too_few(n_sets)])
    if analysis.se is None or analysis.df is None:
        refusal = Refusal("analysis", "estimates without standard errors", "a standard error and df of each")
        raise ImputationError("Rubin's rules need standard errors.", [refusal])
    within, between = (analysis.se**2).mean(0), analysis.estimate.var(0, ddof=1)
    total = within + (1.0 + 1.0 / n_sets) * between
    df = barnard_rubin(analysis.df.mean(0), between, total, n_sets)
    extra = {"mc_se": np.sqrt(between / n_sets), "within": within, "between": between}
    estimate = analysis.estimate.mean(0)
    return Pooled(_table(analysis, estimate, np.sqrt(total), df, alpha, extra), "rubin", n_sets)


def _too_few(n_sets: int) -> Refusal:
    return Refusal("m", str(n_sets), "at least 2 imputations: their spread is part of the standard error")


def barnard_rubin(complete_df: Array, between: Array, total: Array, n_sets: int) -> Array:
    """Degrees of freedom  [SEI-3]; infinite complete-data df give Rubin's own."""
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = np.where(total > 0, (1.0 + 1.0 / n_sets) * between / total, 0.0)
        old = (n_sets - 1.0) / lost**2
        observed = (complete_df + 1.0) / (complete_df + 3.0) * complete_df * (1.0 - lost)
        both = 1.0 / (1.0 / old + 1.0 / observed)
    df: Array = np.where(np.isfinite(complete_df), both, old)
    return df


def jackknife(full: Analysis, left_out: Analysis, is_found: Mask, *, alpha: float = 0.05) -> Pooled:
    """Variance (g - 1) / g times the sum of squares about the mean, normal limits  [SEI-5].

    Refits that failed are left out, and counted.

    Raises:
        ImputationError: fewer than two refits succeeded.
    """
    is_found = is_found & np.isfinite(left_out.estimate).all(1)
    estimates = left_out.estimate[is_found]
    g = len(estimates)
    if g < 2:
        raise ImputationError(
            "The jackknife has too little to go on.", [_too_few_refits(g, "units left out")]
        )
    variance = (g - 1.0) / g * ((estimates - estimates.mean(0)) ** 2).sum(0)
    estimate = full.estimate[0]
    table = _table(full, estimate, np.sqrt(variance), np.full(len(estimate), np.inf), alpha, {})
    return Pooled(table, "jackknife", g, int((~is_found).sum()))


def bootstrap(full: Analysis, again: Analysis, n_failed: int, *, alpha: float = 0.05) -> Pooled:
    """Standard deviation over bootstrap samples, normal limits; percentile limits beside them  [SEI-6]."""
    is_found = np.isfinite(again.estimate).all(1)
    estimates, n_failed = again.estimate[is_found], n_failed + int((~is_found).sum())
    b = len(estimates)
    if b < 2:
        raise ImputationError(
            "The bootstrap has too little to go on.", [_too_few_refits(b, "bootstrap samples")]
        )
    estimate, se = full.estimate[0], estimates.std(0, ddof=1)
    low, high = np.quantile(estimates, [alpha / 2, 1 - alpha / 2], axis=0, method="weibull")
    below, above = (estimates < 0).sum(0), (estimates > 0).sum(0)
    p = np.minimum(2.0 * (np.minimum(below, above) + 1) / (b + 1), 1.0)
    extra = {"lower_percentile": low, "upper_percentile": high, "p_percentile": p}
    return Pooled(
        _table(full, estimate, se, np.full(len(se), np.inf), alpha, extra), "bootstrap", b, n_failed
    )


def _too_few_refits(n: int, what: str) -> Refusal:
    return Refusal(
        "resampling", f"{n} {what} with a fit that converged", "at least 2", "Choose a simpler covariance."
    )


def _table(  # noqa: PLR0913, PLR0917
    analysis: Analysis, estimate: Array, se: Array, df: Array, alpha: float, extra: dict[str, Array]
) -> pd.DataFrame:
    """Rows with limits and p-values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / se
    quantile = np.where(np.isinf(df), special.ndtri(1 - alpha / 2), _t_quantile(df, alpha))
    p = np.where(np.isinf(df), 2.0 * special.ndtr(-np.abs(t)), 2.0 * special.stdtr(df, -np.abs(t)))
    columns = {
        "what": [row.what for row in analysis.rows], "visit": [row.visit for row in analysis.rows],
        "contrast": [row.label for row in analysis.rows], "arm": [row.arm for row in analysis.rows],
        "estimate": estimate, "se": se, "df": df,
        "lower": estimate - quantile * se, "upper": estimate + quantile * se, "p": p,
    }  # fmt: skip
    return pd.DataFrame({**columns, **extra})


def _t_quantile(df: Array, alpha: float) -> Array:
    finite = np.where(np.isinf(df), 1.0, df)
    quantile: Array = special.stdtrit(finite, 1 - alpha / 2)
    return quantile
