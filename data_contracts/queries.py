"""Findings in, the query listing out: what to ask of whom, under an id that stays the same each night.

The listing is the one table that holds values as found. Not here: what a finding does to the data (verdict),
what becomes of a query from night to night.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.helper_columns.patterns import silent_columns
from data_contracts.rules import QUERY_COLUMNS, Finding, Rule
from data_contracts.spec import Trial

ID_LENGTH = 12  # hexadecimal digits: among a million queries, two share an id in one listing of 560
TYPES = {name: "Int64" if name == "row" else "str" for name in QUERY_COLUMNS}

Unread = Mapping[tuple[int, str], tuple[str, str]]  # (row, column) -> what was found, what was expected


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What one finding asks about one field: the records, with a value and a message for each."""

    rule: Rule
    field: str
    rows: Sequence[int]  # none: about the form as a whole
    values: Sequence[str]
    messages: Sequence[str]


def query_listing(forms: Mapping[str, ReadForm], trial: Trial, failed: Iterable[Finding]) -> pd.DataFrame:
    """Return a query for each cell, or form, that broke a rule; a rule that gave an error asks nothing.

    Returns:
        (n, columns) `QUERY_COLUMNS`; `row` is missing where a whole form is meant.
    """
    seen: Counter[str] = Counter()
    unread = {name: _unread(form) for name, form in forms.items()}
    records = [
        record
        for finding in failed
        if not finding.error
        for asked in _asked(finding, forms[finding.rule.form], unread[finding.rule.form])
        for record in _records(asked, forms[finding.rule.form], trial, seen)
    ]
    return pd.DataFrame(records, columns=list(QUERY_COLUMNS)).astype(TYPES)


def cell_texts(form: ReadForm, rows: Sequence[int], column: str) -> list[str]:
    """Return a column's values in some records as text, "" where missing or the form has no such column."""
    if column not in form.values:
        return [""] * len(rows)
    return [_text(value) for value in form.values[column].loc[list(rows)].tolist()]


def cell_text(form: ReadForm, row: int, column: str) -> str:
    """Return one value as text: see `cell_texts`."""
    return cell_texts(form, (row,), column)[0]


def _text(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _unread(form: ReadForm) -> Unread:
    cells = form.unreadable[["row", "column", "found", "expected"]].to_numpy()
    return {(int(row), str(name)): (str(found), str(expected)) for row, name, found, expected in cells}


def _asked(finding: Finding, form: ReadForm, unread: Unread) -> Iterator[Asked]:
    rule = finding.rule
    if not finding.rows:
        field = ABOUT_A_FORM.get(rule.check, _rules_columns)(rule, form)
        yield Asked(rule, ", ".join(field), (), ("",), (rule.message,))
    elif rule.check == "readable":
        yield from _about_unread(finding, unread)
    else:
        yield _about_values(finding, form, unread)


def _rules_columns(rule: Rule, _: ReadForm) -> Sequence[str]:
    return rule.columns


ABOUT_A_FORM: Mapping[str, Callable[[Rule, ReadForm], Sequence[str]]] = {  # what a check of a form asks about
    "no_others": lambda _, form: form.unknown_columns,
    "varied": lambda rule, form: silent_columns(form.values, rule.columns),
}


def _about_unread(finding: Finding, unread: Unread) -> Iterator[Asked]:
    rows, rule = set(finding.rows), finding.rule
    for (row, column), (found, expected) in unread.items():
        if row in rows and column in rule.columns:
            yield Asked(rule, column, (row,), (found,), (f"{rule.message} Expected here: {expected}.",))


def _about_values(finding: Finding, form: ReadForm, unread: Unread) -> Asked:
    rule, rows = finding.rule, finding.rows
    field = rule.columns if rule.check in SHOWS_ALL_COLUMNS else rule.columns[:1]
    if rule.check == "not_missing":  # what is missing only since it could not be read is asked already
        rows = tuple(row for row in rows if (row, field[0]) not in unread)
    found = [_as_found(form, rows, name, unread) for name in field]
    values = [", ".join(parts) for parts in zip(*found, strict=True)] if field else [""] * len(rows)
    return Asked(rule, ", ".join(field), rows, values, [rule.message] * len(rows))


SHOWS_ALL_COLUMNS = ("unique",)  # a key is asked about as a whole


def _as_found(form: ReadForm, rows: Sequence[int], column: str, unread: Unread) -> list[str]:
    """Return cells as the file has them: raw text where it could not be read, a reason where missing."""
    texts = cell_texts(form, rows, column)
    if column in form.reasons:
        reasons = form.reasons[column].loc[list(rows)].tolist()
        texts = [t if pd.isna(why) else f"missing: {why}" for t, why in zip(texts, reasons, strict=True)]
    if not unread:
        return texts
    return [unread[r, column][0] if (r, column) in unread else t for r, t in zip(rows, texts, strict=True)]


def _records(asked: Asked, form: ReadForm, trial: Trial, seen: Counter[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the listing on one field of one finding."""
    rule, rows = asked.rule, asked.rows
    if not rows:
        where = [(None, "", "", ())] if asked.values else []
    else:
        keys = [cell_texts(form, rows, name) for name in trial.forms[form.name].key]
        who = (cell_texts(form, rows, name) for name in ("participant", "visit"))
        where = list(zip(rows, *who, zip(*keys, strict=True) if keys else [()] * len(rows), strict=True))
    for (row, participant, visit, key), value, message in zip(
        where, asked.values, asked.messages, strict=True
    ):
        about = "\x1f".join([trial.name, form.name, participant, visit, *key, asked.field, rule.id])
        seen[about] += 1
        yield (
            _id(about, seen[about]),
            rule.form,
            row,
            participant,
            visit,
            asked.field,
            value,
            rule.id,
            rule.dimension,
            rule.severity,
            message,
            rule.owner,
        )


def _id(about: str, n: int) -> str:
    """Return the id of the n-th query on one record's key, field and rule."""
    return hashlib.sha256(f"{about}\x1f{n}".encode()).hexdigest()[:ID_LENGTH]
