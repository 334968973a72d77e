"""A table as HTML and as CSV: what great_tables draws, dressed for our pages."""

import csv
import io
import time
from dataclasses import replace

import pytest
from lxml import html

from analysis.reporting.checklist import NAME as CHECKLIST
from analysis.reporting.report import Report, Section
from analysis.reporting.table import Cell, Column, Group, Table, one_group, row
from analysis.reporting.table_csv import to_csv
from analysis.reporting.table_html import table_html
from assets.report_files import _of_tables
from data_contracts.standing import MARK

COLUMNS = (Column("Name", "text"), Column("Value", detail="(95% CI)"), Column("SE"), Column("p"))
TABLE = Table(
    "some-table",
    "Some <numbers>",
    COLUMNS,
    (
        Group(
            (row("One", Cell("−4.1", "a/b/c", detail="(−6.0 to −2.2)"), "0.9", "0.001", mark="primary"),),
            "First",
        ),
        Group((row("Two", Cell("not estimable: 2 < 3", "a/b/d", span=3)),), "Second & last"),
        Group((), "No row of its own"),
    ),
    ("A note.", "Another."),
)


def drawn(table):
    return html.fragment_fromstring(f"<main>{table_html(table)}</main>")


def test_great_tables_styles_stay_out_of_the_page():
    """Its light colours would stand as blocks in a dark page, and its global rules reach every other table."""
    text = str(table_html(TABLE))
    assert "<style" not in text
    assert "gt_" not in text
    assert "style=" not in text


def test_a_table_has_its_caption_and_each_cell_its_headings():
    """A screen reader says them at every cell; ids begin with the table's name, so that pages may hold many."""
    tree = drawn(TABLE)
    table = tree.find(".//table")
    assert table[0].tag == "caption"
    assert table[0].text_content() == "Some <numbers>"
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert all(one.startswith("some-table") for one in ids)
    for cell in table.iter("td"):
        assert set(cell.get("headers").split()) <= set(ids)
    assert [th.get("scope") for th in table.iter("th")].count("row") == 2
    assert table.xpath(".//tr[@class='group']")[2].text_content().strip() == "No row of its own"


def test_merged_cells_span_their_columns_and_stand_under_all_of_their_headings():
    """A reason in place of three numbers belongs to all three columns."""
    (wide,) = drawn(TABLE).xpath(".//td[@colspan]")
    assert wide.get("colspan") == "3"
    assert wide.get("headers").split()[-3:] == ["some-table-c1", "some-table-c2", "some-table-c3"]
    assert len(wide.getparent()) == 2
    assert "not estimable: 2 < 3" in wide.text_content()


def test_sources_marks_and_columns_are_told_to_test_and_style_sheet():
    """The test of the report's numbers, and light, dark and print styles, find their cells by these."""
    tree = drawn(TABLE)
    (value,) = tree.xpath(".//td[@data-source='a/b/c']")
    assert value.get("class") == "number"
    assert value.getparent().get("class") == "primary"
    assert value.find("small").text == "(−6.0 to −2.2)"


def test_rows_without_groups_get_no_empty_heading():
    """A row that heads nothing would be read aloud."""
    tree = drawn(Table("t", "T", COLUMNS[:2], one_group([row("One", "1")])))
    assert tree.xpath(".//tr[@class='group']") == []
    assert [td.get("headers") for td in tree.iter("td")] == ["t-stub-1 t-c1"]


def test_notes_are_a_list_when_there_are_several():
    """Run together they are skipped."""
    assert [li.text for li in drawn(TABLE).iter("li")] == ["A note.", "Another."]


def test_text_stays_text():
    """A label of a trial file that looks like markup must not become it."""
    bad = "<script>x</script>\"'&"
    table = Table(
        "t",
        bad,
        (Column(bad, detail=bad), Column(bad)),
        (Group((row(bad, Cell(bad, bad, bad)),), bad),),
        (bad,),
    )
    tree = drawn(table)
    assert tree.xpath("//script") == []
    assert tree.xpath("//td/@data-source") == [bad]
    assert tree.find(".//td").text.strip() == bad


def test_the_same_table_gives_the_same_bytes():
    """A night on which nothing changed must not look like a change."""
    assert table_html(TABLE) == table_html(TABLE)


def test_a_table_takes_less_than_a_tenth_of_a_second():
    """Forty of them stand in a report of 5 s; a table of 36 cells takes 5 ms, and this allows for a busy machine."""
    rows = [row(str(i), "1", "2", "3") for i in range(9)]
    table = Table("t", "T", COLUMNS, one_group(rows))
    table_html(table)
    began = time.perf_counter()
    table_html(table)
    assert time.perf_counter() - began < 0.1


def lines(table):
    return list(csv.reader(io.StringIO(to_csv(table))))


def test_a_csv_has_a_column_for_groups_and_for_what_stands_smaller():
    """Nothing that is on the page is lost, and each line stands alone."""
    heading, one, two = lines(TABLE)
    assert heading == ["Group", "Name", "Value, (95% CI)", "Value: more", "SE", "p"]
    assert one == ["First", "One", "-4.1", "(−6.0 to −2.2)", "0.9", "0.001"]
    assert two == ["Second & last", "Two", "not estimable: 2 < 3", "", "", ""]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|x", "@sum", "\t=1"])
def test_no_cell_of_a_csv_is_taken_for_a_formula(text):
    """Who opens a table in a spreadsheet must not run what somebody typed into a label."""
    table = Table("t", "T", (Column(text), Column("B")), (Group((row(text, Cell("1", detail=text)),), text),))
    assert all(cell.startswith("'") for line in lines(table) for cell in line if text in cell)


def test_a_number_of_a_csv_is_one():
    """A spreadsheet adds up numbers with a plain minus sign and no thousands' separators."""
    assert lines(Table("t", "T", COLUMNS[:2], one_group([row("n", "−1,234.5")])))[1] == ["n", "-1234.5"]


def test_a_mark_is_the_last_row_of_the_csv():
    """A copied file keeps no name, and a spreadsheet shows the end of a short table."""
    plain, marked = (list(csv.reader(io.StringIO(to_csv(TABLE, mark)))) for mark in ("", MARK))
    assert marked[:-1] == plain
    assert marked[-1] == [MARK, *[""] * (len(plain[0]) - 1)]


@pytest.mark.parametrize(("marks", "expected"), [({"shuffled": MARK}, True), ({"not-as-locked": "L"}, False)])
def test_every_table_of_a_shuffled_report_says_so_in_its_csv(marks, expected):
    """Its numbers are about nobody's treatment."""
    empty = replace(TABLE, name="none", groups=())
    sections = (Section("one", "One", (TABLE, empty, replace(TABLE, name=CHECKLIST))),)
    report = Report("A trial", "final", "", "", is_synthetic=True, marks=marks, headlines=(), key_figures=(),
                    sections=sections)  # fmt: skip
    files = {name: list(csv.reader(io.StringIO(data.decode()))) for name, data in _of_tables(report)}
    assert set(files) == {"checklist.csv", "tables/some-table.csv", f"tables/{CHECKLIST}.csv"}
    assert all((rows[-1][0] == MARK) == expected for rows in files.values())
