"""Queries out to the sites as CSV and XLSX, and their answers back."""

import csv
import io
from datetime import UTC, datetime

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from data_contracts.errors import ReadError
from pipelines.querybook import sheets
from pipelines.querybook.answers import read_answers
from pipelines.querybook.listing import as_table

NOW = datetime(2026, 3, 20, tzinfo=UTC)
ASKED = datetime(2026, 3, 1, tzinfo=UTC)


def listing(*rows):
    own = {
        "form": "scores",
        "row": 3,
        "participant": "0007",
        "visit": "m6",
        "field": "x",
        "value": "7",
        "rule": "scores.range.x",
        "dimension": "range",
        "severity": "warning",
        "message": "Must hold.",
        "owner": "data manager",
        "site": "Norfolk",
        "status": "open",
        "first_seen": ASKED,
        "last_seen": NOW,
        "asked": ASKED,
        "first_run": "r",
        "last_run": "r",
        "answer": "",
        "note": "",
    }
    return as_table([{**own, "query_id": f"{i:012x}", **row} for i, row in enumerate(rows)], NOW, 14)


def opened(content):
    return load_workbook(io.BytesIO(content))


def cells(sheet, heading):
    column = [cell.value for cell in sheet[1]].index(heading) + 1
    return [sheet.cell(row, column) for row in range(2, sheet.max_row + 1)]


DANGEROUS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
    "http://example.org",
    "0012",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_of_a_sheet_or_csv_is_a_formula(text):
    """A site opens it with a click, and the text came from a file somebody else wrote."""
    table = listing({"value": text, "note": text, "participant": text})
    (sheet,) = opened(sheets.xlsx_bytes(table, "t", NOW)).worksheets
    for heading in ("value", "note", "participant"):
        (cell,) = cells(sheet, heading)
        assert cell.data_type == "s"
        assert cell.hyperlink is None
        assert not str(cell.value).startswith(("=", "+", "-", "@", "\t", "\r"))
    (row,) = csv.DictReader(io.StringIO(sheets.csv_bytes(table).decode("utf-8-sig")))
    assert not row["value"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_sheet_can_be_read_sorted_and_answered_and_nothing_else():
    """The head stays in sight, columns fit their texts, ids are locked, the answer is free."""
    book = opened(sheets.xlsx_bytes(listing({}, {"severity": "critical"}), "t", NOW))
    (sheet,) = book.worksheets
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.protection.sheet
    assert not sheet.protection.autoFilter, "false means allowed"
    assert all(cell.protection.locked for cell in cells(sheet, "query_id"))
    assert not any(cell.protection.locked for cell in cells(sheet, "answer"))
    assert all(cell.alignment.wrap_text for cell in cells(sheet, "question"))
    widths = {
        sheet.cell(1, i).value: sheet.column_dimensions[sheet.cell(1, i).column_letter].width for i in (1, 11)
    }
    assert widths["query_id"] > 12
    assert widths["question"] > 50


def test_severities_have_colours_and_words():
    """Not everybody sees red; a printed page sees none."""
    book = opened(sheets.xlsx_bytes(listing({"severity": "critical"}, {"severity": "info"}), "t", NOW))
    grave, light = cells(book.worksheets[0], "severity")
    assert [grave.value, light.value] == ["critical", "info"]
    assert grave.fill.fgColor.rgb != light.fill.fgColor.rgb
    assert cells(book.worksheets[0], "overdue")[0].value == "overdue"


def test_identifiers_keep_their_zeros_and_days_are_numbers():
    """0007 is no 7; 19 days can be sorted."""
    (sheet,) = opened(sheets.xlsx_bytes(listing({}), "t", NOW)).worksheets
    assert cells(sheet, "participant")[0].value == "0007"
    assert cells(sheet, "days")[0].value == 19


def test_each_site_has_a_sheet_whatever_it_is_called():
    """Excel refuses some signs, lengths, doubles and one word in a sheet's name, and then the whole file."""
    sites = ["A/B:C?*[x]", "a_b_c___x_", "L" * 40, "L" * 41, "History", "", "'quoted'", "Norfolk"]
    book = opened(sheets.xlsx_bytes(listing(*({"site": site} for site in sites)), "t", NOW))
    titles = book.sheetnames
    assert len(titles) == len(sites)
    assert len({title.lower() for title in titles}) == len(sites)
    assert all(0 < len(title) <= 31 for title in titles)
    assert "no site" in titles
    assert sum(sheet.max_row - 1 for sheet in book.worksheets) == len(sites)


def test_each_site_has_a_file_inside_the_folder(tmp_path):
    """A site's name comes from a file: it must not lead elsewhere."""
    sites = ["../../etc/passwd", "Norfolk & Waveney", "norfolk & waveney", ".."]
    files = sheets.write_by_site(listing(*({"site": site} for site in sites)), tmp_path, "t", NOW)
    assert len(files) == 4
    assert all(path.parent == tmp_path and path.suffix == ".xlsx" for path in files)
    assert all(opened(content).worksheets[0].max_row == 2 for content in files.values())


def test_no_query_is_an_empty_sheet_rather_than_a_damaged_file():
    """A workbook needs a sheet."""
    (sheet,) = opened(sheets.xlsx_bytes(listing(), "t", NOW)).worksheets
    assert sheet.max_row == 1


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_filled_sheet_comes_back_as_answers(tmp_path):
    """What the site got is what is taken; lines it left alone wish nothing."""
    book = opened(sheets.xlsx_bytes(listing({}, {"site": "Sussex"}, {}), "t", NOW))
    cells(book["Norfolk"], "answer")[1].value = "It is 17."
    cells(book["Sussex"], "answer")[0].value = 17
    book.save(tmp_path / "back.xlsx")
    wishes = read_answers(tmp_path / "back.xlsx")
    assert {(w.query_id, w.deed, w.text) for w in wishes} == {
        (f"{2:012x}", "answer", "It is 17."), (f"{1:012x}", "answer", "17"),
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_of_any_spreadsheet_is_taken(tmp_path, delimiter, encoding):
    """Semicolons are what Excel writes in half of Europe."""
    lines = [
        ["Query_ID", "answer", "Status"],
        ["ABC", 'said "no", twice\nand again', ""],
        ["def", "fine", "Resolved"],
    ]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    (tmp_path / "a.csv").write_bytes(text.getvalue().encode(encoding))
    answer, close = read_answers(tmp_path / "a.csv")
    assert (answer.query_id, answer.deed, answer.text) == ("abc", "answer", 'said "no", twice\nand again')
    assert (close.query_id, close.deed, close.where) == ("def", "close", "a.csv, line 4")


def test_all_mistakes_of_a_file_come_at_once_with_their_lines(tmp_path):
    """Nobody wants to send a file back five times."""
    rows = [
        ["query_id", "answer", "status"],
        ["a", "fine", ""],
        ["", "whose?", ""],
        ["a", "again", ""],
        ["b", "=1+1", ""],
        ["c", "x", "maybe"],
        ["d", "", "resolved"],
        ["e", "", ""],
        ["f", "-99 is right", ""],
    ]
    with pytest.raises(ReadError) as error:
        read_answers(write(tmp_path / "a.csv", rows))
    where = [problem.where.split()[-1] for problem in error.value.problems]
    assert where == ["3", "4", "5", "6", "7"]
    assert "maybe" not in str(error.value), "what a site wrote may be a value"


def test_an_answer_with_a_bare_comma_is_refused_and_never_cut(tmp_path):
    """“217 months, see notes” typed into a text editor was taken as “217 months”."""
    path = tmp_path / "a.csv"
    path.write_text("query_id,answer\n0a,217 months, see notes\n0b,fine,\n")
    with pytest.raises(ReadError) as error:
        read_answers(path)
    assert [(p.where, p.found) for p in error.value.problems] == [
        ("a.csv, line 2", "more cells than columns")
    ]
    path.write_text('query_id,answer\n0a,"217 months, see notes"\n0b,fine,\n')
    assert [wish.text for wish in read_answers(path)] == ["217 months, see notes", "fine"]


def test_a_formula_in_a_workbook_is_refused(tmp_path):
    """Its result is not what anybody wrote."""
    book = Workbook()
    book.active.append(["query_id", "answer"])
    book.active.append(["a", "=1+1"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(ReadError, match="formula"):
        read_answers(tmp_path / "a.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "columns"),
        ("a.csv", b"query_id,comment\na,b\n", "no column answer"),
        ("a.csv", b"query_id,answer,answer\na,b,c\n", "two columns answer"),
        ("a.csv", "query_id,answer\na,é\n".encode("latin-1"), "UTF-8"),
        ("a.csv", b'query_id,answer\na,"b\n', "CSV"),
        ("a.xlsx", b"no workbook", "no sound XLSX"),
        ("a.ods", b"x", ".csv or .xlsx"),
        ("b.csv", None, "no file"),
    ],
)
def test_a_file_that_cannot_be_answers_says_why(tmp_path, name, content, said):
    """One sentence, no traceback."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=said):
        read_answers(tmp_path / name)


def test_a_workbook_without_the_columns_says_so(tmp_path):
    """An empty answer file must not pass as one without answers."""
    Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(ReadError, match="no column query_id"):
        read_answers(tmp_path / "a.xlsx")


def test_listings_of_either_kind_have_the_same_columns():
    """Whoever knows one knows the other."""
    table = listing({})
    header = next(csv.reader(io.StringIO(sheets.csv_bytes(table).decode("utf-8-sig"))))
    (sheet,) = opened(sheets.xlsx_bytes(table, "t", NOW)).worksheets
    assert header == [cell.value for cell in sheet[1]]
    assert isinstance(table, pd.DataFrame)
