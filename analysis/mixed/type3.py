"""Contrasts of type-3 tests: each effect averaged with equal weights over the levels of all others.

They come from how the columns are coded, so any coding and any missing main effect is right.
"""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array
from analysis.mixed.design import Coding
from analysis.mixed.hypotheses import estimable

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit

NEGLIGIBLE = 1e-9


def type3_tests(fit: "MMRMFit") -> pd.DataFrame:
    """A row per term: numerator and denominator df, F and p; NaN where a term is not estimable."""
    codings, found = fit.model.design.codings, {}
    for term, columns in fit.model.design.terms.items():
        if term == "1":
            continue
        rows = type3_contrasts(codings, codings[columns])
        _, testable = estimable(fit.model.problem.rotation, rows)
        if testable.any():
            test = fit.f_test(rows[testable])
            found[term] = (test.numerator_df, test.denominator_df, test.statistic, test.p_value)
        else:
            found[term] = (0, np.nan, np.nan, np.nan)
    return pd.DataFrame.from_dict(found, orient="index", columns=["numerator_df", "denominator_df", "F", "p"])


def type3_contrasts(codings: tuple[Coding, ...], term: tuple[Coding, ...]) -> Array:
    """Rows (k, P) that are zero when the term has no effect  [MMRM-20]."""
    numeric = frozenset().union(*(coding.numeric for coding in term))
    tested = {name for coding in term for name in coding.levels}
    sizes = _sizes(codings, numeric)
    cells = list(product(*(range(size) for size in sizes.values())))
    grid = np.array([[_value(coding, numeric, sizes, cell) for coding in codings] for cell in cells])
    change = np.ones((1, 1))
    for name, size in sizes.items():
        change = np.kron(change, _deviations(size) if name in tested else np.full((1, size), 1.0 / size))
    return _independent(change @ grid)


def _sizes(codings: tuple[Coding, ...], numeric: frozenset[str]) -> dict[str, int]:
    """Number of levels of each factor that meets these numeric variables."""
    meeting = [coding for coding in codings if coding.numeric == numeric]
    return {name: len(column) for coding in meeting for name, column in coding.levels.items()}


def _value(coding: Coding, numeric: frozenset[str], sizes: dict[str, int], cell: tuple[int, ...]) -> float:
    if coding.numeric != numeric:
        return 0.0
    at = dict(zip(sizes, cell, strict=True))
    return float(np.prod([column[at[name]] for name, column in coding.levels.items()]))


def _deviations(size: int) -> Array:
    """Each level but the last against the mean of all: Satterthwaite's F depends on this choice, as in R."""
    deviations: Array = (np.eye(size) - 1.0 / size)[:-1]
    return deviations


def _independent(rows: Array) -> Array:
    """The rows that are not combinations of earlier ones."""
    kept: list[Array] = []
    for row in rows:
        basis = np.linalg.qr(np.array(kept).T)[0] if kept else np.zeros((len(row), 0))
        left = row - basis @ (basis.T @ row)
        if np.linalg.norm(left) > NEGLIGIBLE * max(1.0, float(np.linalg.norm(row))):
            kept.append(row)
    return np.array(kept).reshape(-1, rows.shape[1])
