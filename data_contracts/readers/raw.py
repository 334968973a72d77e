"""A file's columns before the contract is applied, and what the formats share.

Not here: reading a format (delimited, spss, stata_sas), converting cells (convert).
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.errors import Problem, ReadError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LISTED_PROBLEMS = 10  # per file; the rest are counted
EPOCH = datetime(1582, 10, 14)  # noqa: DTZ001  dates are seconds from here, as in SPSS, and know no time zones
SIGNATURES = {
    b"$FL2": "an SPSS file",
    b"$FL3": "a compressed SPSS file",
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
NumberKind = Literal["number", "date", "duration", "month"]


@dataclass(frozen=True, slots=True)
class DeclaredMissing:
    """A code that the file itself declares missing."""

    code: str
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class MissingCells:
    """Which cells of a column hold a code that the file declares missing.

    The column's own cells are blank there.
    """

    codes: tuple[DeclaredMissing, ...]
    which: "npt.NDArray[np.int32]"  # (n,) position in `codes`, -1 where the cell holds none of them


@dataclass(frozen=True, slots=True, eq=False)
class TextCells:
    """A column of text, as the file spells it."""

    array: Any  # (n,) pyarrow Array or ChunkedArray of string; null and "" and spaces are blank
    missing: MissingCells | None = None

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.array)


@dataclass(frozen=True, slots=True, eq=False)
class NumberCells:
    """A column of floats, and what they count.

    A number is itself; a date or a month is seconds since the start of 14 October 1582, which may lie outside
    the calendar; a duration is seconds, below zero or above a day too.
    """

    values: "npt.NDArray[np.float64]"  # (n,) NaN where there is nothing
    kind: NumberKind = "number"
    missing: MissingCells | None = None
    strange: "npt.NDArray[np.int64] | None" = None  # positions that hold the computer's "not a number" itself

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.values)


Cells = TextCells | NumberCells


@dataclass(frozen=True, slots=True, eq=False)
class RawColumn:
    """One variable of a file, as the file spells it."""

    name: str
    cells: Cells
    label: str = ""
    value_labels: Mapping[str, str] = field(default_factory=dict)  # code -> label
    measure: str = ""  # nominal, ordinal or scale; "" where the file does not say
    format: str = ""  # the file's own, such as F8.2 or DATE11
    declared_missing: tuple[str, ...] = ()  # as the file declares them: a code, or LOWEST thru -1


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A file's variables, keyed by their names folded; no two names are alike when folded."""

    n_rows: int
    columns: Mapping[str, RawColumn]
    notes: tuple[str, ...] = ()
    states_its_rows: bool = True  # False: only a manifest can tell whether the file was cut


def text_cells(cells: Sequence[str | None]) -> TextCells:
    """Return a column of text from its cells one by one."""
    import pyarrow as pa

    return TextCells(pa.array(cells, pa.string()))


def blank_cells(n_rows: int) -> TextCells:
    """Return a column in which every cell is blank."""
    import pyarrow as pa

    return TextCells(pa.nulls(n_rows, pa.string()))


def may_hold(array: Any, character: str) -> bool:
    """Return whether some cell of a pyarrow array of strings may hold an ASCII character, at a glance."""
    chunks = getattr(array, "chunks", [array])
    buffers = (chunk.buffers()[2] for chunk in chunks)
    return any(character.encode() in data.to_pybytes() for data in buffers if data is not None)


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


def moment_of(seconds: float) -> datetime | None:
    """Return the date and time, to the second, that seconds since 14 October 1582 mean; none off the calendar.

    The calendar begins on the day after, and ends with the year 9999.
    """
    try:
        moment = EPOCH + timedelta(seconds=math.floor(seconds))
    except (OverflowError, ValueError):
        return None
    return moment if moment >= EPOCH + timedelta(days=1) else None


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


def is_encoded_twice(cells: TextCells, encoding: str) -> bool:
    """Return whether some text, put back into bytes, is UTF-8: the file then declares a wrong encoding."""
    import pyarrow.compute as pc

    is_accented = pc.greater(pc.binary_length(cells.array), pc.utf8_length(cells.array))
    accented = pc.unique(cells.array.filter(is_accented))
    return any(_decodes_as_utf8(text, encoding) for text in accented.to_pylist())


def _decodes_as_utf8(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding).decode("utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
