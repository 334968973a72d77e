"""Convert a column of text by its contract, as a whole where it plainly converts (plain_text).

Every other distinct cell is judged once. Not here: what a cell means (meaning).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data_contracts.readers.meaning import Judged, judge_text, trim
from data_contracts.readers.plain_text import Plain, plain_integers, plain_none, plain_numbers, plain_words
from data_contracts.readers.raw import TextCells
from data_contracts.readers.typed import Contract, TypedColumn, text_array
from data_contracts.spec import ColumnType

PLAIN = {
    "integer": plain_integers,
    "number": plain_numbers,
    "text": plain_words,
    "category": plain_words,
    "date": plain_none,  # there are few distinct ones, and a declared format is for strptime alone to read
}


@dataclass(frozen=True, slots=True, eq=False)
class _Judgements:
    """The cells that were judged one by one: their positions, their distinct texts, what those mean."""

    rows: npt.NDArray[np.int64]  # (m,) positions of the cells
    text_of: npt.NDArray[np.int64]  # (m,) which of the distinct texts each cell holds
    texts: list[str]  # (d,)
    meanings: list[Judged]  # (d,)


def convert_text(cells: TextCells, contract: Contract) -> TypedColumn:
    """Return text as its contract types it; each distinct cell that does not plainly convert is judged once."""
    array = in_one_piece(cells.array)
    missing = contract.missing
    plain = PLAIN[contract.column.type](array, contract, missing)
    judged = _judge(array, plain, contract, missing)
    return TypedColumn(
        array=_array(array, plain, judged, contract.column.type),
        reasons=_reasons(len(array), judged),
        unreadable=_unreadable(judged),
        n_trimmed=_n_trimmed(judged),
    )


def in_one_piece(array: Any) -> pa.Array:
    """Return an array of strings as one whose buffers can be looked at."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(whole, pa.ChunkedArray):  # more text than one piece can hold
        whole = whole.cast(pa.large_string()).combine_chunks()
    return whole if whole.offset == 0 else pa.concat_arrays([whole, whole[:0]])


def _judge(array: pa.Array, plain: Plain, contract: Contract, missing: Mapping[str, str]) -> _Judgements:
    rows = np.flatnonzero(plain.is_given & ~plain.is_plain)
    if not rows.size:
        return _Judgements(rows, rows, [], [])
    rest = (array if rows.size == len(array) else array.take(pa.array(rows))).dictionary_encode()
    texts = rest.dictionary.to_pylist()
    meanings = [judge_text(text, contract, missing) for text in texts]
    return _Judgements(rows, rest.indices.to_numpy().astype(np.int64), texts, meanings)


def _array(array: pa.Array, plain: Plain, judged: _Judgements, kind: ColumnType) -> Any:
    values = [meaning.value for meaning in judged.meanings]
    if kind == "integer":
        return _integers(plain, judged, values)
    if kind == "number":
        return _numbers(plain, judged, values)
    if kind == "date":
        return _dates(len(array), judged, values)
    return _words(array, plain, judged, values)


def _integers(plain: Plain, judged: _Judgements, values: Sequence[Any]) -> Any:
    is_value = np.array([value is not None for value in values], dtype=bool)
    whole = np.array([0 if value is None else value for value in values], dtype=np.int64)
    numbers, is_missing = plain.values, ~plain.is_plain
    np.putmask(numbers, is_missing, 0)
    if judged.rows.size:
        numbers[judged.rows] = whole[judged.text_of]
        is_missing[judged.rows] = ~is_value[judged.text_of]
    return pd.arrays.IntegerArray(numbers, is_missing)


def _numbers(plain: Plain, judged: _Judgements, values: Sequence[Any]) -> Any:
    numbers = plain.values
    np.putmask(numbers, ~plain.is_plain, np.nan)
    if judged.rows.size:
        judged_ones = np.array([np.nan if value is None else value for value in values], dtype=float)
        numbers[judged.rows] = judged_ones[judged.text_of]
    return numbers


def _dates(n_rows: int, judged: _Judgements, values: Sequence[Any]) -> Any:
    found = np.array(values, dtype="datetime64[s]")
    if judged.rows.size == n_rows > 0:
        return found[judged.text_of]
    dates = np.full(n_rows, np.datetime64("NaT"), dtype="datetime64[s]")
    dates[judged.rows] = found[judged.text_of]
    return dates


def _words(array: pa.Array, plain: Plain, judged: _Judgements, values: Sequence[Any]) -> Any:
    if not judged.rows.size:
        return text_array(array)
    import pyarrow.compute as pc

    judged_ones = _spread(len(array), judged, values)
    kept = array.cast(pa.large_string())
    return text_array(pc.if_else(pa.array(plain.is_plain), kept, judged_ones))


def _reasons(n_rows: int, judged: _Judgements) -> Any | None:
    reasons = [meaning.reason for meaning in judged.meanings]
    return text_array(_spread(n_rows, judged, reasons)) if any(reasons) else None


def _spread(n_rows: int, judged: _Judgements, words: Sequence[Any]) -> pa.Array:
    """Return text for every row: the word for its distinct text, nothing where it was not judged.

    Written straight into the array's buffers: few rows are judged, and looking each row up costs more.
    """
    text = pa.array(words, pa.large_string()).take(pa.array(judged.text_of))
    _, ends, data = text.buffers()
    is_word = np.zeros(n_rows, dtype=bool)
    is_word[judged.rows] = text.is_valid().to_numpy(zero_copy_only=False)
    # Between two judged rows nothing is added: each one's end stands until the next one's.
    ends_of_rows = np.frombuffer(ends, dtype=np.int64)[: len(text) + 1]
    offsets = np.repeat(ends_of_rows, np.diff(judged.rows, prepend=-1, append=n_rows))
    bits = pa.py_buffer(np.packbits(is_word, bitorder="little"))
    return pa.LargeStringArray.from_buffers(n_rows, pa.py_buffer(offsets), data, bits)


def _unreadable(judged: _Judgements) -> list[tuple[int, str, str]]:
    """Return the cells that mean nothing the contract expects, by position."""
    expected = [meaning.expected for meaning in judged.meanings]
    is_unreadable = np.array([word is not None for word in expected], dtype=bool)
    if not is_unreadable.any():
        return []
    which = np.flatnonzero(is_unreadable[judged.text_of])
    pairs = zip(judged.rows[which].tolist(), judged.text_of[which].tolist(), strict=True)
    return [(row, judged.texts[text], str(expected[text])) for row, text in pairs]


def _n_trimmed(judged: _Judgements) -> int:
    is_trimmed = np.array([trim(text) != text for text in judged.texts], dtype=bool)
    return int(is_trimmed[judged.text_of].sum()) if is_trimmed.any() else 0
