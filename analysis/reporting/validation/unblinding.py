"""Where free text holds a word that tells the arm: how often, never the text. Not here: finding it (suites)."""

from typing import Any

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from analysis.reporting.validation.content import ValidationContent

TELLS = "text"  # the dimension of the rules that look for such words
MOST_IDS = 12


def unblinding_table(content: ValidationContent) -> Table:
    """Return a row per form and column with such text, and the queries that ask about it."""
    found = content.broken[content.broken["dimension"] == TELLS]
    n_searched = int((content.findings["dimension"] == TELLS).sum())
    nothing = f"No such word was found in {n_searched} columns of free text."
    return Table(
        name="unblinding-table",
        caption="Free text that tells the arm",
        columns=(Column("Form", "text"), Column("Column", "code"), Column("Records"), Column("Queries", "code")),
        groups=one_group(_row(one, content) for one in found.itertuples(index=False)),
        notes=("The text itself stands with the query only. Where a record was seen by a blind assessor, log it.",),
        empty=nothing if n_searched else "The plan has no column of free text to search, or no words to search for.",
    )  # fmt: skip


def _row(found: Any, content: ValidationContent) -> Row:
    asked = content.asked
    ids = asked.loc[(asked["rule"] == found.rule) & (asked["form"] == found.form), "query_id"]
    heading = Cell(content.label(found.form), link=content.docs(found.form))
    return row(heading, found.columns, numbers.number(found.n_failed, 0), _ids(ids))


def _ids(ids: pd.Series) -> str:
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return ", ".join(ids.head(MOST_IDS)) + more
