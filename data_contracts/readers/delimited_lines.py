"""Find the lines of a delimited file that can't be trusted, line by line.

Quotes inside a field that is in none, as in `5" tall`, are text; but then no field may go over several lines,
since nobody could tell an unclosed quote from one. Not here: reading sound lines.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from data_contracts.errors import Problem
from data_contracts.readers.delimited_bytes import Soundness
from data_contracts.readers.delimited_dialect import DelimitedFile
from data_contracts.readers.delimited_text import EXPORT_AGAIN
from data_contracts.readers.raw import LISTED_PROBLEMS

UNQUOTED = "quotes around a whole field, doubled inside it"
ONE_LINE_END = "Export it again with the line ends of Windows or Unix."
LONE = re.compile(rb"\r(?!\n)")


@dataclass(slots=True)
class _Lines:
    """The first problems of a file's lines, and how many lines have one."""

    first: list[Problem] = field(default_factory=list)
    n_all: int = 0

    def add(self, problems: Iterator[Problem]) -> None:
        """Count problems; keep those that will be listed."""
        for problem in problems:
            self.n_all += 1
            if self.n_all <= LISTED_PROBLEMS:
                self.first.append(problem)


def line_problems(file: DelimitedFile) -> list[Problem]:
    """Return what is wrong with a file's lines: all are counted, the first ten are listed."""
    data, found, where = file.data, file.found, file.where
    if pointless := list(_character_problems(data, found, where)):
        return pointless
    lines, ended_by = _records(file)
    problems = [*lines.first, *ended_by, *_cut_problems(data, where)]
    more = lines.n_all - len(lines.first)
    if more:
        problems.append(Problem(where, f"and {more} more such problems, {lines.n_all} in all", "none"))
    is_by_line = found.odd_quote is not None and not problems
    return list(_return_problems(data, _lone_return(data), where)) if is_by_line else problems


def _character_problems(data: bytes, found: Soundness, where: str) -> Iterator[Problem]:
    """Yield what makes it pointless to look for records."""
    if (at := data.find(b"\0")) >= 0:
        character = len(data[:at].decode()) + 1
        zero = f"a NUL (character {character} of the file)"
        yield Problem(f"{where}, line {_line_of(data, at)}", zero, "text", EXPORT_AGAIN)
    elif b"\n" not in data and b"\r" in data:
        yield Problem(where, "line ends of a carriage return alone", "line feeds", ONE_LINE_END)
    elif found.odd_quote is None or (found.lone_return or len(data)) < found.odd_quote:
        yield from _return_problems(data, found.lone_return, where)


def _return_problems(data: bytes, at: int | None, where: str) -> Iterator[Problem]:
    if at is not None:
        found = "a carriage return without its line feed"
        yield Problem(f"{where}, line {_line_of(data, at)}", found, "one kind of line end", ONE_LINE_END)


def _lone_return(data: bytes) -> int | None:
    found = LONE.search(data)
    return found.start() if found else None


def _line_of(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _records(file: DelimitedFile) -> tuple[_Lines, list[Problem]]:
    """Return the lines that do not fit the header, and what ended the reading before the end."""
    text = io.TextIOWrapper(io.BytesIO(file.data), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=file.delimiter, strict=True)
    lines, line, by_line = _Lines(), 1, file.found.odd_quote is not None
    try:
        for row in reader:
            place = f"{file.where}, line {line}"
            if by_line and reader.line_num > line:
                lines.add(_spread_problems(place))
            elif line > 1:
                lines.add(_row_problems(row, file.header.names, place))
            line = reader.line_num + 1
    except csv.Error as error:
        return lines, [_quoting(str(error), f"{file.where}, line {line}")]
    return lines, []


def _spread_problems(where: str) -> Iterator[Problem]:
    """Yield a field over several lines, where quotes inside other fields leave open which ones begin it."""
    found = "a field over several lines, in a file with quotes inside fields that are in none"
    yield Problem(where, found, UNQUOTED)


def _row_problems(row: Sequence[str], header: Sequence[str], where: str) -> Iterator[Problem]:
    if not any(row):
        yield Problem(where, "an empty line", "a record", "Delete it, or export the file again.")
    elif len(row) != len(header):
        found = f"{len(row)} field" + ("s" if len(row) > 1 else "")
        yield Problem(where, found, f"{len(header)}, as in the header", _why_so_many(row, header))


def _why_so_many(row: Sequence[str], header: Sequence[str]) -> str:
    if len(header) == 1 < len(row):
        return "If line 1 is a title, delete what stands above the header."
    if len(row) > len(header) and not any(row[len(header) :]):
        return "A mark stands at the end of the line that sets nothing apart: export it without."
    return ""


def _quoting(message: str, where: str) -> Problem:
    # The parser's own messages name no value; the line is where the record begins.
    if "unexpected end of data" in message:
        remedy = "What follows it was not read."
        return Problem(where, "a quote that is never closed", "a closing quote", remedy)
    return Problem(where, f"text that is not CSV ({message})", UNQUOTED)


def _cut_problems(data: bytes, where: str) -> Iterator[Problem]:
    if not data.endswith(b"\n"):
        line = data.count(b"\n") + 1
        remedy = "The file may have been cut, even within a number. " + EXPORT_AGAIN
        yield Problem(f"{where}, line {line}", "no line end after the last line", "one", remedy)
