"""Names in a trial file that point at nothing, and choices that contradict each other.

Works on the raw tables, so that it can speak even where a table has other mistakes. Not here: types and
single values (spec).
"""

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any

from data_contracts.contract_references import contract_problems
from data_contracts.errors import Problem
from data_contracts.form_references import form_problems
from data_contracts.model_references import ModelColumns, model_problems, one_of
from data_contracts.plan_references import plan_problems
from data_contracts.secrecy_references import secrecy_problems


def broken_references(
    raw: dict[str, Any], where: str, estimators: Collection[str] | None = None
) -> list[Problem]:
    """Return every name in the raw tables that points at nothing, and every contradiction."""
    checks = (_arms, _visits, _codes_are_unique, _forms, _strata, _dates, _outcomes, _moderators, _estimands)
    problems = [problem for check in checks for problem in check(raw, where)]
    problems += plan_problems(raw, where, _model_columns(raw).factors - {"participant", "arm"})
    problems += secrecy_problems(raw, where)
    problems += contract_problems(raw, where, {name: _columns(raw, name) for name in _tables(raw, "forms")})
    return problems + list(_analyses(raw, where, estimators))


def _tables(raw: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    found = raw.get(section)
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _rows(raw: dict[str, Any], section: str) -> list[dict[str, Any]]:
    found = raw.get(section)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _columns(raw: dict[str, Any], form: str) -> set[str]:
    table = _tables(raw, "forms").get(form, {})
    items = {
        f"{name}_{i}"
        for name in _tables(table, "instruments")
        if name in raw.get("instruments", {})
        for i in range(1, raw["instruments"][name].n_items + 1)
    }
    return set(_tables(table, "columns")) | items


def _participant_columns(raw: dict[str, Any]) -> set[str]:
    forms = _tables(raw, "forms")
    baseline = [name for name, f in forms.items() if f.get("kind") in {"participants", "allocation"}]
    return {column for name in baseline for column in _columns(raw, name)}


def _arms(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    references = [a.get("code") for a in _rows(raw, "arms") if a.get("reference") is True]
    if len(references) != 1:
        yield Problem(
            f"{where}, arms", f"{len(references)} reference arms", "exactly one with `reference = true`"
        )


def _visits(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    visits = _rows(raw, "visits")
    baselines = [v for v in visits if v.get("baseline") is True]
    if len(baselines) != 1:
        yield Problem(
            f"{where}, visits", f"{len(baselines)} baseline visits", "exactly one with `baseline = true`"
        )
    windows = sorted((v["window"], v.get("code")) for v in visits if _is_window(v.get("window")))
    for (first, a), (second, b) in pairwise(windows):
        if first[1] >= second[0]:
            found = f"windows {first} of {a} and {second} of {b}, which overlap"
            yield Problem(f"{where}, visits", found, "windows that don't")
    for window, code in windows:
        if window[0] > window[1]:
            yield Problem(f"{where}, visits.{code}.window", str(window), "the earlier day first")


def _is_window(window: object) -> bool:
    return isinstance(window, list) and len(window) == 2 and all(isinstance(day, int) for day in window)


def _codes_are_unique(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    for section in ("arms", "sites", "visits"):
        seen: dict[str, str] = {}
        for row in _rows(raw, section):
            values = row.get("values", [])
            for code in {str(c) for c in [row.get("code"), *(values if isinstance(values, list) else [])]}:
                if code in seen:
                    found = f"{code!r}, for {seen[code]} and for {row.get('code')}"
                    yield Problem(f"{where}, {section}", found, "each code once")
                seen[code] = str(row.get("code"))


def _forms(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    forms, visits = _tables(raw, "forms"), {str(v.get("code")) for v in _rows(raw, "visits")}
    for kind in ("participants", "allocation", "visits"):
        having = [n for n, f in forms.items() if f.get("kind") == kind]
        if not having or (kind != "visits" and len(having) > 1):
            expected = "at least one" if kind == "visits" else "exactly one"
            yield Problem(f"{where}, forms", f"{len(having)} forms of kind {kind!r}", expected)
    for name, form in forms.items():
        yield from form_problems(form, f"{where}, forms.{name}", _columns(raw, name), visits)


def _strata(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    known = _participant_columns(raw)
    for name in raw.get("strata", []) if isinstance(raw.get("strata"), list) else []:
        if name not in known:
            yield Problem(f"{where}, strata", repr(name), one_of(known))


def _dates(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    forms = _tables(raw, "forms")
    known = {
        f"{form}.{column}"
        for form, table in forms.items()
        for column, c in _tables(table, "columns").items()
        if c.get("type") == "date"
    }
    pairs = raw.get("dates_in_order", [])
    for pair in pairs if isinstance(pairs, list) else []:
        for name in pair if isinstance(pair, list) else []:
            if name not in known:
                yield Problem(f"{where}, dates_in_order", repr(name), one_of(known))


def _outcomes(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    forms = _tables(raw, "forms")
    for name, outcome in _tables(raw, "outcomes").items():
        here, form = f"{where}, outcomes.{name}", outcome.get("form")
        if outcome.get("of") or outcome.get("event"):
            continue
        visit_forms = {n for n, f in forms.items() if f.get("kind") == "visits"}
        if form not in visit_forms:
            yield Problem(f"{here}.form", repr(form), one_of(visit_forms))
            continue
        columns, used = _columns(raw, str(form)), _tables(forms[str(form)], "instruments")
        if outcome.get("column") and outcome["column"] not in columns:
            yield Problem(f"{here}.column", repr(outcome["column"]), one_of(columns))
        if instrument := outcome.get("instrument"):
            scales = raw["instruments"][instrument].scales if instrument in raw.get("instruments", {}) else {}
            if instrument not in used:
                yield Problem(f"{here}.instrument", repr(instrument), one_of(set(used)))
            elif scales and outcome.get("scale", "total") not in scales:
                yield Problem(f"{here}.scale", repr(outcome.get("scale", "total")), one_of(set(scales)))


def _moderators(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    by_visit = {name for name, o in _tables(raw, "outcomes").items() if not o.get("event")}
    sources = {"outcome": by_visit, "column": _participant_columns(raw)}
    for name, moderator in _tables(raw, "moderators").items():
        for key, known in sources.items():
            if moderator.get(key) and moderator[key] not in known:
                here = f"{where}, moderators.{name}.{key}"
                yield Problem(here, _later(raw, str(moderator[key])), one_of(known))


def _later(raw: dict[str, Any], name: str) -> str:
    """Return a moderator's source as found, and why it can't be one where it is measured after randomisation."""
    forms = _tables(raw, "forms")
    after = [n for n, f in forms.items() if f.get("kind") not in {"participants", "allocation"}]
    is_later = any(name in _columns(raw, form) for form in after) or name in _tables(raw, "events")
    return (
        f"{name!r}, which is measured after randomisation and may be an effect of it"
        if is_later
        else repr(name)
    )


def _estimands(raw: dict[str, Any], where: str) -> Iterator[Problem]:
    follow_ups = {str(v.get("code")) for v in _rows(raw, "visits") if v.get("baseline") is not True}
    known = {
        "population": set(_tables(raw, "populations")),
        "outcome": set(_tables(raw, "outcomes")),
        "visit": follow_ups,
    }
    estimands = _tables(raw, "estimands")
    for name, estimand in estimands.items():
        for key, names in known.items():
            if key in estimand and estimand[key] not in names:
                yield Problem(f"{where}, estimands.{name}.{key}", repr(estimand[key]), one_of(names))
    primary = raw.get("primary_estimand")
    if primary is not None and primary not in estimands:
        yield Problem(f"{where}, primary_estimand", repr(primary), one_of(set(estimands)))


def _analyses(raw: dict[str, Any], where: str, estimators: Collection[str] | None) -> Iterator[Problem]:
    analyses, estimands = _tables(raw, "analyses"), set(_tables(raw, "estimands"))
    primaries = [a for a in analyses.values() if a.get("role") == "primary"]
    if len(primaries) != 1:
        yield Problem(f"{where}, analyses", f'{len(primaries)} with role "primary"', "exactly one")
    for analysis in primaries:
        if analysis.get("estimand") != raw.get("primary_estimand"):
            found = f"the primary analysis answers {analysis.get('estimand')!r}"
            yield Problem(
                f"{where}, analyses", found, f"the primary estimand {raw.get('primary_estimand')!r}"
            )
    covariates, known = _participant_columns(raw), _model_columns(raw)
    for name, analysis in analyses.items():
        here = f"{where}, analyses.{name}"
        if analysis.get("estimand") not in estimands:
            yield Problem(f"{here}.estimand", repr(analysis.get("estimand")), one_of(estimands))
        if estimators is not None and analysis.get("estimator") not in estimators:
            yield Problem(f"{here}.estimator", repr(analysis.get("estimator")), one_of(estimators))
        named = analysis.get("covariates", [])
        for covariate in named if isinstance(named, list) else []:
            if covariate not in covariates:
                yield Problem(f"{here}.covariates", repr(covariate), one_of(covariates))
        yield from model_problems(analysis, here, known)


def _model_columns(raw: dict[str, Any]) -> ModelColumns:
    """Return the columns of an analysis set that a model may name."""
    people = _participant_columns(raw)
    sessions = [name for name, f in _tables(raw, "forms").items() if f.get("kind") == "sessions"]
    therapist = {"therapist"} if any("therapist" in _columns(raw, name) for name in sessions) else set()
    levels = {"arm": {str(a.get("code")) for a in _rows(raw, "arms")}}
    if sites := _rows(raw, "sites"):
        levels["site"] = {str(site.get("code")) for site in sites}
    return ModelColumns(
        people | {"arm"}, people | therapist | {"arm", "participant"}, people | {"month"}, levels
    )
