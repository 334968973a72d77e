"""Contrasts of the fixed effects as rows: read, and held against what the design can estimate."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.errors import BadDataError
from analysis.mixed.inference import Fitted, Method
from analysis.mixed.rotation import Rotation

ESTIMABLE = 1e-7


def contrast_rows(names: list[str], contrasts: Array | Mapping[str, float] | pd.DataFrame) -> Array:
    """Rows (k, P) from rows, a mapping of terms to weights, or a frame with terms as columns."""
    if isinstance(contrasts, pd.DataFrame):
        frame = contrasts
    elif isinstance(contrasts, Mapping):
        frame = pd.DataFrame([dict(contrasts)])
    else:
        rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
        if rows.shape[1] != len(names):
            raise BadDataError(
                f"contrasts have {rows.shape[1]} columns, but the model has {len(names)} terms"
            )
        return rows
    unknown = [str(name) for name in frame.columns if name not in names]
    if unknown:
        raise BadDataError(f"unknown term {unknown[0]!r} in a contrast; the terms are {', '.join(names)}")
    return frame.reindex(columns=names, fill_value=0.0).to_numpy(dtype=float)


def estimable(rotation: Rotation, rows: Array) -> tuple[Array, Mask]:
    """Rows over the kept columns, and whether each is a combination of rows of the design  [MMRM-23]."""
    kept = rows[:, rotation.kept]
    gap = rows[:, rotation.dropped] - kept @ rotation.dropped_by_kept
    size = 1.0 + np.abs(rows).max(1, initial=0.0)
    return kept, (np.abs(gap).max(1, initial=0.0) <= ESTIMABLE * size)


def tested(fitted: Fitted, method: Method, kept: Array, testable: Mask, alpha: float) -> pd.DataFrame:
    """A t test per row over the kept columns; NaN where it is not estimable."""
    estimate, se, df = np.full((3, len(kept)), np.nan)
    if testable.any():
        own = kept[testable]
        turned = fitted.turned(own)
        variance = np.einsum("kp,pr,kr->k", turned, method.covariance, turned)
        estimate[testable] = fitted.estimates(own)
        se[testable] = np.sqrt(variance) * fitted.unit
        df[testable] = method.df(own)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / se
    reach = stdtrit(df, 1.0 - alpha / 2.0) * se
    p = 2.0 * stdtr(df, -np.abs(t))
    columns = [estimate, se, df, t, p, estimate - reach, estimate + reach]
    return pd.DataFrame(
        np.column_stack(columns), columns=["estimate", "se", "df", "t", "p", "lower", "upper"]
    )


def adjusted(p: pd.Series, method: str) -> Array:
    """P values adjusted for multiplicity by statsmodels; NaN stays NaN and does not count."""
    from statsmodels.stats.multitest import multipletests

    found, given = np.full(len(p), np.nan), p.notna().to_numpy()
    if given.any():
        found[given] = multipletests(p[given], method=method)[1]
    return found
