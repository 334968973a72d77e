"""Convert a column of numbers, dates, durations or months by its contract.

What plainly converts is converted as a whole; every other distinct number is judged by itself (meaning).
Not here: text (convert_text).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_contracts.readers.meaning import LARGEST_EXACT, NUMBERS, Judged, judge_number, number_as_found
from data_contracts.readers.raw import NumberCells
from data_contracts.readers.typed import Contract, TypedColumn, text_array

DAY = 86_400.0
FIRST = DAY  # 15 October 1582, where the calendar begins, in seconds since the day before
LAST = 265_621_680_000.0  # the end of the year 9999
TO_1970 = 12_219_379_200  # seconds between the two epochs
NAN = Judged(expected="a number, a missing code or nothing; this is the computer's own 'not a number'")

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Judgements:
    """The cells that were judged one by one: their positions, their distinct numbers, what those mean."""

    rows: npt.NDArray[np.int64]  # (m,) positions of the cells
    number_of: npt.NDArray[np.intp]  # (m,) which of the distinct numbers each cell holds
    found: list[str]  # (d,) as quoted in a query
    meanings: list[Judged]  # (d,)


def convert_numbers(cells: NumberCells, contract: Contract) -> TypedColumn:
    """Return numbers, dates, durations or months as their contract types them."""
    missing = contract.missing
    given = ~np.isnan(cells.values)
    is_plain = _is_plain(cells, contract, missing) & given
    judged = _judge(cells, np.flatnonzero(given & ~is_plain), contract, missing)
    return TypedColumn(
        array=_array(cells, is_plain, judged, contract),
        reasons=_reasons(len(cells), judged),
        unreadable=_unreadable(cells, judged),
        n_trimmed=0,
    )


def _is_plain(cells: NumberCells, contract: Contract, missing: Mapping[str, str]) -> Flags:
    """Return which cells mean what they say, whatever the rest of the contract."""
    values, kind = cells.values, contract.column.type
    if cells.kind in {"date", "month"}:
        is_wanted = kind == "date"
        return (values >= FIRST) & (values < LAST) if is_wanted else np.zeros(len(values), dtype=bool)
    if kind not in NUMBERS:
        return np.zeros(len(values), dtype=bool)
    is_plain = np.isfinite(values)
    if kind == "integer":
        is_plain &= (np.abs(values) <= LARGEST_EXACT) & (np.floor(values) == values)
    codes = _as_numbers(missing)
    return is_plain & ~np.isin(values, codes) if codes else is_plain


def _as_numbers(missing: Mapping[str, str]) -> list[float]:
    """Return the numbers that are written as one of the missing codes."""
    numbers = []
    for code in missing:
        try:
            numbers.append(float(code))
        except ValueError:
            continue
    return numbers


def _judge(
    cells: NumberCells, rows: npt.NDArray[np.int64], contract: Contract, missing: Mapping[str, str]
) -> _Judgements:
    distinct, number_of = np.unique(cells.values[rows], return_inverse=True)
    numbers = distinct.tolist()
    return _Judgements(
        rows=rows,
        number_of=number_of,
        found=[number_as_found(number, cells.kind) for number in numbers],
        meanings=[judge_number(number, cells.kind, contract, missing) for number in numbers],
    )


def _array(cells: NumberCells, is_plain: Flags, judged: _Judgements, contract: Contract) -> Any:
    kind = contract.column.type
    if kind == "number":
        return np.where(is_plain, cells.values, np.nan)
    if kind == "integer":
        whole = np.where(is_plain, cells.values, 0.0).astype(np.int64)
        return pd.arrays.IntegerArray(whole, ~is_plain)
    if kind == "date":
        seconds = np.floor(np.where(is_plain, cells.values, 0.0)).astype(np.int64) - TO_1970
        dates = seconds.astype("datetime64[s]")
        if cells.kind == "month":
            dates = dates.astype("datetime64[M]").astype("datetime64[s]")
        dates[~is_plain] = np.datetime64("NaT")
        return dates
    return _spread(len(cells), judged, [meaning.value for meaning in judged.meanings])


def _reasons(n_rows: int, judged: _Judgements) -> Any | None:
    reasons = [meaning.reason for meaning in judged.meanings]
    return _spread(n_rows, judged, reasons) if any(reasons) else None


def _spread(n_rows: int, judged: _Judgements, words: list[Any]) -> Any:
    """Return text for every row: the words of its number, nothing where it was not judged."""
    import pyarrow as pa

    which = np.full(n_rows, -1, dtype=np.int64)
    which[judged.rows] = judged.number_of
    texts = pa.array(words, pa.large_string())
    return text_array(texts.take(pa.array(which, mask=which < 0)))


def _unreadable(cells: NumberCells, judged: _Judgements) -> list[tuple[int, str, str]]:
    """Return the cells that mean nothing the contract expects, by position."""
    expected = [meaning.expected for meaning in judged.meanings]
    cells_found = (
        [
            (int(row), judged.found[number], expected[number] or "")
            for row, number in zip(judged.rows, judged.number_of, strict=True)
            if expected[number]
        ]
        if any(expected)
        else []
    )
    strange = [] if cells.strange is None else cells.strange.tolist()
    return sorted([*cells_found, *((int(row), "NaN", str(NAN.expected)) for row in strange)])
