"""Names under [blinding] and [privacy], and in a form's `drop`, that point at nothing. Not here: other sections."""

from collections.abc import Iterator
from typing import Any

from data_contracts.errors import Problem
from data_contracts.model_references import one_of


def secrecy_problems(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    """Yield every mistake in what is declared to tell the arm, or to tell or not to tell who somebody is."""
    forms = _tables(raw, "forms")
    yield from _reveals(raw, where, forms)
    for name in _list(_table(raw, "privacy").get("not_personal")):
        if name.split(".")[0] not in forms:
            yield Problem(f"{where}, privacy.not_personal", repr(name), f"form.column, of {one_of(forms)}")
    for name, form in forms.items():
        yield from _dropped(form, f"{where}, forms.{name}")


def _reveals(raw: dict[str, Any], where: str, forms: dict[str, Any]) -> Iterator[Problem]:
    for name in _list(_table(raw, "blinding").get("reveals")):
        form, _, column = name.partition(".")
        here = f"{where}, blinding.reveals"
        if form not in forms:
            yield Problem(here, repr(name), f"a form or form.column, of {one_of(forms)}")
        elif column and column not in _tables(forms[form], "columns"):
            yield Problem(here, repr(name), one_of(_tables(forms[form], "columns")))
        elif not column and forms[form].get("kind") in {"participants", "allocation"}:
            yield Problem(here, f"{name!r}, which holds every participant", "its columns that tell the arm")
        elif column == "participant":
            yield Problem(here, repr(name), "a column other than the identifier")


def _dropped(form: dict[str, Any], where: str) -> Iterator[Problem]:
    columns = _tables(form, "columns")
    used = {str(c.get("source", name)).casefold(): name for name, c in columns.items()}
    for name in _list(form.get("drop")):
        if name.casefold() in used:
            found = f"{name!r}, which the column {used[name.casefold()]!r} reads"
            yield Problem(f"{where}.drop", found, "columns that are declared nowhere else")


def _table(raw: dict[str, Any], section: str) -> dict[str, Any]:
    found = raw.get(section)
    return found if isinstance(found, dict) else {}


def _tables(raw: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    return {k: v for k, v in _table(raw, section).items() if isinstance(v, dict)}


def _list(found: object) -> list[str]:
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
