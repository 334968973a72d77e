"""Make a design well conditioned: centre, scale, rotate; find collinear columns.

A Gram squares the condition number, so an offset of 1e8 would cost all sixteen digits. Where columns are far from
collinear their Gram is rotated; elsewhere the columns themselves are, before any Gram is formed  [MMRM-5].
"""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes

COLLINEAR = 1e-11  # share of a column's length left beside the columns before it
WELL_CONDITIONED = 1e-3  # the same share, above which a Gram loses nothing that matters


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """X[:, kept] @ back has orthogonal columns of unit mean square; beta[kept] = back @ b."""

    back: Array  # (p, p)
    kept: Codes  # (p,) columns of X that are not combinations of earlier ones
    dropped: Codes  # the others
    dropped_by_kept: Array  # (p, dropped) X[:, dropped] = X[:, kept] @ dropped_by_kept


def rotation_of_gram(gram: Array, n_rows: int) -> Rotation | None:
    """From X'X alone; None where columns are too nearly collinear for that."""
    size = np.sqrt(np.diag(gram))
    if not (size > 0).all():
        return None
    try:
        upper = np.linalg.cholesky(gram / np.outer(size, size)).T
    except np.linalg.LinAlgError:
        return None
    if np.diag(upper).min() < WELL_CONDITIONED:
        return None
    back = np.linalg.inv(upper * size) * np.sqrt(n_rows)
    none = np.array([], dtype=np.intp)
    return Rotation(back, np.arange(len(gram)), none, np.zeros((len(gram), 0)))


def rotate(X: Array) -> tuple[Array, Rotation]:
    """Orthogonal columns (N, p) with the same span as X (N, columns), by Householder reflections."""
    centred, centring = _centred(X)
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    kept, dropped = np.arange(X.shape[1]), np.array([], dtype=np.intp)
    while True:
        q, triangle = _orthonormal(centred[:, kept])
        left_over = np.ones(len(kept), dtype=bool)
        left_over[: len(triangle)] = np.abs(np.diag(triangle)) <= COLLINEAR * size[kept][: len(triangle)]
        if not left_over.any():
            break
        first = int(np.argmax(left_over))
        dropped = np.append(dropped, kept[first])
        kept = np.delete(kept, first)
    back = np.linalg.solve(triangle @ centring[np.ix_(kept, kept)], np.eye(len(kept)))
    dropped = np.sort(dropped)
    combination = back @ (q.T @ X[:, dropped])
    root_n = np.sqrt(len(X))
    return q * root_n, Rotation(back * root_n, kept, dropped, combination)


def _centred(X: Array) -> tuple[Array, Array]:
    """Columns about their means where a constant column takes the means up; X = centred @ centring."""
    centring = np.eye(X.shape[1])
    constant = np.flatnonzero((X[0] == X).all(0) & (X[0] != 0))
    if len(constant) == 0:
        return X, centring
    one, others = constant[0], np.setdiff1d(np.arange(X.shape[1]), constant[:1])
    centre = X[:, others].mean(0)
    centring[one, others] = centre / X[0, one]
    centred = X.copy()
    centred[:, others] -= centre
    return centred, centring


def _orthonormal(X: Array) -> tuple[Array, Array]:
    """q, triangle with X = q @ triangle."""
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    safe = np.where(size > 0, size, 1.0)
    q, upper = np.linalg.qr(X / safe)
    return q, upper * safe
