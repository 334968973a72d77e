"""Findings in, the query listing out: what to ask of whom, under an id that stays the same each night.

The listing is the one table that holds values as found. Not here: what a finding does to the data (verdict).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.rules import QUERY_COLUMNS, Finding, Rule
from data_contracts.spec import Trial

ID_LENGTH = 12  # hexadecimal digits: among a million queries, two share an id in one listing of 560


Unread = Mapping[tuple[int, str], tuple[str, str]]  # (row, column) -> what was found, what was expected


@dataclass(frozen=True, slots=True)
class Query:
    """One question about a cell; about a whole form where there is no row."""

    rule: Rule
    field: str
    row: int | None = None
    participant: str = ""
    visit: str = ""
    value: str = ""
    message: str = ""
    query_id: str = ""


def queries_of(forms: Mapping[str, ReadForm], trial: Trial, failed: Iterable[Finding]) -> list[Query]:
    """Return a query for each cell, or form, that broke a rule; a rule that gave an error asks nothing."""
    seen: Counter[str] = Counter()
    unread = {name: _unread(form) for name, form in forms.items()}
    return [
        _with_id(query, forms[finding.rule.form], trial, seen)
        for finding in failed
        if not finding.error
        for query in _asked(finding, forms[finding.rule.form], unread[finding.rule.form])
    ]


def listing(queries: Sequence[Query]) -> pd.DataFrame:
    """Return the queries as a table with `QUERY_COLUMNS`; `row` is missing where a whole form is meant."""
    records = [
        (
            q.query_id,
            q.rule.form,
            q.row,
            q.participant,
            q.visit,
            q.field,
            q.value,
            q.rule.id,
            q.rule.dimension,
            q.rule.severity,
            q.message,
            q.rule.owner,
        )
        for q in queries
    ]
    types = {name: "Int64" if name == "row" else "str" for name in QUERY_COLUMNS}
    return pd.DataFrame(records, columns=list(QUERY_COLUMNS)).astype(types)


def cell_text(form: ReadForm, row: int, column: str) -> str:
    """Return a value as text, "" where it is missing or the form has no such column."""
    if column not in form.values:
        return ""
    value: Any = form.values[column].loc[row]
    if pd.isna(value):
        return ""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _unread(form: ReadForm) -> Unread:
    cells = form.unreadable[["row", "column", "found", "expected"]].to_numpy()
    return {(int(row), str(name)): (str(found), str(expected)) for row, name, found, expected in cells}


def _asked(finding: Finding, form: ReadForm, unread: Unread) -> Iterator[Query]:
    rule = finding.rule
    if not finding.rows:
        field = form.unknown_columns if rule.check == "no_others" else rule.columns
        yield Query(rule, ", ".join(field), message=rule.message)
    elif rule.check == "readable":
        yield from _about_unread(finding, form, unread)
    else:
        yield from _about_values(finding, form, unread)


def _about_unread(finding: Finding, form: ReadForm, unread: Unread) -> Iterator[Query]:
    rows = set(finding.rows)
    for (row, column), (found, expected) in unread.items():
        if row in rows and column in finding.rule.columns:
            message = f"{finding.rule.message} Expected here: {expected}."
            yield Query(finding.rule, column, row, *_who(form, row), value=found, message=message)


def _about_values(finding: Finding, form: ReadForm, unread: Unread) -> Iterator[Query]:
    rule = finding.rule
    field = rule.columns if rule.check == "unique" else rule.columns[:1]
    for row in finding.rows:
        if rule.check == "not_missing" and (row, field[0]) in unread:
            continue  # the value is missing only since it could not be read, which is asked already
        value = ", ".join(_as_found(form, row, name, unread) for name in field)
        yield Query(rule, ", ".join(field), row, *_who(form, row), value=value, message=rule.message)


def _who(form: ReadForm, row: int) -> tuple[str, str]:
    return cell_text(form, row, "participant"), cell_text(form, row, "visit")


def _as_found(form: ReadForm, row: int, column: str, unread: Unread) -> str:
    """Return a cell as the file has it: its raw text if it could not be read, its reason if it is missing."""
    if (row, column) in unread:
        return unread[row, column][0]
    reason: Any = form.reasons[column].loc[row] if column in form.reasons else None
    return cell_text(form, row, column) if pd.isna(reason) else f"missing: {reason}"


def _with_id(query: Query, form: ReadForm, trial: Trial, seen: Counter[str]) -> Query:
    """Return a query with its id; of several on one record's key and field, the n-th has n in its id."""
    key = [cell_text(form, query.row, name) for name in trial.forms[form.name].key] if query.row else []
    about = "\x1f".join(
        [trial.name, form.name, query.participant, query.visit, *key, query.field, query.rule.id]
    )
    seen[about] += 1
    query_id = hashlib.sha256(f"{about}\x1f{seen[about]}".encode()).hexdigest()[:ID_LENGTH]
    return replace(query, query_id=query_id)
