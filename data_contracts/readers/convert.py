"""Convert a column's cells by its contract; each distinct cell is judged once.

A cell that does not convert is listed, never guessed. Not here: reading files, plausibility (suites).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from data_contracts.readers.raw import Cell, DeclaredMissing, NotADate, RawColumn, code_of
from data_contracts.spec import Column, ColumnType

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # zero-width characters, which str.strip leaves
WHOLE = re.compile(r"[+-]?[0-9]+")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2})?")
DAY_COUNT = re.compile(r"[0-9]{1,5}([.][0-9]+)?")
LARGEST_INTEGER = 2**63 - 1
LARGEST_EXACT = 2**53  # above it, a float no longer tells whole numbers apart
NUMBERS: tuple[ColumnType, ...] = ("integer", "number")


class Judged(NamedTuple):
    """What a cell means: a value, or missing for a reason, or not what was expected."""

    value: Any = None
    reason: str | None = None
    expected: str | None = None


BLANK = Judged()


@dataclass(frozen=True, slots=True, eq=False)
class TypedColumn:
    """A converted column; `unreadable` are positions, what was found and what was expected."""

    array: Any  # of the contract's type, from pandas or numpy
    reasons: list[str | None] | None  # None when no cell has a reason
    unreadable: list[tuple[int, str, str]]
    n_trimmed: int


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What a column's cells must be: the declared column, the decimal mark, and codes by spelling."""

    column: Column
    decimal: str = "."
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> Mapping[str, str]:
        """Return the reasons by missing code; a number's codes match however they are written."""
        declared = dict(self.column.missing)
        if self.column.type in NUMBERS:
            declared |= {code_of(float(c)): reason for c, reason in declared.items() if _is_number(c)}
        return declared


def convert(raw: RawColumn, contract: Contract) -> TypedColumn:
    """Return a file's column as its contract types it."""
    missing = contract.missing
    judged = {cell: _judge(cell, contract, missing) for cell in set(raw.cells)}
    found = [judged[cell] for cell in raw.cells]
    trimmed = {cell for cell in judged if isinstance(cell, str) and _trim(cell) != cell}
    has_reasons = any(verdict.reason for verdict in judged.values())
    all_fit = not any(verdict.expected for verdict in judged.values())
    return TypedColumn(
        array=typed_array([verdict.value for verdict in found], contract.column.type),
        reasons=[verdict.reason for verdict in found] if has_reasons else None,
        unreadable=[] if all_fit else _unreadable(raw.cells, judged),
        n_trimmed=sum(cell in trimmed for cell in raw.cells) if trimmed else 0,
    )


def typed_array(values: Sequence[Any], kind: ColumnType) -> Any:
    """Return values (None where missing) as the array a contract's type is kept in."""
    if kind == "integer":
        return pd.array(values, dtype="Int64")
    if kind == "number":
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    if kind == "date":
        return np.array(values, dtype="datetime64[s]")
    return pd.array(values, dtype="str")


def _unreadable(cells: Sequence[Cell], judged: Mapping[Cell, Judged]) -> list[tuple[int, str, str]]:
    verdicts = ((position, cell, judged[cell].expected) for position, cell in enumerate(cells))
    return [(position, _as_found(cell), expected) for position, cell, expected in verdicts if expected]


def _as_found(cell: Cell) -> str:
    if isinstance(cell, NotADate):
        return cell.text
    return code_of(cell) if isinstance(cell, float) else str(cell)


def _trim(text: str) -> str:
    return text.strip().strip(INVISIBLE).strip()


def _judge(cell: Cell, contract: Contract, missing: Mapping[str, str]) -> Judged:
    if not isinstance(cell, str | float):
        return BLANK if cell is None else _judge_marked(cell, contract, missing)
    text = _trim(cell) if isinstance(cell, str) else code_of(cell)
    if not text:
        return BLANK
    if text in missing:
        return Judged(reason=missing[text])
    if isinstance(cell, float):
        return _judge_number(cell, text, contract)
    return _judge_text(text, contract, missing)


def _judge_marked(
    cell: DeclaredMissing | NotADate | datetime, contract: Contract, missing: Mapping[str, str]
) -> Judged:
    """Judge a cell that the file's format has told more about than its text."""
    if isinstance(cell, DeclaredMissing):
        declared = f"declared missing in the file: {cell.label or cell.code}"
        return Judged(reason=missing.get(cell.code, declared))
    if isinstance(cell, NotADate):
        return Judged(expected="a date of the calendar, up to the year 9999")
    is_date = contract.column.type == "date"
    return Judged(cell) if is_date else Judged(expected=f"{_kind(contract)}; this is a date")


def _judge_text(text: str, contract: Contract, missing: Mapping[str, str]) -> Judged:
    kind = contract.column.type
    if kind == "date":
        return _date(text, contract.column.format)
    if kind not in NUMBERS:
        return Judged(contract.spellings.get(text, text))
    judged = _whole(text) if kind == "integer" else _number(text, contract.decimal)
    code = "" if judged.value is None else code_of(float(judged.value))
    return Judged(reason=missing[code]) if code in missing else judged


def _judge_number(number: float, text: str, contract: Contract) -> Judged:
    kind = contract.column.type
    if kind == "date":
        return Judged(expected="a date; this is a number without a date format")
    if not np.isfinite(number):
        return Judged(expected=f"{_kind(contract)}; this is infinite")
    if kind == "number":
        return Judged(number)
    if kind == "integer":
        is_whole = number.is_integer() and abs(number) <= LARGEST_EXACT
        return Judged(int(number)) if is_whole else Judged(expected="a whole number")
    return Judged(contract.spellings.get(text, text))


def _kind(contract: Contract) -> str:
    words = {"integer": "a whole number", "number": "a number", "date": "a date"}
    return words.get(contract.column.type, "a code or text")


def _whole(text: str) -> Judged:
    digits = text.removesuffix(".0")  # statistics programs write whole numbers so; 1.000 may be a thousand
    if not WHOLE.fullmatch(digits):
        return Judged(expected="a whole number")
    is_small = abs(int(digits)) <= LARGEST_INTEGER
    return Judged(int(digits)) if is_small else Judged(expected="a whole number below 2 to the power 63")


def _is_number(text: str, decimal: str = ".") -> bool:
    mark = re.escape(decimal)
    return bool(re.fullmatch(rf"[+-]?([0-9]+({mark}[0-9]*)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?", text))


def _number(text: str, decimal: str) -> Judged:
    if not _is_number(text, decimal):
        return Judged(expected=f"a number with {decimal!r} before its decimals and no other mark")
    number = float(text.replace(decimal, "."))
    vanished = number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
    if vanished or not np.isfinite(number):
        return Judged(expected="a number that a computer can hold")
    return Judged(number)


def _date(text: str, declared: str) -> Judged:
    """Return the date that text means in the declared format, ISO when none is declared."""
    try:
        if declared:
            return Judged(datetime.strptime(text, declared).replace(tzinfo=None))  # noqa: DTZ007
        if ISO_DATE.fullmatch(text):
            return Judged(datetime.fromisoformat(text))
    except ValueError:
        pass
    expected = f"a date of the calendar written {declared or 'YYYY-MM-DD'}"
    if PARTIAL_DATE.fullmatch(text):
        expected += "; this is a part of one"
    elif DAY_COUNT.fullmatch(text):
        expected += "; this looks like a spreadsheet's day count"
    return Judged(expected=expected)
