"""Cells that several tables show: a dash where there is no number, and always the rows it was read from."""

from types import SimpleNamespace

import pytest

from analysis.reporting.cells import count_cell, mean_cell, median_cell, n_cell, share_cell
from analysis.reporting.table import Cell, Row, row

ABSENT = Cell("–")


def found(value, key="row", n=None):
    return SimpleNamespace(value=value, key=key, n=n)


@pytest.mark.parametrize(
    "cell",
    [
        count_cell(None),
        n_cell(None),
        n_cell(found(2.0)),
        share_cell(None, found(50.0)),
        mean_cell(found(1.0), None),
        median_cell(found(1.0), None, found(2.0), found(1.0)),
    ],
)
def test_without_a_number_there_is_a_dash_and_no_source(cell):
    """An empty place would be taken for a mistake of the page."""
    assert cell == ABSENT


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        (count_cell(found(1234.0, "a")), Cell("1,234", "a")),
        (n_cell(found(0.5, "a", 97)), Cell("97", "a")),
        (share_cell(found(40.0, "a"), found(53.2, "b")), Cell("40 (53%)", "a ; b")),
        (share_cell(found(40.0, "a"), None), Cell("40", "a")),
        (mean_cell(found(12.34, "a"), found(4.5, "b")), Cell("12.3 (4.5)", "a ; b")),
        (
            median_cell(found(12.0, "a"), found(8.0, "b"), found(15.5, "c"), found(4.5, "d")),
            Cell("12.0 (8.0 to 15.5)", "a ; b ; c"),
        ),
    ],
)
def test_each_number_names_its_rows(cell, wanted):
    """A number that cannot be traced is worth nothing."""
    assert cell == wanted


def test_a_row_says_in_which_column_each_cell_begins():
    """Page and Word place a wide cell alike."""
    wide: Row = row("one", Cell("over two", span=2), "last")
    assert [(at, cell.text) for at, cell in wide.placed()] == [(0, "one"), (1, "over two"), (3, "last")]
