"""What keeps records, or the whole trial, from analysis. Not here: queries (by_rule)."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.validation.content import ValidationContent

GROUPS = {  # effect -> what it means
    "withhold": "Withholds the whole trial from analysis",
    "quarantine": "Sets the record aside",
}


def blocking(content: ValidationContent) -> pd.DataFrame:
    """Return the broken rules that keep something from analysis, those that withhold everything first.

    A rule that could not be judged withholds everything.
    """
    broken = content.broken
    effect = broken["effect"].mask(broken["error"] != "", "withhold")
    order = effect.map({name: rank for rank, name in enumerate(GROUPS)})
    kept = broken.assign(effect=effect, order=order)[order.notna()]
    return kept.sort_values(["order", "n_failed"], ascending=[True, False], kind="stable")


def blocked_table(content: ValidationContent) -> Table:
    """Return a row per rule that withholds or sets aside: records, what to do, who does it."""
    rules = blocking(content)
    groups = [
        Group(tuple(_rows(rules[rules["effect"] == effect], content)), label)
        for effect, label in GROUPS.items()
    ]
    return Table(
        name="blocked-table",
        caption="Rules that keep records from analysis",
        columns=(
            Column("Form", "text"),
            Column("What must hold, and what to do", "text"),
            Column("Records", detail="of checked"),
            Column("Owner", "text"),
        ),
        groups=tuple(group for group in groups if group.rows),
        notes=("A record that breaks several rules is counted at each of them, and set aside once.",),
        empty="No rule keeps a record from analysis.",
    )


def _rows(rules: pd.DataFrame, content: ValidationContent) -> Iterator[Row]:
    found: Any
    for found in rules.itertuples(index=False):
        records = f"{numbers.number(found.n_failed, 0)} of {numbers.number(found.n_checked, 0)}"
        yield row(
            Cell(content.label(found.form), link=content.docs(found.form)),
            Cell(_said(found), detail=found.rule),
            records if found.n_failed else "the whole form",
            found.owner,
        )


def _said(found: Any) -> str:
    if found.error:
        return f"The rule could not be judged ({found.error}), so that nobody knows. Mend the rule, or report it."
    return str(found.message)
