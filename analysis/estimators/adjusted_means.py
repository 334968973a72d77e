"""Adjusted means and their differences: linear combinations of fixed effects, with limits and p-values.

Not here: which combination stands for an arm at a visit (design), and fitting. A combination is estimable
when it lies in the row space of the design: where a dropped column is a combination of kept ones, it must
weigh that column by the same combination of its other weights. So an empty cell has no mean, while the mean
at consistent values of two collinear covariates has one, whichever of them was dropped.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

OUTSIDE_ROW_SPACE = 1e-8  # share of the weights; collinear columns agree to 1e-10


class EstimatedEffects(Protocol):
    """Fixed effects of any fit."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The design as given, (c,)."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Columns that were estimated, (p,)."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns that are combinations of the terms, (d,)."""

    @property
    def aliases(self) -> Array:
        """Each dropped column as a combination of the terms, (d, p)."""

    @property
    def beta(self) -> Array:
        """Estimates, (p,)."""

    @property
    def cov_beta(self) -> Array:
        """Their covariance, (p, p)."""


@dataclass(frozen=True, slots=True, eq=False)
class Combinations:
    """Estimates of k linear combinations; NaN where there is a reason."""

    estimate: Array  # (k,)
    se: Array  # (k,)
    df: Array  # (k,) infinite for the normal distribution
    lower: Array  # (k,)
    upper: Array  # (k,)
    p_value: Array  # (k,) two-sided, of the hypothesis that the combination is zero
    reasons: tuple[str, ...]  # (k,) why it is not estimable, empty where it is


def linear_combination(
    effects: EstimatedEffects, weights: Array, *, df: float | Array | None = None, confidence: float = 0.95
) -> Combinations:
    """Estimate combinations of the design's columns, by Student's t or, without `df`, the normal.

    Args:
        effects: A fit.
        weights: (k, c) one row per combination, one column per column of the design as given.
        df: Degrees of freedom, one for all or (k,).
        confidence: Level of the two-sided limits.

    Raises:
        ValueError: the weights don't have one column per column of the design.
    """
    from scipy import stats

    if weights.ndim != 2 or weights.shape[1] != len(effects.columns):
        raise ValueError(f"weights have shape {weights.shape}, expected (k, {len(effects.columns)})")
    reasons = tuple(_reason(effects, row) for row in weights)
    usable = np.array([not reason for reason in reasons], dtype=np.bool_)
    kept = np.where(usable[:, None], weights[:, _places(effects, effects.terms)], np.nan)
    estimate = np.where(usable, kept @ effects.beta, np.nan)
    se = np.where(usable, np.sqrt(np.einsum("kp,pr,kr->k", kept, effects.cov_beta, kept)), np.nan)
    freedom = np.where(usable, np.inf if df is None else df, np.nan)
    statistic = np.divide(np.abs(estimate), se, out=np.full_like(se, np.nan), where=se > 0)
    half = se * stats.t.ppf(0.5 + confidence / 2, freedom)
    p_value = 2 * stats.t.sf(statistic, freedom)
    return Combinations(estimate, se, freedom, estimate - half, estimate + half, p_value, reasons)


def _places(effects: EstimatedEffects, names: tuple[str, ...]) -> list[int]:
    return [effects.columns.index(name) for name in names]


def _reason(effects: EstimatedEffects, row: Array) -> str:
    """Return why one combination has no estimate, or nothing."""
    if (
        len(effects.terms) + len(effects.dropped) != len(effects.columns)
        or not np.isfinite(effects.beta).all()
    ):
        return "The model has no estimates."
    if missing := [
        name for name, weight in zip(effects.columns, row, strict=True) if not np.isfinite(weight)
    ]:
        return f"The combination has no weight for {', '.join(missing)}."
    kept, gone = row[_places(effects, effects.terms)], row[_places(effects, effects.dropped)]
    implied = effects.aliases @ kept
    allowed = OUTSIDE_ROW_SPACE * (np.abs(gone) + np.abs(effects.aliases) @ np.abs(kept))
    if outside := [
        n for n, off in zip(effects.dropped, np.abs(gone - implied) > allowed, strict=True) if off
    ]:
        return f"The data cannot tell {', '.join(outside)} from other columns; the combination needs it."
    return ""
