"""CSV files with one hazard each, held against what the corpus's manifest says should happen.

Not here: SPSS and fuzzed files (test_corpus_manifest), any text at all (test_csv_oracle).
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.spec import Trial
from data_contracts.suites.codes_and_ranges import code_and_range_rules
from data_contracts.writers.cells import neutralised

CORPUS = Path(__file__).parent / "corpus" / "csv"
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}


OPEN = {"privacy": {"not_personal": ["form.name"]}}  # nobody is called Null


@dataclass(frozen=True)
class Expected:
    """How a file ends: with so many rows, or refused; words of its error, its notes or its flags; its contract."""

    rows: int | None  # None: refused
    words: tuple[str, ...] = ()
    n_unreadable: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=lambda: {"subjid": "text"})


def refused(*words: str, **settings: Any) -> Expected:
    """Return that a file is refused, and in which words."""
    return Expected(None, words, settings=settings)


def accepted(rows: int, *words: str, n_unreadable: int = 0, **types: Any) -> Expected:
    """Return that a file is read, what is told of it, and how many cells the query listing has."""
    return Expected(rows, words, n_unreadable, types=types or {"subjid": "text"})


NUMBER, DATE = {"v": "number"}, {"dt": "date"}
EXPECTED = {
    "bom": accepted(1, "Read as UTF-8, by the byte order mark it begins with."),
    "utf16": refused(
        "found text in UTF-16, expected a CSV in UTF-8", "set the form's `encoding` to 'utf-16'"
    ),
    "semicolon_decimal_comma": refused(
        "columns set apart by ';', and a decimal comma", "Set the form's `delimiter` and `decimal`"
    ),
    "mixed_encoding": refused(
        "line 3: found a byte that is not utf-8 (byte 33 of the file), though other characters are",
        "export it again in one",
    ),
    "cp1252": refused("line 2: found a byte that is not utf-8", "the text may be windows-1252"),
    "embedded_newline": accepted(3),
    "unclosed_quote": refused("line 2: found a quote that is never closed", "What follows it was not read"),
    "formula": accepted(5, note="text"),
    "leading_zeros": accepted(2),
    "sci_ids": accepted(3),
    "long_ids": accepted(2),
    "dates_ambiguous": accepted(3, "whether its day or its month comes first", n_unreadable=3, **DATE),
    "dates_ambiguous2": accepted(3, "whether its day or its month comes first", n_unreadable=3, **DATE),
    "dates_partial": accepted(5, "this is a part of one", n_unreadable=4, **DATE),
    "dup_headers": refused("line 1: found two columns named 'score' and 'score'"),
    "empty_header": refused("line 1: found no name over column 2"),
    "ragged_long": refused("line 3: found 4 fields, expected 3, as in the header"),
    "ragged_long_all": refused("line 2: found 4 fields", "line 3: found 4 fields"),
    "ragged_short": refused("line 3: found 2 fields, expected 3"),
    "trailing_comma": refused("line 2: found 4 fields", "A mark stands at the end of the line"),
    "nul": refused("line 2: found a NUL (character 15 of the file)"),
    "na_surname": accepted(5, name="text", ctry="text"),
    "booleans": accepted(3, b1="category", b2="category", b3="category", b4="category"),
    "bools_mixed": accepted(3, b="category"),
    "overflow": accepted(8, "a number that a computer can hold", n_unreadable=8, **NUMBER),
    "int_overflow": accepted(3, "a whole number below 2 to the power 63", n_unreadable=1, v="integer"),
    "thousands": accepted(2, "the form's `thousands` declares it", n_unreadable=1, **NUMBER),
    "excel_serial": accepted(
        3, "a spreadsheet's day count, which would be 2021-03-01", n_unreadable=3, **DATE
    ),
    "whitespace": refused("line 1: found spaces around the column name 'subjid'"),
    "nbsp": accepted(2, "subjid: spaces around 1 value were removed.", subjid="text", arm="text"),
    "crlf_cr": refused("line ends of a carriage return alone", "line ends of Windows or Unix"),
    "blank_lines": refused("line 2: found an empty line", "line 4: found an empty line"),
    "comment_tail": refused("line 4: found 1 field, expected 2"),
    "truncated_lastline": refused(
        "line 3: found no line end after the last line", "cut, even within a number"
    ),
    "header_only": refused("found no records", "Set `may_be_empty`"),
    "empty": refused("an empty file (0 bytes)"),
    "preamble": refused("line 2: found 3 fields, expected 1", "If line 1 is a title"),
    "precision": accepted(4, **NUMBER),
}


def read(name: str, settings: dict[str, Any] | None = None, /, **types: Any) -> ReadForm:
    """Return a file of the corpus; a column is given as its type, or as a whole table."""
    return read_trial(CORPUS, trial_of(name, settings or {}, types))["form"]


def trial_of(name: str, settings: dict[str, Any], types: dict[str, Any]) -> Trial:
    """Return a plan with one form of the given columns."""
    columns = {c: {"type": kind} if isinstance(kind, str) else kind for c, kind in types.items()}
    form = {
        "label": "", "kind": "visits", "file": f"{name}.csv", "format": "csv", "key": [], "columns": columns,
        **settings,
    }  # fmt: skip
    parts = {**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY}
    return Trial.model_validate(parts | (OPEN if "name" in types else {}))


def test_each_file_of_the_manifest_has_its_ending() -> None:
    """A file without one would pass unseen."""
    with (CORPUS.parent / "manifest.csv").open(newline="") as file:
        listed = [row["name"] for row in csv.DictReader(file) if row["name"].startswith("csv/")]
    assert sorted(f"csv/{name}.csv" for name in EXPECTED) == sorted(listed)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_ends_as_its_manifest_says(name: str) -> None:
    """Most of these are read without a word, and wrongly, by the defaults of other readers."""
    expected = EXPECTED[name]
    if expected.rows is None:
        with pytest.raises(ReadError) as caught:
            read(name, expected.settings, **expected.types)
        told = str(caught.value)
    else:
        form = read(name, expected.settings, **expected.types)
        told = "; ".join([*form.notes, *form.unreadable["expected"]])
        assert len(form.values) == expected.rows
        assert len(form.unreadable) == expected.n_unreadable
        assert not form.absent_columns
    assert [words for words in expected.words if words not in told] == []


@pytest.mark.parametrize(("name", "rows"), [("header_only", 0)])
def test_a_header_alone_is_read_where_the_plan_allows_it(name: str, rows: int) -> None:
    """There may truly be no adverse events."""
    assert len(read(name, {"may_be_empty": True}, subjid="text").values) == rows


def test_a_semicolon_file_is_read_once_its_marks_are_declared() -> None:
    """12,5 is 12.5, and 1.234,5 is 1234.5."""
    marks = {"delimiter": ";", "decimal": ",", "thousands": "."}
    assert read("semicolon_decimal_comma", marks, wt="number").values["wt"].tolist() == [1234.5, 80.1]


def test_text_that_looks_like_a_formula_is_read_as_it_is_and_exported_harmless() -> None:
    """A spreadsheet would compute it; here it is data."""
    notes = read("formula", note="text").values["note"].tolist()
    assert notes == ['=HYPERLINK("http://x")', "+1+1", "@SUM(A1)", "-2+3", "=1"]
    assert all(neutralised(note) == f"'{note}" for note in notes)


@pytest.mark.parametrize(("name", "column"), [("booleans", "b1"), ("booleans", "b2"), ("bools_mixed", "b")])
def test_a_truth_is_what_the_code_list_says(name: str, column: str) -> None:
    """TRUE, yes and ja are text: each spelling that is not listed breaks the column's rule."""
    listed = {"TRUE": "yes", "FALSE": "no"}
    types = {column: {"type": "category", "labels": listed}}
    values = read(name, **types).values[column]
    trial = trial_of(name, {}, types)
    rules = [rule for rule in code_and_range_rules(trial.forms["form"], trial) if rule.check == "in_set"]
    assert [rule.arguments["values"] for rule in rules] == [tuple(listed)]
    breaking = set(values.dropna()) - set(rules[0].arguments["values"])
    assert breaking == {"b1": {"True"}, "b2": {"yes", "no", "Y"}, "b": {"True"}}[column]


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
