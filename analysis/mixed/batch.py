"""One Arrow batch in, its complete rows as codes and numbers out; every problem of a row is found here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.errors import BadDataError
from analysis.mixed.layout import Layout
from analysis.mixed.random.spec import Term, acts_on

MISSING, UNKNOWN = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Complete rows, and a count of the others."""

    row: Codes  # (N,) where each stood in the stream
    subject: Codes  # (N,) 0..n-1
    subject_keys: np.ndarray[Any, np.dtype[np.uint64]]  # of all participants of the batch, complete or not
    levels: dict[str, Codes]  # factor column -> (N,)
    numbers: pd.DataFrame  # numeric columns
    labels: list[tuple[Codes, Mask]]  # per random component participants share: level, whether it acts
    own_acts: list[Mask]  # per random component of the participants themselves
    missing: dict[str, int]  # rows each column cost
    n_lost: int  # participants without a complete row

    def codes(self, column: str | None) -> Codes:
        """Levels of a column (N,); zero where there is none."""
        return np.zeros(len(self.row), dtype=np.intp) if column is None else self.levels[column]


def read_batch(table: Any, layout: Layout, first_row: int) -> Batch:
    """Refuse infinities and unknown levels, leave incomplete rows out."""
    levels = {name: _level_codes(table[name], layout.levels[name]) for name in layout.factors}
    numbers = pd.DataFrame({name: _numbers(table[name]) for name in layout.numeric})
    _finite(numbers, first_row)
    subject, keys = _subjects(table, layout)
    lost = {name: codes == MISSING for name, codes in levels.items()}
    lost |= {name: np.isnan(numbers[name].to_numpy()) for name in layout.numeric}
    lost |= {str(layout.roles.subject): subject == MISSING} if layout.roles.subject else {}
    kept = ~np.logical_or.reduce([np.zeros(table.num_rows, dtype=bool), *lost.values()])
    for name, codes in levels.items():
        _all_known(codes[kept], name)
    own, n_present = _renumbered(subject[kept])
    return Batch(
        row=first_row + np.flatnonzero(kept),
        subject=own,
        subject_keys=keys,
        levels={name: codes[kept] for name, codes in levels.items()},
        numbers=numbers if kept.all() else numbers[kept].reset_index(drop=True),
        labels=[_labels(table, term, layout, kept) for term in layout.shared_terms],
        own_acts=[_acts(table, term, layout)[kept] for term in layout.own_terms],
        missing={name: int(gone.sum()) for name, gone in lost.items()},
        n_lost=0 if layout.roles.subject is None else len(keys) - n_present,
    )


def _renumbered(codes: Codes) -> tuple[Codes, int]:
    """0, 1, ... for those that occur, and how many they are."""
    occurs = np.bincount(codes) > 0
    number = np.cumsum(occurs) - 1
    return number[codes], int(occurs.sum())


def dictionary(column: Any) -> tuple[Codes, Any]:
    """Codes (N,), -1 where missing, and an Arrow array of what they stand for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    encoded = chunked if pa.types.is_dictionary(chunked.type) else chunked.dictionary_encode()
    chunk = encoded.unify_dictionaries().combine_chunks()
    values = chunk.dictionary
    indices = chunk.indices.fill_null(MISSING).to_numpy(zero_copy_only=False).astype(np.intp)
    gone = values.is_null(nan_is_null=True)
    if pc.any(gone).as_py():
        indices = np.where(np.append(gone.to_numpy(zero_copy_only=False), True)[indices], MISSING, indices)
    return indices, values


def _level_codes(column: Any, levels: Sequence[Any]) -> Codes:
    """Number of each row's level; MISSING, or UNKNOWN to the layout."""
    indices, found = dictionary(column)
    values = found.to_pylist()
    place = {level: number for number, level in enumerate(levels)}
    known = np.array([place.get(value, UNKNOWN) for value in values] + [MISSING], dtype=np.intp)
    codes: Codes = known[indices]
    return codes


def _all_known(codes: Codes, name: str) -> None:
    unknown = int((codes == UNKNOWN).sum())
    if unknown:
        raise BadDataError(
            f"column {name!r} has levels that the layout does not know in {unknown} rows: make the layout from all"
            " files, or from a frame that shows every level"
        )


def _numbers(column: Any) -> Array:
    import pyarrow as pa

    values: Array = column.cast(pa.float64(), safe=False).to_numpy()
    return values


def _finite(numbers: pd.DataFrame, first_row: int) -> None:
    for name in numbers.columns:
        bad = np.flatnonzero(np.isinf(numbers[name].to_numpy()))
        if len(bad):
            raise BadDataError(
                f"column {name!r} is infinite in row {checks.listed(first_row + bad + 1)}:"
                " correct the value or make it missing"
            )


def _subjects(table: Any, layout: Layout) -> tuple[Codes, np.ndarray[Any, np.dtype[np.uint64]]]:
    """Participants numbered, and a 64-bit key of each; without repeated measures every row is one, without a key."""
    if layout.roles.subject is None:
        return np.arange(table.num_rows), np.zeros(0, dtype=np.uint64)
    codes, values = dictionary(table[layout.roles.subject])
    keys = pd.util.hash_array(values.to_numpy(zero_copy_only=False), categorize=False)
    seen = np.bincount(codes[codes >= 0], minlength=len(keys)) > 0
    return codes, keys[seen]


def _labels(table: Any, term: Term, layout: Layout, kept: Mask) -> tuple[Codes, Mask]:
    """Level of each complete row, MISSING where there is none, and where the component acts."""
    joined = joined_labels(table, term)
    codes = _level_codes(joined, layout.labels[term.key])[kept]
    _all_known(codes, term.key)
    return codes, _acts(table, term, layout)[kept]


def _acts(table: Any, term: Term, layout: Layout) -> Mask:
    """(N,) where a component's condition holds."""
    if term.condition is None:
        return np.ones(table.num_rows, dtype=bool)
    used = [name for name in layout.dtypes.columns if name in term.condition]
    return acts_on(term, table.select(used).to_pandas())


def joined_labels(table: Any, term: Term) -> Any:
    """The column of a component's levels: one column as it is, or several joined by ":"."""
    import pyarrow as pa

    if len(term.factors) == 1:
        return table[term.factors[0]]
    parts = [dictionary(table[name]) for name in term.factors]
    sizes = [len(values) for _, values in parts]
    texts = [values.to_pylist() for _, values in parts]
    gone = np.logical_or.reduce([codes == MISSING for codes, _ in parts])
    joint = np.ravel_multi_index([np.where(gone, 0, codes) for codes, _ in parts], sizes)
    seen, inverse = np.unique(joint, return_inverse=True)
    at = np.unravel_index(seen, sizes)
    names = [
        ":".join(str(text[place[n]]) for text, place in zip(texts, at, strict=True)) for n in range(len(seen))
    ]
    return pa.DictionaryArray.from_arrays(pa.array(inverse, mask=gone), pa.array(names, type=pa.string()))
