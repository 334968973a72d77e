"""Read delimited text (CSV, TSV), strictly and as text.

Not here: encodings (delimited_text), marks (delimited_dialect), what a cell means (meaning).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.errors import Problem, ReadError
from data_contracts.readers.delimited_bytes import soundness_of
from data_contracts.readers.delimited_dialect import (
    DelimitedFile,
    Header,
    delimiter_of,
    header_problems,
    mark_problems,
    read_header,
)
from data_contracts.readers.delimited_lines import line_problems
from data_contracts.readers.delimited_text import EXPORT_AGAIN, UTF8_MARK, decoded_text
from data_contracts.readers.odd_text import odd_text_notes
from data_contracts.readers.raw import RawColumn, RawTable, TextCells, capped, fold, refuse
from data_contracts.spec import Form

BLOCK = 2**22  # bytes that are parsed at a time
LARGEST_BLOCK = 2**31 - 2  # bytes; the parser counts in 32 bits


def read_csv(data: bytes, form: Form, where: str) -> RawTable:
    """Return the columns of a delimited file, each cell as text, a blank one as null.

    Args:
        data: The file's bytes.
        form: Its contract, for the encoding and the marks.
        where: The file's name in messages.

    Raises:
        ReadError: not text, cut, or not one field per column in each line; each such line is counted.
    """
    delimiter, named = delimiter_of(form, where)
    refuse(where, mark_problems(form, delimiter, where))
    text = decoded_text(data, form.encoding, where)
    header = read_header(text.data, delimiter)
    file = DelimitedFile(text.data, delimiter, header, soundness_of(text.data, delimiter), where)
    problems = header_problems(file, form)
    table = _parsed(file)
    if problems or table is None:
        raise _refusal(problems, file)
    columns = _columns(header, table)
    odd = () if text.is_ascii else odd_text_notes(columns)
    return RawTable(len(table), columns, (*text.notes, *named, *odd))


def _refusal(problems: Sequence[Problem], file: DelimitedFile) -> ReadError:
    """Return the header's problems and those of the lines, which have counted their own."""
    found = [*capped(file.where, problems), *line_problems(file)]
    remedy = EXPORT_AGAIN
    unknown = Problem(file.where, "records that can't be told apart", "a field per column in each", remedy)
    return ReadError(f"{file.where} can't be read.", found or [unknown])


def _columns(header: Header, table: pa.Table) -> dict[str, RawColumn]:
    found = zip(header.names, table.columns, strict=True)
    return {fold(name): RawColumn(name, TextCells(cells)) for name, cells in found}


def _parsed(file: DelimitedFile) -> pa.Table | None:
    """Return the records as columns of strings; none when some can't be trusted."""
    if not file.header.names or not (file.found.is_sound or _is_sound_by_line(file)):
        return None
    for attempt in _attempts(file):
        table = _parsed_by(attempt, file)
        if table is not None:
            return None if _has_blank_records(table) else table
    return None


def _is_sound_by_line(file: DelimitedFile) -> bool:
    """Return whether each line is a whole record, in a file with quotes inside fields that are in none."""
    return file.found.odd_quote is not None and not line_problems(file)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """How the parser is asked: many bytes at a time, and whether a line may end within quotes."""

    block: int
    newlines: bool


def _attempts(file: DelimitedFile) -> Iterator[_Attempt]:
    """Yield the fast way first, then one for a record longer than any part.

    Only where no line ends within quotes may the parser take every line end for one of a record: it
    would drop or cut a record, without a word, where a part ends within quotes.
    """
    # By line, each line was seen to be a record, though its quotes are not of the kind that is counted.
    newlines = file.found.lines_within and file.found.odd_quote is None
    yield _Attempt(BLOCK, newlines=newlines)
    yield _Attempt(min(len(file.data) + 1, LARGEST_BLOCK), newlines=newlines)


def _parsed_by(attempt: _Attempt, file: DelimitedFile) -> pa.Table | None:
    from pyarrow import csv

    schema = pa.schema([(str(k), pa.string()) for k in range(len(file.header.names))])
    body = _records_of(file)
    if not body.size:
        return schema.empty_table()
    try:
        return csv.read_csv(
            pa.BufferReader(body),
            csv.ReadOptions(column_names=schema.names, block_size=attempt.block),
            csv.ParseOptions(
                delimiter=file.delimiter,
                quote_char='"' if file.found.n_quotes else False,
                newlines_in_values=attempt.newlines,
                ignore_empty_lines=False,  # an empty line is told of
            ),
            csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,  # the whole file was
            ),
        )
    except pa.ArrowInvalid:
        return None  # its message may hold a participant's values


def _records_of(file: DelimitedFile) -> pa.Buffer:
    """Return the bytes below the header, for a parser that leaves out a byte order mark before the first."""
    start = file.header.n_bytes
    if file.data.startswith(UTF8_MARK, start):
        return pa.py_buffer(UTF8_MARK + file.data[start:])
    return pa.py_buffer(file.data).slice(start)


def _has_blank_records(table: pa.Table) -> bool:
    by_blanks = sorted(table.columns, key=lambda column: column.null_count)
    is_blank = by_blanks[0].is_null()
    for column in by_blanks[1:]:
        if not pc.any(is_blank).as_py():
            return False
        is_blank = pc.and_(is_blank, column.is_null())
    return bool(pc.any(is_blank).as_py())
