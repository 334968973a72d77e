"""Events, outcomes made from others, imputations, moderators and families that name what is not there.

Not here: the models' columns (model_references), types and single values (plan).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_contracts.errors import Problem
from data_contracts.model_references import one_of

Raw = Mapping[str, Any]
NEEDED: Mapping[str, tuple[str, ...]] = {  # estimator -> keys it can't do without
    "reference_based_mi": ("imputation",),
    "tipping_point": ("imputation", "tipping"),
    "cace": ("minimum_sessions",),
    "moderator": ("moderator",),
}
OF_FEW = ("imputation", "tipping", "minimum_sessions", "moderator", "at", "rmst_days")
HEEDED: Mapping[str, tuple[str, ...]] = {
    **NEEDED,
    "moderator": ("moderator", "at"),
    "time_to_event": ("rmst_days",),
}
OF_MEANS = ("mmrm", "lmm", "ancova", "reference_based_mi")  # they answer with a difference of means
WITHOUT_P = ("tipping_point",)  # estimators that answer no hypothesis
KINDS: Mapping[str, str] = {  # estimator -> the kind of outcome it is for; others are for continuous ones
    "responder": "binary",
    "ordinal": "ordinal",
    "counts": "count",
    "time_to_event": "time to event",
}


def plan_problems(raw: Raw, where: str, clusters: Collection[str]) -> Iterator[Problem]:
    """Yield what the later sections of a plan name and nobody declares; `clusters` may be left out whole."""
    yield from _events(raw, where)
    yield from _outcomes(raw, where)
    yield from _intercurrent(raw, where)
    yield from _families(raw, where)
    for name, analysis in _tables(raw, "analyses").items():
        here = f"{where}, analyses.{name}"
        yield from _keys(analysis, here)
        yield from _kind(raw, analysis, here)
        yield from _primary(raw, analysis, here)
        yield from _moderator(raw, analysis, here)
        yield from _imputation(raw, analysis, here, clusters)


def _tables(raw: Raw, section: str) -> dict[str, dict[str, Any]]:
    found = raw.get(section)
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _codes(raw: Raw, section: str) -> set[str]:
    found = raw.get(section)
    return (
        {str(row.get("code")) for row in found if isinstance(row, dict)} if isinstance(found, list) else set()
    )


def _events(raw: Raw, where: str) -> Iterator[Problem]:
    forms = _tables(raw, "forms")
    for name, event in _tables(raw, "events").items():
        here, form = f"{where}, events.{name}", forms.get(str(event.get("form")))
        if form is None:
            yield Problem(f"{here}.form", repr(event.get("form")), one_of(forms))
            continue
        columns = _tables(form, "columns")
        dates = {column for column, c in columns.items() if c.get("type") == "date"}
        if (dated := event.get("date") or form.get("date")) not in dates:
            yield Problem(f"{here}.date", repr(dated or ""), one_of(dates), "An event needs a date.")
        for column in _tables_keys(event, "where"):
            if column not in columns:
                yield Problem(f"{here}.where", repr(column), one_of(columns))


def _tables_keys(raw: Raw, section: str) -> list[str]:
    found = raw.get(section)
    return list(found) if isinstance(found, dict) else []


def _outcomes(raw: Raw, where: str) -> Iterator[Problem]:
    outcomes, events = _tables(raw, "outcomes"), set(_tables(raw, "events"))
    continuous = {name for name, o in outcomes.items() if o.get("kind", "continuous") == "continuous"}
    for name, outcome in outcomes.items():
        here = f"{where}, outcomes.{name}"
        if outcome.get("of") and outcome["of"] not in continuous - {name}:
            yield Problem(f"{here}.of", repr(outcome["of"]), one_of(continuous - {name}))
        if outcome.get("event") and outcome["event"] not in events:
            yield Problem(f"{here}.event", repr(outcome["event"]), one_of(events))


def _intercurrent(raw: Raw, where: str) -> Iterator[Problem]:
    events = set(_tables(raw, "events"))
    for name, estimand in _tables(raw, "estimands").items():
        listed = estimand.get("intercurrent_events")
        for event in listed if isinstance(listed, list) else []:
            source = event.get("source") if isinstance(event, dict) else None
            if source and source not in events:
                here = f"{where}, estimands.{name}.intercurrent_events"
                yield Problem(here, repr(source), one_of(events))


def _families(raw: Raw, where: str) -> Iterator[Problem]:
    declared = _tables(raw, "analyses")
    analyses = set(declared)
    for name, family in _tables(raw, "families").items():
        here, seen = f"{where}, families.{name}", set[str]()
        for member in _members(family):
            if member not in analyses:
                yield Problem(here, f"the analysis {member!r}", one_of(analyses))
            elif declared[member].get("estimator") in WITHOUT_P:
                yield Problem(
                    here, f"the analysis {member!r}, which has no p-value", "one that tests something"
                )
            elif member in seen:
                yield Problem(here, f"the analysis {member!r} twice", "each analysis once")
            seen.add(member)


def _members(family: Raw) -> list[str]:
    gates = family.get("gates", [])
    rows = [family.get("analyses", []), *(gates if isinstance(gates, list) else [])]
    return [str(name) for row in rows if isinstance(row, list) for name in row]


def _keys(analysis: Raw, here: str) -> Iterator[Problem]:
    """Yield the keys that an estimator needs and has not, or has and would not heed."""
    estimator = str(analysis.get("estimator"))
    for key in NEEDED.get(estimator, ()):
        if key not in analysis:
            yield Problem(f"{here}.{key}", "nothing", f"it, with estimator {estimator!r}")
    for key in OF_FEW:
        if key in analysis and key not in HEEDED.get(estimator, ()):
            expected = f"no such key with estimator {estimator!r}, which would not heed it"
            yield Problem(f"{here}.{key}", "a key of another estimator", expected)


def _kind(raw: Raw, analysis: Raw, here: str) -> Iterator[Problem]:
    estimand = _tables(raw, "estimands").get(str(analysis.get("estimand")), {})
    outcome = _tables(raw, "outcomes").get(str(estimand.get("outcome")))
    estimator = str(analysis.get("estimator"))
    expected = KINDS.get(estimator, "continuous")
    if outcome is not None and (kind := outcome.get("kind", "continuous")) != expected:
        found = f"an outcome of kind {kind!r} ({estimand.get('outcome')})"
        yield Problem(f"{here}.estimand", found, f"one of kind {expected!r} for {estimator!r}")


def _primary(raw: Raw, analysis: Raw, here: str) -> Iterator[Problem]:
    """Yield a primary analysis that gives no difference of means: the flow and the headline tell of nothing else."""
    estimator = str(analysis.get("estimator"))
    known = {*NEEDED, *KINDS}  # an unknown one is told elsewhere
    if analysis.get("role") != "primary" or estimator not in known - {*OF_MEANS}:
        return
    estimand = _tables(raw, "estimands").get(str(analysis.get("estimand")), {})
    kind = _tables(raw, "outcomes").get(str(estimand.get("outcome")), {}).get("kind", "continuous")
    found = f"{estimator!r} for the primary analysis, of an outcome of kind {kind!r}"
    expected = f"{one_of(OF_MEANS)}; their answer is a difference of means"
    remedy = 'Declare it with role = "secondary", and a continuous outcome as the primary one.'
    yield Problem(f"{here}.estimator", found, expected, remedy)


def _moderator(raw: Raw, analysis: Raw, here: str) -> Iterator[Problem]:
    known = set(_tables(raw, "moderators"))
    if analysis.get("moderator") and analysis["moderator"] not in known:
        yield Problem(f"{here}.moderator", repr(analysis["moderator"]), one_of(known))


def _imputation(raw: Raw, analysis: Raw, here: str, clusters: Collection[str]) -> Iterator[Problem]:
    table = analysis.get("imputation")
    if not isinstance(table, dict):
        return
    known = {"by_event": set(_tables(raw, "events")), "by_arm": _codes(raw, "arms")}
    for key, names in known.items():
        for name in _tables_keys(table, key):
            if name not in names:
                yield Problem(f"{here}.imputation.{key}", repr(name), one_of(names))
    if table.get("cluster") and table["cluster"] not in clusters:
        yield Problem(f"{here}.imputation.cluster", repr(table["cluster"]), one_of(clusters))
