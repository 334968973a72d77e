"""Names in what a plan asks of its data that point at nothing: list, criteria, own checks, expected visits.

Works on the raw tables, like `references`. Not here: forms' own columns (form_references).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_contracts.errors import Problem
from data_contracts.model_references import one_of

Columns = Mapping[str, Collection[str]]  # form -> its columns with those of its instruments' items
ORDERED = {"<", "<=", ">", ">="}
DAY = "a day as YYYY-MM-DD"


def contract_problems(raw: dict[str, Any], where: str, columns: Columns) -> list[Problem]:
    """Return every mistake in the tables that make rules.

    Args:
        raw: The trial file.
        where: Its name.
        columns: The columns of each form.
    """
    checks = (_randomisation, _eligibility, _expected, _checks)
    return [problem for check in checks for problem in check(raw, where, columns)]


def _table(raw: dict[str, Any], section: str) -> dict[str, Any]:
    found = raw.get(section)
    return found if isinstance(found, dict) else {}


def _forms(raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: form for name, form in _table(raw, "forms").items() if isinstance(form, dict)}


def _randomisation(raw: dict[str, Any], where: str, columns: Columns) -> Iterator[Problem]:
    plan, here = _table(raw, "randomisation"), f"{where}, randomisation"
    allocation = [name for name, form in _forms(raw).items() if form.get("kind") == "allocation"]
    known = {column for name in allocation for column in columns.get(name, ())}
    for key in ("sequence", "block"):
        if plan.get(key) and plan[key] not in known:
            yield Problem(f"{here}.{key}", repr(plan[key]), one_of(known))
        elif plan.get(key) and _type(raw, allocation[0], plan[key]) not in {"integer", "number"}:
            yield Problem(f"{here}.{key}", f"{plan[key]!r}, which is no number", "a column of whole numbers")
    arms = {str(arm.get("code")) for arm in raw.get("arms", []) if isinstance(arm, dict)}
    ratio = plan.get("ratio") if isinstance(plan.get("ratio"), dict) else {}
    for arm in sorted(set(ratio or {}) - arms):
        yield Problem(f"{here}.ratio", repr(arm), one_of(arms))
    weights = [w for w in (ratio or {}).values() if isinstance(w, int)]
    whole = sum(weights) + len(arms - set(ratio or {}))
    sizes = plan.get("block_sizes")
    for size in sizes if isinstance(sizes, list) else []:
        if not isinstance(size, int) or size < 1 or (whole and size % whole):
            yield Problem(f"{here}.block_sizes", repr(size), f"multiples of {whole}, the sum of the ratio")


def _eligibility(raw: dict[str, Any], where: str, columns: Columns) -> Iterator[Problem]:
    at_entry = {
        n for n, form in _forms(raw).items() if form.get("kind") in {"participants", "allocation", "visits"}
    }
    known = {f"{form}.{column}" for form in at_entry for column in columns.get(form, ())}
    criteria = raw.get("eligibility")
    for number, criterion in enumerate(criteria if isinstance(criteria, list) else [], start=1):
        name = criterion.get("column") if isinstance(criterion, dict) else None
        here = f"{where}, eligibility.{number}.column"
        if isinstance(name, str) and name not in known:
            yield Problem(here, repr(name), one_of(known))
        elif isinstance(name, str) and "range" in criterion:
            form, column = name.split(".")
            if _type(raw, form, column) not in {"integer", "number", ""}:
                yield Problem(
                    here, f"{name!r}, which is no number", "a number, or `codes` instead of `range`"
                )


def _expected(raw: dict[str, Any], where: str, columns: Columns) -> Iterator[Problem]:
    rows = raw.get("visits") if isinstance(raw.get("visits"), list) else []
    visits = {str(v.get("code")): v for v in rows or [] if isinstance(v, dict)}
    for name, form in _forms(raw).items():
        here = f"{where}, forms.{name}"
        for visit in _listed(form.get("expected_at")):
            if visit not in visits:
                yield Problem(f"{here}.expected_at", repr(visit), one_of(visits))
            elif "window" not in visits[visit]:
                yield Problem(
                    f"{here}.expected_at", f"{visit!r}, which has no window", "a visit with a window"
                )
        if form.get("expected_at") and "visit" not in columns.get(name, ()) and not form.get("wide"):
            yield Problem(
                f"{here}.expected_at", "a form without a column `visit`", "one, to tell visits apart"
            )
        for column, declared in _table(form, "columns").items():
            for visit in _listed(declared.get("required_at") if isinstance(declared, dict) else None):
                if visit not in visits:
                    yield Problem(f"{here}.columns.{column}.required_at", repr(visit), one_of(visits))


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _checks(raw: dict[str, Any], where: str, columns: Columns) -> Iterator[Problem]:
    for name, check in _table(raw, "checks").items():
        if not isinstance(check, dict):
            continue
        here, form = f"{where}, checks.{name}", check.get("form")
        if form not in columns:
            yield Problem(f"{here}.form", repr(form), one_of(columns))
            continue
        for part in ("must", "when"):
            for number, one in enumerate(check.get(part) or [], start=1):
                if isinstance(one, dict):
                    yield from _comparison(raw, f"{here}.{part}.{number}", str(form), one, columns[str(form)])


def _comparison(
    raw: dict[str, Any], here: str, form: str, one: dict[str, Any], known: Collection[str]
) -> Iterator[Problem]:
    named = [one[key] for key in ("column", "other") if one.get(key)]
    unknown = [name for name in named if name not in known]
    for name in unknown:
        yield Problem(here, repr(name), one_of(known))
    if unknown or "column" not in one:
        return
    kinds = [_kind(_type(raw, form, name)) for name in named]
    if len(set(kinds)) > 1:
        yield Problem(here, f"{named[0]!r} held against {named[1]!r}", "two columns of one type")
    elif kinds[0] == "text" and one.get("op") in ORDERED:
        yield Problem(
            here, f"`op = {one['op']!r}` on {named[0]!r}", "a number or a date, which have an order"
        )
    given = one.get("values") if isinstance(one.get("values"), list) else [one.get("value")]
    for value in given or []:
        if value is not None and not _fits(value, kinds[0]):
            expected = {"number": "a number", "date": DAY}.get(kinds[0], "a text")
            yield Problem(here, f"{value!r} for {named[0]!r}", expected)


def _fits(value: Any, kind: str) -> bool:
    from datetime import date

    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind != "date":
        return isinstance(value, str | int)
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _kind(column_type: str) -> str:
    return {"integer": "number", "number": "number", "date": "date", "": "number"}.get(column_type, "text")


def _type(raw: dict[str, Any], form: str, column: str) -> str:
    """Return a column's declared type, "" where it is an item of an instrument."""
    declared = _table(_forms(raw).get(form, {}), "columns").get(column)
    return str(declared.get("type", "")) if isinstance(declared, dict) else ""
