"""Prepare the rows of a random-effects fit: complete, checked, in a basis where arithmetic is safe.

Not here: likelihoods, optimisers. Beside 0/1 indicators a design may hold 1.6e9 seconds, and an outcome an
offset of 1e12; their cross products would lose half the digits. So the fit is made in an orthonormal basis
of the design, on the residuals of ordinary least squares in units of their standard deviation, and carried
back by an exact linear map.

Letters: n observations, g groups, p estimable fixed-effect columns, d dropped ones, q random-effect
columns.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

# A column goes when this share of it or less is left by the earlier ones, as in R's lm and lme4.
COLLINEAR = 1e-7
ROUNDING = 16 * float(np.finfo(np.float64).eps)


class RefusedFitError(Exception):
    """The data cannot carry the model; the message is the reason shown to the statistician."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows without a missing value, the design reduced to columns that can be estimated."""

    outcome: Array  # (n,)
    design: Array  # (n, p)
    random: Array  # (n, q)
    codes: Index  # (n,) group of each row, 0 to g - 1
    terms: tuple[str, ...]  # (p,)
    dropped: tuple[str, ...]  # (d,)
    aliases: Array  # (d, p) each dropped column as a combination of the kept ones
    random_terms: tuple[str, ...]  # (q,)
    n_dropped: int  # rows with a missing outcome, covariate or group

    @property
    def n_groups(self) -> int:
        """Groups with at least one row."""
        return int(self.codes.max(initial=-1)) + 1

    @property
    def size(self) -> tuple[int, int, int]:
        """n, p and q."""
        return self.outcome.size, self.design.shape[1], self.random.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """The same model in a safe basis, with the way back: beta = basis @ (scale * beta_scaled) + origin."""

    outcome: Array  # (n,) least-squares residuals, unit standard deviation
    design: Array  # (n, p) orthogonal columns, root mean square 1
    random: Array  # (n, q) orthogonal columns, root mean square 1
    codes: Index  # (n,)
    basis: Array  # (p, p)
    origin: Array  # (p,)
    scale: float  # unit of the outcome
    random_basis: Array  # (q, q)
    log_jacobian: float  # log |det basis|, part of the REML likelihood

    def log_likelihood_shift(self, *, reml: bool) -> float:
        """Return what to add to a log-likelihood of the scaled model to get that of the data."""
        n, p = self.design.shape
        nu, log_jacobian = (n - p, self.log_jacobian) if reml else (n, 0.0)
        return float(log_jacobian - nu * math.log(self.scale))


def complete_rows(
    outcome: npt.ArrayLike, design: pd.DataFrame, groups: npt.ArrayLike, random: pd.DataFrame
) -> Rows:
    """Drop rows with a missing value, then columns that are combinations of earlier ones.

    Raises:
        RefusedFitError: a column is not numeric, or a value is infinite.
    """
    y = _numbers(pd.Series(outcome, name="outcome").to_frame())[:, 0]
    X, Z = _numbers(design), _numbers(random)
    labels = pd.Series(groups, dtype=object).reset_index(drop=True)
    keep = ~(
        np.isnan(y) | np.isnan(X).any(axis=1) | np.isnan(Z).any(axis=1) | labels.isna().to_numpy(dtype=bool)
    )
    _refuse_infinite(
        y[keep], X[keep], Z[keep], ("outcome", *map(str, design.columns), *map(str, random.columns))
    )
    kept = independent_columns(X[keep])
    gone = [j for j in range(X.shape[1]) if j not in kept]
    return Rows(
        outcome=y[keep],
        design=X[keep][:, kept],
        random=Z[keep],
        codes=pd.factorize(labels[keep])[0],
        terms=tuple(str(design.columns[j]) for j in kept),
        dropped=tuple(str(design.columns[j]) for j in gone),
        aliases=_combinations(X[keep][:, kept], X[keep][:, gone]),
        random_terms=tuple(map(str, random.columns)),
        n_dropped=int((~keep).sum()),
    )


def _numbers(frame: pd.DataFrame) -> Array:
    """Return the columns as floats, whatever pandas kept them in."""
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            raise RefusedFitError(f"Column '{name}' holds {frame[name].dtype}, not numbers.")
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _refuse_infinite(y: Array, X: Array, Z: Array, names: tuple[str, ...]) -> None:
    infinite = np.isinf(np.column_stack([y, X, Z])).sum(axis=0)
    found = {name: count for name, count in zip(names, infinite, strict=True) if count}
    if found:
        listed = ", ".join(f"'{name}' ({count})" for name, count in found.items())
        raise RefusedFitError(
            f"Infinite values in {listed}; a mean or a variance cannot be computed from them."
        )


def independent_columns(X: Array) -> list[int]:
    """Return the columns that are no combination of earlier ones, by Gram-Schmidt in the order of the design.

    What is left of a column is judged against its spread once a constant came before it, so that dates in
    seconds are not mistaken for a constant.
    """
    kept: list[int] = []
    basis = np.empty((X.shape[0], 0))
    constant_seen = False
    for j in range(X.shape[1]):
        column = X[:, j] / (np.abs(X[:, j]).max(initial=0.0) or 1.0)
        size = float(np.linalg.norm(column - column.mean() if constant_seen else column))
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # once more: the first pass leaves rounding along the basis
        left = float(np.linalg.norm(rest))
        if left <= max(COLLINEAR * size, ROUNDING * float(np.linalg.norm(column))):
            continue
        kept.append(j)
        basis = np.column_stack([basis, rest / left])
        constant_seen = constant_seen or _is_constant(column)
    return kept


def _is_constant(column: Array) -> bool:
    return bool(np.ptp(column) == 0 and column[0] != 0)


def _combinations(kept: Array, gone: Array) -> Array:
    """Write each dropped column as a combination of the kept ones, shape (d, p)."""
    if not kept.size:
        return np.zeros((gone.shape[1], kept.shape[1]))
    size = np.abs(kept).max(axis=0)
    combinations: Array = (np.linalg.lstsq(kept / size, gone, rcond=None)[0] / size[:, None]).T
    return combinations


def rescale(rows: Rows) -> Scaled:
    """Return the model in an orthonormal basis, the outcome as least-squares residuals of unit spread."""
    n, p, _ = rows.size
    ones, centres = _constant(rows.design)
    origin = float(np.median(rows.outcome)) if ones.any() else 0.0
    centred = rows.design - centres
    size = np.abs(centred).max(axis=0)
    Q, R = np.linalg.qr(centred / size)
    random_Q, random_R = np.linalg.qr(rows.random)
    projected = Q.T @ (rows.outcome - origin)
    residual = rows.outcome - origin - Q @ projected
    correction = Q.T @ residual
    residual -= Q @ correction
    scale = float(np.linalg.norm(residual)) / np.sqrt(n - p)
    shift = np.eye(p) - np.outer(ones, centres)
    basis = np.sqrt(n) * shift @ np.linalg.solve(R * size, np.eye(p))
    return Scaled(
        outcome=residual / (scale or 1.0),
        design=np.sqrt(n) * Q,
        random=np.sqrt(n) * random_Q,
        codes=rows.codes,
        basis=basis,
        origin=basis @ ((projected + correction) / np.sqrt(n)) + origin * ones,
        scale=scale,
        random_basis=np.sqrt(n) * np.linalg.inv(random_R),
        log_jacobian=p / 2 * math.log(n) - float(np.log(np.abs(np.diag(R)) * size).sum()),
    )


def _constant(X: Array) -> tuple[Array, Array]:
    """Return weights that combine the columns to 1 (zeros if none do), and the centres to take off."""
    for j in range(X.shape[1]):
        if _is_constant(X[:, j]):
            centres = X.mean(axis=0)
            centres[j] = 0.0
            return np.eye(X.shape[1])[j] / X[0, j], centres
    ones = np.linalg.lstsq(X, np.ones(X.shape[0]), rcond=None)[0]
    spanned = np.abs(X @ ones - 1).max(initial=0.0) < ROUNDING
    return ones * spanned, np.zeros(X.shape[1])


def rows_by_size(codes: Index) -> Iterator[Index]:
    """Yield row numbers of the groups of one size together, shape (groups, size)."""
    order = np.argsort(codes, kind="stable").astype(np.intp)
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    for size in np.unique(counts):
        yield order[starts[counts == size][:, None] + np.arange(size)]
