"""A table as CSV, for people who take its numbers elsewhere. Not here: what it says, writing it."""

import csv
import io
import re
from collections.abc import Iterator

from analysis.reporting.numbers import MINUS
from analysis.reporting.table import Cell, Column, Row, Table
from data_contracts.writers.cells import neutralised

GROUP = "Group"
NUMBER = re.compile(r"-?[\d,]*\d(\.\d+)?")


def to_csv(table: Table, mark: str = "") -> str:
    """Return a table as CSV with a heading; what stands smaller beside a cell gets a column of its own.

    A number that stands alone is written as one, with a plain minus sign; of any other text, nothing is taken for a
    formula by a spreadsheet.

    Args:
        table: The table.
        mark: What must not be overlooked: the last row, in its first column. A file's name is lost when it is copied.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    grouped, detailed = any(group.label for group in table.groups), _detailed(table)
    heading = [*([GROUP] if grouped else []), *_headings(table, detailed)]
    writer.writerow(heading)
    for group in table.groups:
        label = [neutralised(group.label)] if grouped else []
        writer.writerows([*label, *_line(row, table, detailed)] for row in group.rows)
    if mark:
        writer.writerow([neutralised(mark), *[""] * (len(heading) - 1)])
    return out.getvalue()


def _detailed(table: Table) -> frozenset[int]:
    """Return the columns in which some cell says more beside its text."""
    rows = (row for group in table.groups for row in group.rows)
    return frozenset(i for row in rows for i, cell in enumerate(_spread(row)) if cell.detail)


def _headings(table: Table, detailed: frozenset[int]) -> Iterator[str]:
    for i, column in enumerate(table.columns):
        yield neutralised(_heading(column))
        if i in detailed:
            yield neutralised(f"{column.label}: more".removeprefix(": "))


def _heading(column: Column) -> str:
    return (
        f"{column.label}, {column.detail}"
        if column.label and column.detail
        else column.label or column.detail
    )


def _spread(row: Row) -> Iterator[Cell]:
    """Yield a cell per column: where one spans several, those after the first are empty."""
    for cell in row.cells:
        yield cell
        for _ in range(cell.span - 1):
            yield Cell("")


def _line(row: Row, table: Table, detailed: frozenset[int]) -> Iterator[str]:
    cells = list(_spread(row))
    cells += [Cell("")] * (len(table.columns) - len(cells))
    for i, cell in enumerate(cells):
        yield _written(cell.text)
        if i in detailed:
            yield _written(cell.detail)


def _written(text: str) -> str:
    plain = text.replace(MINUS, "-")
    return plain.replace(",", "") if NUMBER.fullmatch(plain) else neutralised(text)
