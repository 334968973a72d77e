"""A file's cells before the contract is applied, and what the formats share.

Not here: reading a format (sav, delimited), converting cells (convert).
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from data_contracts.errors import Problem, ReadError

LISTED_PROBLEMS = 10  # per file; the rest are counted
SIGNATURES = {
    b"$FL2": "an SPSS file",
    b"$FL3": "a compressed SPSS file",
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True, slots=True)
class DeclaredMissing:
    """A cell whose code the file itself declares missing."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class NotADate:
    """A cell of a date variable that no calendar holds."""

    text: str


Cell = str | float | datetime | DeclaredMissing | NotADate | None


@dataclass(frozen=True, slots=True, eq=False)
class RawColumn:
    """One variable of a file, as the file spells it."""

    name: str
    cells: Sequence[Cell]
    label: str = ""
    value_labels: Mapping[str, str] = field(default_factory=dict)  # code -> label


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A file's variables, keyed by their names folded; no two names are alike when folded."""

    n_rows: int
    columns: Mapping[str, RawColumn]
    notes: tuple[str, ...] = ()


def fold(name: str) -> str:
    """Return a name as names are compared: composed (NFC), and regardless of case."""
    return unicodedata.normalize("NFC", name).casefold()


def name_problems(names: Sequence[str], where: str) -> list[Problem]:
    """Return what is wrong with a file's column names: blank, spaced, or twice the same."""
    problems, seen = [], dict[str, str]()
    for position, name in enumerate(names, start=1):
        if not name.strip():
            problems.append(Problem(where, f"no name over column {position}", "a name over each column"))
            continue
        if name != name.strip():
            problems.append(
                Problem(where, f"spaces around the column name {name.strip()!r}", "the name alone")
            )
        if (earlier := seen.get(fold(name.strip()))) is not None:
            found = f"two columns named {earlier!r} and {name.strip()!r}"
            problems.append(Problem(where, found, "names that differ in more than case"))
        seen.setdefault(fold(name.strip()), name)
    return problems


def code_of(number: float) -> str:
    """Return a number as a code is written: 1 rather than 1.0."""
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def signature_of(data: bytes) -> str:
    """Return in words what a file's first bytes declare it to be; nothing for plain text."""
    return next((words for opening, words in SIGNATURES.items() if data.startswith(opening)), "")


def refuse(where: str, problems: Iterable[Problem]) -> None:
    """Raise what is wrong with one file; the first ten problems are listed, all are counted.

    Raises:
        ReadError: there are problems.
    """
    if found := list(problems):
        raise ReadError(f"{where} can't be read.", capped(where, found))


def capped(where: str, problems: Sequence[Problem]) -> list[Problem]:
    """Return the first problems of a file, and one that counts the others."""
    more = len(problems) - LISTED_PROBLEMS
    if more <= 0:
        return list(problems)
    rest = Problem(where, f"and {more} more such problems, {len(problems)} in all", "none")
    return [*problems[:LISTED_PROBLEMS], rest]


def is_encoded_twice(cells: Iterable[object], encoding: str) -> bool:
    """Return whether some text, put back into bytes, is UTF-8: the file then declares a wrong encoding."""
    return any(
        _decodes_as_utf8(cell, encoding) for cell in cells if isinstance(cell, str) and not cell.isascii()
    )


def _decodes_as_utf8(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding).decode("utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
