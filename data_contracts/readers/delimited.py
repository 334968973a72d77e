"""Read delimited text (CSV), strictly and as text. Not here: what a cell means (convert)."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.raw import (
    RawColumn,
    RawTable,
    fold,
    is_encoded_twice,
    name_problems,
    refuse,
    signature_of,
)
from data_contracts.spec import Form

EXPORT_AGAIN = "Export it again, and copy it whole."
UTF8 = "utf-8-sig"  # with or without a byte order mark


@dataclass(frozen=True, slots=True, eq=False)
class _Records:
    """A file's header, records, and what is wrong with either."""

    header: list[str]
    rows: list[list[str]]
    problems: list[Problem] = field(default_factory=list)


def read_csv(data: bytes, form: Form, where: str) -> RawTable:
    """Return the columns of a CSV, each cell as text.

    Args:
        data: The file's bytes.
        form: Its contract, for the encoding and the delimiter.
        where: The file's name in messages.

    Raises:
        ReadError: not text, cut, or not one field per column in each line; each such line is counted.
    """
    text = _decoded(data, form.encoding, where)
    refuse(where, _text_problems(text, where))
    records = _records(text, form.delimiter, where)
    refuse(where, [*records.problems, *_cut_problems(text, where)])
    cells = zip(*records.rows, strict=True) if records.rows else ((),) * len(records.header)
    columns = {fold(name): RawColumn(name, found) for name, found in zip(records.header, cells, strict=True)}
    return RawTable(len(records.rows), columns, tuple(_notes(columns, form.encoding)))


def _decoded(data: bytes, encoding: str, where: str) -> str:
    if not data:
        refuse(where, [Problem(where, "an empty file (0 bytes)", "a CSV", EXPORT_AGAIN)])
    known, kind = _codec(encoding, where), signature_of(data)
    if kind and not (kind == "text in UTF-16" and known.startswith("utf-16")):
        refuse(where, [Problem(where, kind, "a CSV", "Export it as CSV in UTF-8.")])
    try:
        return data.decode(known)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, known, where) from None


def _codec(encoding: str, where: str) -> str:
    try:
        name = codecs.lookup(encoding or UTF8).name
    except LookupError:
        raise ReadError(
            f"{where} can't be read.",
            [Problem(f"{where}, encoding", repr(encoding), "an encoding such as cp1252")],
        ) from None
    return UTF8 if name == "utf-8" else name


def _undecodable(data: bytes, error: UnicodeDecodeError, encoding: str, where: str) -> ReadError:
    line = data.count(b"\n", 0, error.start) + 1
    found = f"a byte that is not {encoding.removesuffix('-sig')} (byte {error.start + 1} of the file)"
    remedy = "Export it in UTF-8, or set the form's `encoding` in the trial file."
    return ReadError(f"{where} can't be read.", [Problem(f"{where}, line {line}", found, "text", remedy)])


def _text_problems(text: str, where: str) -> Iterator[Problem]:
    """Yield what makes it pointless to look for records."""
    if "\0" in text:
        at = text.index("\0")
        line = text.count("\n", 0, at) + 1
        yield Problem(
            f"{where}, line {line}", f"a NUL (character {at + 1} of the file)", "text", EXPORT_AGAIN
        )
    elif "\n" not in text and "\r" in text:
        remedy = "Export it again with the line ends of Windows or Unix."
        yield Problem(where, "line ends of a carriage return alone", "line feeds", remedy)


def _cut_problems(text: str, where: str) -> Iterator[Problem]:
    if not text.endswith("\n"):
        line = text.count("\n") + 1
        remedy = "The file may have been cut, even within a number. " + EXPORT_AGAIN
        yield Problem(f"{where}, line {line}", "no line end after the last line", "one", remedy)


def _records(text: str, delimiter: str, where: str) -> _Records:
    """Return the header and the records, with every line that does not fit the header."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found, line = _Records([], []), 1
    try:
        found.header.extend(next(reader, []))
        found.problems.extend(_header_problems(found.header, delimiter, where))
        line = reader.line_num + 1
        for row in reader:
            found.rows.append(row)
            found.problems.extend(_row_problems(row, found.header, f"{where}, line {line}"))
            line = reader.line_num + 1
    except csv.Error as error:
        found.problems.append(_quoting(str(error), f"{where}, line {line}"))
    return found


def _header_problems(header: list[str], delimiter: str, where: str) -> list[Problem]:
    problems = name_problems(header, f"{where}, line 1")
    other = next(
        (mark for mark in ";\t,|" if mark != delimiter and len(header) == 1 and mark in header[0]), None
    )
    if other:
        remedy = "Set the form's `delimiter` in the trial file."
        problems.append(
            Problem(f"{where}, line 1", f"columns set apart by {other!r}", repr(delimiter), remedy)
        )
    return problems


def _row_problems(row: list[str], header: list[str], where: str) -> Iterator[Problem]:
    if not any(row):
        yield Problem(where, "an empty line", "a record", "Delete it, or export the file again.")
    elif len(row) != len(header):
        found = f"{len(row)} field" + ("s" if len(row) > 1 else "")
        yield Problem(where, found, f"{len(header)}, as in the header")


def _quoting(message: str, where: str) -> Problem:
    # The parser's own messages name no value; the line is where the record begins.
    if "unexpected end of data" in message:
        return Problem(
            where, "a quote that is never closed", "a closing quote", "What follows it was not read."
        )
    return Problem(
        where, f"text that is not CSV ({message})", "quotes around a whole field, doubled inside it"
    )


def _notes(columns: dict[str, RawColumn], encoding: str) -> Iterator[str]:
    if not encoding or codecs.lookup(encoding).name == "utf-8":
        return
    for column in columns.values():
        if is_encoded_twice(column.cells, encoding):
            yield f"{column.name}: UTF-8 text in a file read as {encoding}; accents are garbled."
