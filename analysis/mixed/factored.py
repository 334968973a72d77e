"""Rows of a design as numbers times codings of cells, and their Grams without ever writing the design out.

A cell is a combination of factor levels. Participants with the same visits and the same cells at them share their
codings, so their Gram is that of the few numbers, spread by the codings  [MMRM-4].
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.gram import GramSum as PatternSums
from analysis.mixed.gram import Pattern

PER_HISTORY = 4e-5  # seconds: a product of small matrices and its spreading
PER_ELEMENT, PER_SQUARE = 1e-8, 1e-10  # seconds: writing one element of a row, multiplying a pair
CHUNK = 2**22  # elements written out at a time


@dataclass(frozen=True, slots=True, eq=False)
class Factored:
    """Column j of a row is numbers[number_of[j]] * coding[cell, j]."""

    numbers: Array  # (N, k) products of numeric variables, times the root of the weights
    number_of: Codes  # (w,)
    cell: Codes  # (N,)
    coding: Array  # (C, w)


def cells(factors: list[tuple[Codes, int]], n_rows: int) -> tuple[Codes, Codes]:
    """Number the combinations of codes (-1 is a level too) that occur; one row of each."""
    joint, size = np.zeros(n_rows, dtype=np.int64), 1
    for codes, n_levels in factors:
        if size * (n_levels + 1) >= 2**62:
            joint, size = _numbered(joint), n_rows
        joint = joint * (n_levels + 1) + (codes + 1)
        size *= n_levels + 1
    cell = _numbered(joint)
    return cell, _representatives(cell)


def _numbered(values: Codes) -> Codes:
    numbers: Codes = pd.factorize(values)[0]
    return numbers


def _representatives(labels: Codes) -> Codes:
    found = np.zeros(int(labels.max()) + 1 if len(labels) else 0, dtype=np.intp)
    found[labels[::-1]] = np.arange(len(labels))[::-1]
    return found


def sum_factored(rows: Factored, found: list[Pattern], n_visits: int, n_kinds: int) -> PatternSums:
    """Grams by pattern, each by the cheaper road."""
    width = len(rows.number_of)
    counts, sums = {}, {}
    for pattern in found:
        history = _histories(rows.cell[pattern.rows], len(rows.coding))
        n, elements = len(history), len(pattern.visits) * width
        by_row = n * elements * (PER_ELEMENT + elements * PER_SQUARE)
        cheap = (int(history.max()) + 1) * PER_HISTORY < by_row
        counts[pattern.key] = n
        sums[pattern.key] = _by_history(rows, pattern, history) if cheap else _by_row(rows, pattern)
    return PatternSums(width, n_visits, n_kinds, counts, sums)


def _histories(cell: Codes, n_cells: int) -> Codes:
    """Number the sequences of cells (n, m) over visits."""
    label = _numbered(cell[:, 0])
    for at_visit in cell.T[1:]:
        label = _numbered(label * n_cells + at_visit)
    return label


def _by_history(rows: Factored, pattern: Pattern, history: Codes) -> Array:
    n_visits, n_numbers, width = len(pattern.visits), rows.numbers.shape[1], len(rows.number_of)
    order = np.argsort(history, kind="stable")
    wide = rows.numbers[pattern.rows[order]].reshape(len(order), -1)
    ends = np.cumsum(np.bincount(history))
    source = (np.arange(n_visits)[:, None] * n_numbers + rows.number_of).ravel()
    total = np.zeros((n_visits * width,) * 2)
    for start, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        coding = rows.coding[rows.cell[pattern.rows[order[start]]]].ravel()
        used = np.flatnonzero(coding)
        part = wide[start:end]
        small = (part.T @ part)[np.ix_(source[used], source[used])]
        total[np.ix_(used, used)] += small * np.outer(coding[used], coding[used])
    return total


def _by_row(rows: Factored, pattern: Pattern) -> Array:
    elements = len(pattern.visits) * len(rows.number_of)
    total, step = np.zeros((elements, elements)), max(1, CHUNK // elements)
    for start in range(0, len(pattern.rows), step):
        own = pattern.rows[start : start + step]
        wide = (rows.numbers[own][..., rows.number_of] * rows.coding[rows.cell[own]]).reshape(len(own), -1)
        total += wide.T @ wide
    return total
