"""The fast CSV reader against an obvious one that looks at a character at a time, and against Python's own.

Not here: what a cell means (test_convert_oracle).
"""

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import ReadError
from data_contracts.readers import delimited, delimited_bytes
from data_contracts.readers.delimited import read_csv
from data_contracts.spec import Form

MANY = settings(deadline=None, max_examples=600)
HEADERS = {1: "a", 2: "a,b", 3: "a,b,c"}
PIECES = ["a", "1", "é", " ", ",", '"', '""', '","', "\n", "\r\n", "\r", ";", '"\n', ',"', "\0", "\ufeff"]
WHOLE = [
    "1" * 40 + ",b\n",
    "1,a\n",
    '5" x,"b"\n',
    'f("a"),"",""\n',
    'é,"a"\r\n',
    '"x\ny",2\n',
    '"",""""\n',
    "1\n",
    "1,2,3\n",
    '"\r",\ufeff\n',
]
BODIES = st.lists(st.sampled_from(PIECES + 2 * WHOLE), max_size=30) | st.lists(
    st.sampled_from(WHOLE), max_size=4
)
TEXT = st.text(
    st.sampled_from("a1é ,\"\n;\t'"), max_size=6
)  # Python's writer leaves carriage returns unquoted


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut files into parts of a few bytes, so that every construct meets an edge of one."""
    monkeypatch.setattr(delimited, "BLOCK", 24)
    monkeypatch.setattr(delimited_bytes, "CHUNK", 7)


def form_of(delimiter: str = ",") -> Form:
    """Return a form's contract as far as reading text needs it."""
    marks: dict[str, Any] = {"delimiter": delimiter, "decimal": "."}
    return Form(name="f", label="", kind="visits", file="f.csv", format="csv", key=(), columns={}, **marks)


def read(text: str, delimiter: str = ",") -> list[list[str]] | None:
    """Return the records as the fast reader has them; none when it refuses the file."""
    try:
        table = read_csv(text.encode(), form_of(delimiter), "f.csv")
    except ReadError:
        return None
    columns = [
        ["" if c is None else c for c in column.cells.array.to_pylist()] for column in table.columns.values()
    ]
    return [list(record) for record in zip(*columns, strict=True)]


def obvious(text: str, delimiter: str = ",") -> list[list[str]] | None:
    """Return the records below the header, by one rule after the other; none when one is broken."""
    if "\0" in text or not text.endswith("\n"):
        return None
    records = fields(text, delimiter)
    if records is None:
        return None
    header, *rows = records
    fits = all(len(row) == len(header) and any(row) for row in rows)
    return rows if fits and all(name.strip() == name != "" for name in header) else None


def fields(text: str, delimiter: str) -> list[list[str]] | None:
    """Return each record's fields; none where they could be cut in two ways."""
    records, record, at = [], list[str](), 0
    has_bare_quotes = has_lines_within = False
    while at < len(text):
        if text[at] == '"':
            found = quoted(text, at + 1)
            if found is None:
                return None
            value, at = found
            has_lines_within |= "\n" in value or "\r" in value
        else:
            start = at
            while text[at] not in f"{delimiter}\n\r":
                at += 1
            value = text[start:at]
            has_bare_quotes |= '"' in value
        record.append(value)
        ends = 1 if text[at] == "\n" else 2 if text[at : at + 2] == "\r\n" else 0
        if ends:
            records.append(record)
            record = []
            at += ends
        elif text[at] == delimiter:
            at += 1
            if text[at] in "\n\r":  # nothing stands between it and the line's end
                text = text[:at] + '""' + text[at:]
        else:
            return None
    return None if has_bare_quotes and has_lines_within else records


def quoted(text: str, at: int) -> tuple[str, int] | None:
    """Return a quoted field's text and the place behind it; none when it never ends."""
    value = ""
    while at < len(text):
        if text[at] != '"':
            value += text[at]
            at += 1
        elif text[at : at + 2] == '""':
            value += '"'
            at += 2
        else:
            return (value, at + 1) if at + 1 < len(text) else None
    return None


@MANY
@given(st.sampled_from(sorted(HEADERS)), BODIES.map("".join))
def test_any_text_is_read_as_the_obvious_reader_does_or_refused_by_both(n_columns: int, body: str) -> None:
    """Quotes that are never closed, ragged rows, line ends of three kinds: no row is lost or made."""
    text = f"{HEADERS[n_columns]}\n{body}"
    assert read(text) == obvious(text)


@MANY
@given(
    st.sampled_from(sorted(HEADERS)).flatmap(
        lambda n: st.lists(st.lists(TEXT, min_size=n, max_size=n), min_size=1, max_size=8)
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_what_another_program_writes_is_read_cell_for_cell(
    rows: list[list[str]], delimiter: str, end: str, quoting: Any
) -> None:
    """Python's writer and reader are the other program; a record of blanks alone is no record."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(HEADERS[len(rows[0])].split(","))
    writer.writerows(rows)
    text = file.getvalue()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:] == rows
    expected = rows if all(any(row) for row in rows) else None
    assert obvious(text, delimiter) == expected
    assert read(text, delimiter) == expected


@pytest.mark.parametrize("block", range(1, 60))
def test_a_part_that_ends_within_quotes_ends_no_record(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Cut there, the halves may each have as many fields as the header, and be a record too many."""
    monkeypatch.setattr(delimited, "BLOCK", block)
    text = 'a,b\n"","1"\n"","1"\n"111111","\n,"\n"2","3"\n'
    assert read(text) == [["", "1"], ["", "1"], ["111111", "\n,"], ["2", "3"]]


def test_a_record_longer_than_any_part_is_read() -> None:
    """The parser takes so many bytes at a time; a long free text is longer."""
    text = 'a,b\n1,"' + 'x "" \n y' * 500 + '"\n2,z\n'
    assert read(text) == [["1", 'x " \n y' * 500], ["2", "z"]]
