"""The marks a delimited file is written with: declared, told by its name, or contradicted by its first lines.

A contradiction is refused with the keys to set; nothing is guessed. Not here: records.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from data_contracts.errors import Problem
from data_contracts.readers.delimited_bytes import Soundness
from data_contracts.readers.raw import name_problems
from data_contracts.spec import Form

OTHER_MARKS = ";\t,|"
TABBED = (".tsv", ".tab")
SAMPLE = 200  # records that are looked at for a decimal comma
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+(\.[0-9]{3})*,[0-9]+")
DECIMAL_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """A file's first record."""

    names: list[str]
    n_bytes: int  # of the lines it is on


@dataclass(frozen=True, slots=True, eq=False)
class DelimitedFile:
    """A file's text, its marks and what its bytes are like."""

    data: bytes  # UTF-8
    delimiter: str
    header: Header
    found: Soundness
    where: str  # its name in messages


def delimiter_of(form: Form, where: str) -> tuple[str, tuple[str, ...]]:
    """Return the mark between fields, and a note where the file's name told it."""
    if "delimiter" in form.model_fields_set or not where.casefold().endswith(TABBED):
        return form.delimiter, ()
    return "\t", ("Columns are set apart by tabs: the file's name says so, and nothing else is declared.",)


def mark_problems(form: Form, delimiter: str, where: str) -> Iterator[Problem]:
    """Yield marks that can't be told from text."""
    if not delimiter.isascii() or delimiter in '"\r\n\0' or delimiter.isalnum():
        yield Problem(f"{where}, delimiter", repr(delimiter), "a mark such as ',', ';' or a tab")
    if form.decimal == form.thousands:
        remedy = "Set `decimal` or `thousands` in the trial file."
        yield Problem(f"{where}, thousands", repr(form.thousands), "another mark than `decimal`", remedy)


def read_header(data: bytes, delimiter: str) -> Header:
    """Return the first record; what is wrong with its quotes is left to those who read all of them.

    Args:
        data: The file in UTF-8.
        delimiter: The mark between fields.
    """
    lines = list[str]()

    def told() -> Iterator[str]:
        for line in io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""):
            lines.append(line)
            yield line

    try:
        names = next(csv.reader(told(), delimiter=delimiter), [])
    except csv.Error:
        names = []  # longer than any header: a quote that is never closed
    return Header(names, len("".join(lines).encode()))


def header_problems(file: DelimitedFile, form: Form) -> list[Problem]:
    """Return what is wrong with the names, and marks in the first lines that contradict the declared ones."""
    names, first = file.header.names, f"{file.where}, line 1"
    if not names:
        return [Problem(first, "no column names", "a name for each column")]
    problems = name_problems(names, first)
    other = _other_delimiter(names, file.delimiter)
    delimiter = other or file.delimiter
    comma = form.decimal != "," != delimiter and _has_decimal_commas(_sample(file.data, delimiter))
    if other:
        problems.append(_other_marks(other, file.delimiter, comma=comma, where=first))
    elif comma and "decimal" not in form.model_fields_set:
        remedy = "Set the form's `decimal` in the trial file."
        problems.append(Problem(file.where, "numbers with a decimal comma", "a decimal point", remedy))
    return problems


def _other_marks(other: str, delimiter: str, *, comma: bool, where: str) -> Problem:
    found = f"columns set apart by {other!r}" + (", and a decimal comma" if comma else "")
    keys = "`delimiter` and `decimal`" if comma else "`delimiter`"
    return Problem(where, found, repr(delimiter), f"Set the form's {keys} in the trial file.")


def _other_delimiter(names: Sequence[str], delimiter: str) -> str:
    if len(names) != 1:
        return ""
    return next((mark for mark in OTHER_MARKS if mark != delimiter and mark in names[0]), "")


def _sample(data: bytes, delimiter: str) -> list[list[str]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter)
    try:
        return list(islice(reader, 1, SAMPLE))
    except csv.Error:
        return []  # its quotes are told of elsewhere


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether numbers have a decimal comma, and none has a point."""
    cells = {cell.strip() for row in rows for cell in row}
    has_comma = any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return has_comma and not any(DECIMAL_POINT.fullmatch(c) and not _is_grouped(c) for c in cells)


def _is_grouped(cell: str) -> bool:
    """Return whether a point may stand before thousands: 1.234 is either."""
    return len(cell.rpartition(".")[2]) == 3
