"""Names in one form's table that point at nothing. Not here: what points at forms (references).

Works on the raw table, like `references`: the rest of the file may have other mistakes.
"""

from collections.abc import Collection, Iterator
from typing import Any

from data_contracts.errors import Problem
from data_contracts.model_references import one_of
from data_contracts.yes_no import yes_no_problems

NEEDED_COLUMNS = {
    "participants": ("participant",),
    "allocation": ("participant", "arm"),
    "visits": ("participant",),
    "sessions": ("participant",),
    "discontinuations": ("participant",),
    "adverse_events": ("participant",),
    "withdrawals": ("participant",),
}


def form_problems(
    form: dict[str, Any], where: str, columns: set[str], visits: Collection[str]
) -> Iterator[Problem]:
    """Yield every mistake in how a form names its own columns and the trial's visits.

    Args:
        form: The raw table.
        where: The file and the form's key.
        columns: The form's columns with those of its instruments' items.
        visits: The codes of the trial's visits.
    """
    for check in (_needed, _forbidden, _totals_of_instruments, _visits_apart, _named_columns):
        yield from check(form, where, columns)
    for column, sources in _tables(form, "wide").items():
        for visit in sorted(set(sources) - set(visits)):
            yield Problem(f"{where}.wide.{column}", repr(visit), one_of(visits))
    yield from yes_no_problems(form, where)


def _tables(table: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    found = table.get(section)
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _needed(form: dict[str, Any], where: str, columns: set[str]) -> Iterator[Problem]:
    for needed in NEEDED_COLUMNS.get(str(form.get("kind")), ()):
        if needed not in columns:
            yield Problem(f"{where}.columns", f"no column {needed!r}", "one, since the form's kind needs it")


def _forbidden(form: dict[str, Any], where: str, columns: set[str]) -> Iterator[Problem]:
    if form.get("kind") != "allocation" and "arm" in columns:
        expected = "the arm in the form of kind 'allocation' alone: that is what was randomised"
        yield Problem(f"{where}.columns", "a column 'arm'", expected, "Leave it undeclared here.")
    if "row" in columns:
        expected = "another name: records are numbered by `row`"
        yield Problem(f"{where}.columns", "a column named 'row'", expected)


def _totals_of_instruments(form: dict[str, Any], where: str, columns: set[str]) -> Iterator[Problem]:
    exported = {str(c["source"]) for c in _tables(form, "columns").values() if "source" in c} | columns
    for name, use in _tables(form, "instruments").items():
        if use.get("total") and use["total"] not in exported:
            expected = "a column of the form: declare it, or leave `total` out"
            yield Problem(f"{where}.instruments.{name}.total", repr(use["total"]), expected)


def _visits_apart(form: dict[str, Any], where: str, columns: set[str]) -> Iterator[Problem]:
    wide = _tables(form, "wide")
    if form.get("kind") == "visits" and not wide and not {"visit", form.get("date")} & columns:
        yield Problem(where, "neither a `visit` column nor a `date`", "one of them, to tell the visits apart")


def _named_columns(form: dict[str, Any], where: str, columns: set[str]) -> Iterator[Problem]:
    """Yield what the key, the date, the wide columns and the totals name and the form doesn't have."""
    wide = _tables(form, "wide")
    known = columns | ({"visit"} if wide else set())
    keys, totals = form.get("key", []), form.get("totals")
    named = [(".key", k) for k in keys] if isinstance(keys, list) else []
    named += [(".date", form["date"])] if form.get("date") else []
    named += [(f".wide.{column}", column) for column in wide]
    for total, parts in totals.items() if isinstance(totals, dict) else ():
        named += [(f".totals.{total}", column) for column in [total, *parts]]
    for key, column in named:
        if column not in known:
            yield Problem(f"{where}{key}", repr(column), one_of(known))
