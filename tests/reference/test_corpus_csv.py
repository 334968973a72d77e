"""CSV files with one hazard each, held against what the corpus's manifest says should happen.

Not here: hazards whose answer is a rule (codes, booleans), or still to be given (thousands marks).
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.spec import Trial

CORPUS = Path(__file__).parent / "corpus" / "csv"
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}


def read(name: str, settings: dict[str, Any] | None = None, /, **types: Any) -> ReadForm:
    """Return a file of the corpus; a column is given as its type, or as a whole table."""
    columns = {c: {"type": kind} if isinstance(kind, str) else kind for c, kind in types.items()}
    form = {
        "label": "",
        "kind": "visits",
        "file": f"{name}.csv",
        "format": "csv",
        "key": [],
        "columns": columns,
    }
    forms = {"form": {**form, **(settings or {})}}
    trial = Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": forms, **EMPTY})
    return read_trial(CORPUS, trial)["form"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("utf16", "text in UTF-16"),
        ("mixed_encoding", r"line 3: found a byte that is not utf-8 \(byte 33"),
        ("cp1252", "line 2: found a byte that is not utf-8"),
        ("unclosed_quote", "line 2: found a quote that is never closed"),
        ("dup_headers", "two columns named 'score'"),
        ("empty_header", "no name over column 2"),
        ("ragged_long", "line 3: found 4 fields, expected 3"),
        ("ragged_long_all", "line 2: found 4 fields"),
        ("ragged_short", "line 3: found 2 fields, expected 3"),
        ("trailing_comma", "line 2: found 4 fields"),
        ("nul", r"line 2: found a NUL \(character 15"),
        ("whitespace", "spaces around the column name 'subjid'"),
        ("crlf_cr", "a carriage return alone"),
        ("blank_lines", "line 2: found an empty line"),
        ("comment_tail", "line 4: found 1 field"),
        ("truncated_lastline", "line 3: found no line end after the last line"),
        ("header_only", "no records"),
        ("empty", r"an empty file \(0 bytes\)"),
        ("preamble", "line 2: found 3 fields, expected 1"),
        ("semicolon_decimal_comma", "Set the form's `delimiter`"),
    ],
)
def test_a_file_that_can_not_be_trusted_is_refused(name: str, message: str) -> None:
    """Most of these are read without a word, and wrongly, by pandas' defaults."""
    with pytest.raises(ReadError, match=message):
        read(name, subjid="text")


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    """Excel writes one; the first column would never be found."""
    assert read("bom", subjid="text").values["subjid"].tolist() == ["001"]


def test_a_declared_encoding_is_used() -> None:
    """The contract says cp1252, as many German and French exports are."""
    assert read("cp1252", {"encoding": "cp1252"}, site="text").values["site"].tolist() == [
        "München",
        "5 \u2013 6 €",
    ]


def test_line_ends_inside_quotes_are_text() -> None:
    """Three records on seven lines."""
    notes = read("embedded_newline", note="text").values["note"].tolist()
    assert notes == ["line1\nline2", 'a "q" b', "x\r\ny"]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("leading_zeros", ["0001", "0002"]),
        ("sci_ids", ["1E5", "2E10", "12E3"]),
        ("long_ids", ["12345678901234567890", "9007199254740993"]),
        ("nbsp", ["001", "001"]),
    ],
)
def test_identifiers_are_text_to_the_last_character(name: str, ids: list[str]) -> None:
    """As numbers they would lose zeros, digits or each other."""
    assert read(name, subjid="text").values["subjid"].tolist() == ids


def test_words_for_missing_are_text() -> None:
    """Only the contract's codes are missing; Namibia and a Mr Null stay."""
    form = read("na_surname", name="text", ctry="text")
    assert form.values["name"].tolist() == ["NA", "Null", "None", "nan", "N/A"]
    assert form.values["ctry"].tolist()[:4] == ["NA", "FR", "DE", "US"]


@pytest.mark.parametrize("name", ["dates_ambiguous", "dates_ambiguous2"])
def test_dates_are_read_by_the_contract_alone(name: str) -> None:
    """03/04 is 3 April where the contract says day first, and nothing where it says nothing."""
    assert len(read(name, dt="date").unreadable) == 3
    dates = read(name, dt={"type": "date", "format": "%d/%m/%Y"}).values["dt"]
    assert dates.tolist()[0] == pd.Timestamp("2021-04-03")
    assert dates.notna().all()


def test_partial_and_impossible_dates_are_listed_as_found() -> None:
    """None is rounded to a day that nobody recorded."""
    form = read("dates_partial", dt="date")
    assert form.unreadable["found"].tolist() == ["2021-03", "2021", "UN-MAR-2021", "2021-02-30"]


def test_a_spreadsheet_s_day_count_is_recognised() -> None:
    """Excel's 44256 is 1 March 2021; the remedy is a date format in the sheet."""
    expected = read("excel_serial", dt="date").unreadable["expected"]
    assert expected.str.contains("day count").tolist() == [True] * 3


def test_numbers_are_exact() -> None:
    """0.30000000000000004 is not 0.3."""
    values = read("precision", v="number").values["v"].tolist()
    assert values == [0.1, 0.30000000000000004, 123456789.123456789, 1.7976931348623157e308]


def test_what_no_number_holds_is_listed() -> None:
    """Infinity would travel into every mean."""
    assert read("overflow", v="number").unreadable["row"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_whole_number_too_large_is_listed_and_the_largest_is_exact() -> None:
    """As a float, 9223372036854775807 would become its neighbour."""
    form = read("int_overflow", v="integer")
    assert form.values["v"].tolist()[0] == 9223372036854775807
    assert form.unreadable["row"].tolist() == [2]


def test_a_thousands_mark_is_no_decimal_mark() -> None:
    """1,234 is 1234 to one office and 1.234 to another."""
    assert read("thousands", v="number").unreadable["found"].tolist() == ["1,234"]
