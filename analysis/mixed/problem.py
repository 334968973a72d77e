"""A model made ready to fit: participants grouped by pattern, Grams summed, columns rotated and scaled."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.errors import BadDataError, TooLittleDataError
from analysis.mixed.gram import GramSum, Pattern, PatternGrams, RowCodes, pack, patterns, sum_grams
from analysis.mixed.random.absorb import Absorbed, absorb
from analysis.mixed.random.spec import Component
from analysis.mixed.rotation import Rotation, rotate, rotation_of_gram

EXACT_FIT = 1e-12  # residual over outcome standard deviation
SAFE_FIT = (
    1e-6  # residual over outcome mean square, above which the outcome's Gram loses nothing that matters
)


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """The rows behind the Grams, for what Grams cannot give: residuals and scores of single participants."""

    X: Array  # (N, p) the design's own columns
    columns: Array  # (N, w) what the Grams were summed from, times the root of the weights
    change: Array  # (w, w) columns @ change are [rotated X, Z, y less its fit over unit]
    root_weights: Array | None  # (N,)
    subject: Codes  # (N,)
    patterns: list[Pattern]
    turned: Array | None = None  # rows the patterns number, where a factor's levels were turned [RE-14]

    def of(self, pattern: Pattern) -> Array:
        """[X Z y] of a pattern's participants, rotated, scaled and weighted: (n, m, w)."""
        rows = self.columns if self.turned is None else self.turned
        found: Array = rows[pattern.rows] @ self.change
        return found

    def unweighted(self) -> Array:
        """[X Z y] of all rows, rotated and scaled: (N, w)."""
        turned: Array = self.columns @ self.change
        return turned if self.root_weights is None else turned / self.root_weights[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Grams of [rotated X, Z, y less its fit, over unit], and the way back to original coefficients."""

    total: GramSum
    grams: PatternGrams
    rotation: Rotation
    least_squares: Array  # (p,) of the rotated columns, in the outcome's units, less the offset
    offset: Array  # (p,) of the original columns: the outcome's mean where a constant column takes it
    unit: float
    log_weights: float  # sum of log observation weights
    observations: Observations | None

    @property
    def rank(self) -> int:
        """The number of fixed effects that can be estimated."""
        return len(self.rotation.kept)

    @property
    def log_det_design(self) -> float:
        """What log |X'V⁻¹X| has more in original columns than in rotated ones."""
        return -2.0 * float(np.linalg.slogdet(self.rotation.back)[1])


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """Grams of raw columns and the change that rotates and scales them."""

    columns: Array  # (N, w)
    total: GramSum
    change: Array  # (w, w)
    rotation: Rotation
    least_squares: Array  # (p,)
    offset: Array  # (p,)
    unit: float


def pose(X: Array, Z: Array, y: Array, codes: RowCodes, weights: Array | None) -> Problem:
    """Sum the Grams; refuse a constant outcome, one fitted exactly, and more effects than rows."""
    roots = _varying(y, weights)
    found = patterns(codes)
    turned = _by_gram(X, Z, y, roots, found, codes) or _by_columns(X, Z, y, roots, found, codes)
    kept = X[:, turned.rotation.kept] if len(turned.rotation.dropped) else X
    rows = Observations(kept, turned.columns, turned.change, roots, codes.subject, found)
    return _posed(turned, turned.total.transformed(turned.change), rows)


def pose_absorbed(  # noqa: PLR0913, PLR0917
    X: Array, Z: Array, y: Array, codes: RowCodes, weights: Array | None, component: Component
) -> tuple[Problem, Absorbed]:
    """The same with a factor's levels turned; always by columns, so that small residuals keep their digits."""
    roots = _varying(y, weights)
    turned = _by_columns(X, Z, y, roots, [], codes)
    absorbed = absorb(turned.columns, component, roots, codes)
    kept = X[:, turned.rotation.kept]
    rows = Observations(
        kept, turned.columns, turned.change, roots, codes.subject, absorbed.patterns, absorbed.columns
    )
    return _posed(turned, absorbed.total, rows), absorbed


def _varying(y: Array, weights: Array | None) -> Array | None:
    """Roots of the weights; refuses a constant outcome."""
    if y.min() == y.max():
        raise BadDataError(
            f"the outcome is constant: the same value in all {len(y)} rows; nothing can be estimated from it"
        )
    return None if weights is None else np.sqrt(weights)


def _posed(turned: Turned, total: GramSum, rows: Observations) -> Problem:
    weights = rows.root_weights
    return Problem(
        total=total,
        grams=pack(total),
        rotation=turned.rotation,
        least_squares=turned.least_squares,
        offset=turned.offset,
        unit=turned.unit,
        log_weights=0.0 if weights is None else 2.0 * float(np.log(weights).sum()),
        observations=rows,
    )


def _side_by_side(X: Array, Z: Array, y: Array, roots: Array | None) -> Array:
    columns = np.empty((len(y), X.shape[1] + Z.shape[1] + 1))
    columns[:, : X.shape[1]] = X
    columns[:, X.shape[1] : -1] = Z
    columns[:, -1] = y
    return columns if roots is None else columns * roots[:, None]


def _by_gram(  # noqa: PLR0913, PLR0917
    X: Array, Z: Array, y: Array, roots: Array | None, found: list[Pattern], codes: RowCodes
) -> Turned | None:
    """Rotate the Gram of the columns as they are; None where that would lose digits."""
    columns, (n_rows, p) = _side_by_side(X, Z, y, roots), X.shape
    if n_rows <= p:
        return None
    total = sum_grams(columns, found, codes.n_visits, codes.n_kinds)
    gram = total.over_rows()
    rotation = rotation_of_gram(gram[:p, :p], n_rows)
    if rotation is None:
        return None
    fit = rotation.back.T @ gram[:p, -1] / n_rows
    left = gram[-1, -1] - n_rows * float(fit @ fit)
    if left < SAFE_FIT * gram[-1, -1]:
        return None
    unit = float(np.sqrt(left / (n_rows - p)))
    change = np.eye(len(gram))
    change[:p, :p] = rotation.back
    change[:p, -1], change[-1, -1] = -rotation.back @ fit / unit, 1.0 / unit
    return Turned(columns, total, change, rotation, fit, np.zeros(p), unit)


def _by_columns(  # noqa: PLR0913, PLR0917
    X: Array, Z: Array, y: Array, roots: Array | None, found: list[Pattern], codes: RowCodes
) -> Turned:
    """Rotate the columns themselves, and take the least-squares fit out of the outcome, before the Gram."""
    rotated, rotation = rotate(X)
    n_rows, p = rotated.shape
    if n_rows <= p:
        raise TooLittleDataError(
            f"{n_rows} observations for {p} fixed effects: leave terms out of the formula until there are fewer"
        )
    offset, centred = _offset(X[:, rotation.kept], y)
    fit, left = _least_squares(rotated, centred)
    unit = float(np.sqrt(left @ left / (n_rows - p)))
    if unit <= EXACT_FIT * float(y.std()):
        raise BadDataError(
            "the fixed effects fit the outcome exactly, so no variance is left to estimate:"
            " look for a covariate that is a copy of the outcome"
        )
    columns = _side_by_side(rotated, Z, left / unit, roots)
    total = sum_grams(columns, found, codes.n_visits, codes.n_kinds)
    return Turned(columns, total, np.eye(columns.shape[1]), rotation, fit, offset, unit)


def _offset(X: Array, y: Array) -> tuple[Array, Array]:
    """The outcome's mean given to a constant column, and the outcome less it: an offset of 1e8 costs nothing."""
    offset, constant = np.zeros(X.shape[1]), np.flatnonzero((X[0] == X).all(0))
    if len(constant) == 0:
        return offset, y
    offset[constant[0]] = y.mean() / X[0, constant[0]]
    return offset, y - X[0, constant[0]] * offset[constant[0]]


def _least_squares(rotated: Array, y: Array) -> tuple[Array, Array]:
    """Coefficients and residuals, refined once."""
    fit, left = np.zeros(rotated.shape[1]), y
    for _ in range(2):
        step = rotated.T @ left / len(y)
        fit, left = fit + step, left - rotated @ step
    return fit, left
