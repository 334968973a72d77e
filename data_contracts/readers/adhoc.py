"""Read a table that no plan declares (CSV, SPSS, Parquet): a column is typed by what all its cells are.

A column of numbers is numeric, any other is text; nothing is guessed silently: what was done is in the notes.
Not here: files of a trial (trial), what a model makes of a column (analysis).
"""

import io
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.delimited import read_csv
from data_contracts.readers.raw import NumberCells, RawColumn, RawTable, TextCells, moment_of
from data_contracts.readers.spss import read_sav
from data_contracts.spec import Form

NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?")
LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
NOT_A_VALUE = frozenset({"NA", "NaN", "nan", "."})  # in a column of numbers, as R, pandas and SAS write it
LARGEST_EXACT = 2**53  # above it, a float no longer tells whole numbers apart
UNNAMED = "__unnamed__"
LISTED = 5
NO_COUNT = "The file's header does not state the number of records, so a cut file would not be noticed."
FOR_THE_PLAN = {  # the strict readers speak to who writes a plan
    "Set the form's `delimiter` in the trial file.": "Say which it is with --delimiter.",
    "Export it in UTF-8, or set the form's `encoding` in the trial file.": "Export it in UTF-8, or give --encoding.",
    "Set the form's `delimiter` and `decimal` in the trial file.": "Say which they are with --delimiter and --decimal.",
    "Set the form's `encoding` to 'utf-8' in the trial file.": "Give --encoding utf-8.",
    "Set the form's `encoding` to what the file is written in.": "Give the --encoding it is written in.",
    "Export it as CSV in UTF-8, or set the form's `encoding` to 'utf-16' in the trial file.": (
        "Export it as CSV in UTF-8, or give --encoding utf-16."
    ),
    "Export it as CSV in UTF-8, or set the form's `encoding` to 'utf-32' in the trial file.": (
        "Export it as CSV in UTF-8, or give --encoding utf-32."
    ),
    "Set the form's `encoding` in the trial file, such as windows-1252.": "Give --encoding, such as windows-1252.",
    "Only its name says .sav: export it from SPSS, or declare its format in the trial file.": (
        "Only its name says .sav: export it from SPSS, or give the file its right ending."
    ),
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a file writes things."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = ""
    missing: frozenset[str] = frozenset()  # cells that mean "no value" in any column


@dataclass(frozen=True, slots=True, eq=False)
class AdhocTable:
    """A file's columns, and what is to be known of them."""

    frame: pd.DataFrame
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # column -> code -> label (SPSS)
    mixed: Mapping[str, str] = field(default_factory=dict)  # mostly numbers, but not all -> what was found
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Typed:
    values: pd.Series
    mixed: str = ""
    notes: tuple[str, ...] = ()


def read_adhoc(path: Path, spelling: Spelling | None = None) -> AdhocTable:
    """Return the columns of a file, by the ending of its name.

    Raises:
        ReadError: no such file, another ending, damaged, or without records.
    """
    reader = READERS.get(path.suffix.casefold())
    if reader is None:
        problem = Problem(path.name, f"the ending {path.suffix!r}", f"one of: {', '.join(READERS)}")
        raise ReadError(f"{path.name} can't be read.", [problem])
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = Problem(str(path), f"a file that can't be opened ({error.strerror})", "a file to read")
        raise ReadError(f"{path.name} can't be read.", [problem]) from None
    table = reader(data, spelling or Spelling(), path.name)
    if table.frame.empty:
        raise ReadError(f"{path.name} holds no records.", [Problem(path.name, "no records", "at least one")])
    return table


def _read_csv(data: bytes, spelling: Spelling, where: str) -> AdhocTable:
    named, is_unnamed = _with_first_name(data, spelling)
    raw = _strictly(read_csv, named, spelling, where)
    columns = {c.name: c for c in raw.columns.values() if not (is_unnamed and c.name == UNNAMED)}
    typed = {name: _of_text(_texts(c), name, spelling) for name, c in columns.items()}
    notes = ("the first column has no name and was left out",) if is_unnamed else ()
    return _table(typed, raw.n_rows, (*raw.notes, *notes))


def _with_first_name(data: bytes, spelling: Spelling) -> tuple[bytes, bool]:
    """Return the file with a name over its first column, if it has none: the row names of R and pandas."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    mark = spelling.delimiter.encode()
    for empty in (b"", b'""'):
        if body.startswith(empty + mark):
            return UNNAMED.encode() + body[len(empty) :], True
    return data, False


def _strictly(
    read: Callable[[bytes, Form, str], RawTable], data: bytes, spelling: Spelling, where: str
) -> RawTable:
    """Read a file as one of a trial's would be."""
    form = Form(
        name="file", label=where, kind="visits", file=where, format="csv", key=(), columns={},
        delimiter=spelling.delimiter, decimal=spelling.decimal, encoding=spelling.encoding,
    )  # fmt: skip
    try:
        return read(data, form, where)
    except ReadError as error:
        problems = [
            Problem(p.where, p.found, p.expected, FOR_THE_PLAN.get(p.remedy, p.remedy))
            for p in error.problems
        ]
        raise ReadError(error.summary, problems) from None


def _of_text(cells: Sequence[str], name: str, spelling: Spelling) -> _Typed:
    """Return a text file's column: numbers when all its cells are, else text in which only blank is missing."""
    trimmed = [cell.strip() for cell in cells]
    blank = [not cell or cell in spelling.missing for cell in trimmed]
    numbers = {cell: _number(cell, spelling.decimal) for cell in set(trimmed)}
    given = [cell for cell, is_blank in zip(trimmed, blank, strict=True) if not is_blank]
    others = [cell for cell in given if numbers[cell] is None and cell not in NOT_A_VALUE]
    if not others and not _is_code(given, spelling):
        return _Typed(_floats([None if b else numbers[c] for c, b in zip(trimmed, blank, strict=True)]))
    text = pd.Series([None if b else c for c, b in zip(trimmed, blank, strict=True)], dtype="object")
    return _Typed(text, *_about_text(name, trimmed, blank, others, numbers))


def _number(text: str, decimal: str) -> float | None:
    plain = text.replace(decimal, ".") if decimal != "." and "." not in text else text
    if decimal != "." and "." in text:
        return None
    if not NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if math.isfinite(value) else None


def _is_code(cells: Collection[str], spelling: Spelling) -> bool:
    """Return whether digits are codes rather than numbers: they begin with 0, or a float can't hold them."""
    for cell in set(cells):
        if LEADING_ZERO.fullmatch(cell.partition(spelling.decimal)[0]):
            return True
        if cell.lstrip("+-").isdigit() and abs(int(cell)) > LARGEST_EXACT:
            return True
    return False


def _floats(values: Sequence[float | None]) -> pd.Series:
    return pd.Series([math.nan if v is None else v for v in values], dtype="float64")


def _about_text(
    name: str, cells: Sequence[str], blank: Sequence[bool], others: Sequence[str], numbers: Mapping[str, Any]
) -> tuple[str, tuple[str, ...]]:
    """Return what is odd about a column of text: numbers among it, or a word that often means missing."""
    given = [c for c, is_blank in zip(cells, blank, strict=True) if not is_blank]
    if not others:
        return "", (
            f"column {name!r} is text: its digits are codes (leading zeros, or too long)",
        ) if given else ()
    notes = [
        f"column {name!r}: {count} cells {word!r} are kept as text; --missing {word} makes them missing"
        for word in sorted(NOT_A_VALUE)
        if (count := given.count(word))
    ]
    n_numbers = sum(numbers[cell] is not None for cell in given)
    if 2 * n_numbers <= len(given):
        return "", tuple(notes)
    lines = [k + 1 for k, (c, b) in enumerate(zip(cells, blank, strict=True)) if not b and numbers[c] is None]
    shown = ", ".join(map(str, lines[:LISTED])) + (" …" if len(lines) > LISTED else "")
    return f"{len(lines)} of {len(given)} cells that are not numbers (records {shown})", tuple(notes)


def _read_sav(data: bytes, spelling: Spelling, where: str) -> AdhocTable:
    raw = _strictly(read_sav, data, spelling, where)
    cut = () if raw.states_its_rows else (NO_COUNT,)
    typed = {column.name: _of_spss(column, spelling) for column in raw.columns.values()}
    labels = {c.name: dict(c.value_labels) for c in raw.columns.values() if c.value_labels}
    return _table(typed, raw.n_rows, (*raw.notes, *cut), labels)


def _texts(column: RawColumn) -> list[str]:
    """Return a column of text, blank cells as empty text."""
    cells = column.cells
    return (
        ["" if cell is None else cell for cell in cells.array.to_pylist()]
        if isinstance(cells, TextCells)
        else []
    )


def _of_spss(column: RawColumn, spelling: Spelling) -> _Typed:
    """Return an SPSS variable: its numbers, dates or text; codes it declares missing are missing."""
    cells = column.cells
    declared = 0 if cells.missing is None else int((cells.missing.which >= 0).sum())
    values, asked = (_of_numbers if isinstance(cells, NumberCells) else _of_strings)(column, spelling)
    whats = [(declared, "hold codes that the file declares missing"), (asked, "are missing by --missing")]
    notes = tuple(f"column {column.name!r}: {n} cells {what}" for n, what in whats if n)
    return _Typed(values, notes=notes)


def _of_strings(column: RawColumn, spelling: Spelling) -> tuple[pd.Series, int]:
    """Return a variable of text, and how many of its cells are missing as asked for."""
    texts = [text.rstrip() for text in _texts(column)]
    asked = sum(text.strip() in spelling.missing for text in texts)
    kept = [None if not text.strip() or text.strip() in spelling.missing else text for text in texts]
    is_blank = all(text is None for text in kept)
    return (_floats([None] * len(kept)) if is_blank else pd.Series(kept, dtype="object")), asked


def _of_numbers(column: RawColumn, spelling: Spelling) -> tuple[pd.Series, int]:
    """Return a variable of numbers or dates, and how many of its cells are missing as asked for."""
    cells = column.cells
    if not isinstance(cells, NumberCells):
        raise TypeError(column.name)
    values = pd.Series(cells.values)
    if cells.kind in {"date", "month"}:
        moments = [None if math.isnan(seconds) else moment_of(seconds) for seconds in cells.values.tolist()]
        return pd.Series(pd.to_datetime(pd.Series(moments, dtype="object"))), 0
    codes = {float(code) for code in spelling.missing if NUMBER.fullmatch(code)}
    is_asked = values.isin(codes)
    return values.mask(is_asked), int(is_asked.sum())


def _read_parquet(data: bytes, spelling: Spelling, where: str) -> AdhocTable:
    from pyarrow import ArrowException, parquet

    try:
        frame = parquet.read_table(io.BytesIO(data)).to_pandas()
    except (ArrowException, OSError) as error:
        problem = Problem(
            where, f"a damaged file or another format ({type(error).__name__})", "a Parquet file"
        )
        raise ReadError(f"{where} can't be read.", [problem]) from None
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    flat.columns = [str(name) for name in flat.columns]
    typed = {name: _of_arrow(flat[name].reset_index(drop=True), spelling) for name in flat.columns}
    return _table(typed, len(flat), ())


def _of_arrow(values: pd.Series, spelling: Spelling) -> _Typed:
    """Return a Parquet column as it is; nullable numbers become floats."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _Typed(values)
    if pd.api.types.is_bool_dtype(values):
        return _Typed(values.astype("object").map({True: "True", False: "False"}))
    if pd.api.types.is_numeric_dtype(values):
        codes = {float(code) for code in spelling.missing if NUMBER.fullmatch(code)}
        plain = values.astype("float64")
        return _Typed(plain.mask(plain.isin(codes)))
    if pd.api.types.is_datetime64_any_dtype(values):
        return _Typed(values)
    text = values.astype("object").where(values.notna(), None)
    return _Typed(text.where(~text.isin(list(spelling.missing)), None))


def _table(
    typed: Mapping[str, _Typed],
    n_rows: int,
    notes: tuple[str, ...],
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> AdhocTable:
    return AdhocTable(
        frame=pd.DataFrame({name: column.values for name, column in typed.items()}, index=range(n_rows)),
        labels=labels or {},
        mixed={name: column.mixed for name, column in typed.items() if column.mixed},
        notes=(*notes, *(note for column in typed.values() for note in column.notes)),
    )


READERS: Mapping[str, Callable[[bytes, Spelling, str], AdhocTable]] = {
    ".csv": _read_csv,
    ".sav": _read_sav,
    ".zsav": _read_sav,
    ".parquet": _read_parquet,
}
