"""A verdict as the book keeps it: a night with its counts and the queries it found. Not here: keeping it (record)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_contracts.query_life import is_judged, sound_forms, value_hash

if TYPE_CHECKING:
    import pandas as pd

    from data_contracts.rules import Verdict
    from data_contracts.spec import Trial

KEPT = ("form", "participant", "visit", "site", "field", "value", "rule", "dimension", "severity", "message")
COUNTS = ("form", "rows_in", "accepted", "quarantined")


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """One night of a trial: what it was, what it counted, and what it asks."""

    trial: str
    run_id: str
    time: datetime  # UTC
    data_hash: str
    plan_hash: str
    code_version: str
    withheld: bool
    overdue_after_days: float
    found: Mapping[str, Mapping[str, Any]]  # query id -> its columns
    rules: tuple[Mapping[str, Any], ...]  # a row of night_rules each
    forms: tuple[Mapping[str, Any], ...]  # a row of night_forms each
    plan_rules: frozenset[str]  # every rule of the plan
    sound: frozenset[str]  # forms whose judgement may settle queries
    read: frozenset[str]  # forms that were read
    verdict_hash: str = field(init=False)  # of all that a judgement may change in the book

    def __post_init__(self) -> None:
        """Hash the verdict: rules may look at the day, so that the same data need not give the same one."""
        told = [f"{query_id} {q['value_hash']}" for query_id, q in sorted(self.found.items())]
        whole = "\n".join([str(self.withheld), *sorted(self.sound), "", *told])
        object.__setattr__(self, "verdict_hash", hashlib.sha256(whole.encode()).hexdigest())

    def is_judged(self, form: str, dimension: str) -> bool:
        """Return whether this night's silence on a question means that all is well."""
        return is_judged(form, dimension, self.sound, self.read)


def night_of(trial: "Trial", verdict: "Verdict", facts: Mapping[str, str], time: datetime) -> Night:
    """Return a verdict as a night.

    Args:
        trial: The trial.
        verdict: The verdict; its queries have a column `site`.
        facts: `run_id`, `data_hash`, `plan_hash` and `code_version`.
        time: When, UTC.
    """
    from data_contracts.suites import rules_of

    judged = {finding.rule.id for finding in verdict.findings}
    return Night(
        trial=trial.name,
        time=time,
        withheld=verdict.withheld,
        overdue_after_days=trial.queries.overdue_after_days,
        found=found_queries(verdict.queries),
        rules=tuple(_rules(verdict)),
        forms=tuple(
            {name: _plain(value) for name, value in zip(COUNTS, record, strict=True)}
            for record in verdict.counts[list(COUNTS)].itertuples(index=False)
        ),
        plan_rules=frozenset(judged | {rule.id for rule in rules_of(trial)}),
        sound=sound_forms(verdict),
        read=frozenset(verdict.counts["form"]),
        **{name: facts[name] for name in ("run_id", "data_hash", "plan_hash", "code_version")},
    )


def found_queries(queries: "pd.DataFrame") -> Mapping[str, Mapping[str, Any]]:
    """Return the columns the book keeps of each query, with a hash of its value, by query id."""
    columns = ("query_id", *KEPT, "owner", "row")
    records = zip(*(queries[name] for name in columns), strict=True)
    found = [{name: _plain(value) for name, value in zip(columns, r, strict=True)} for r in records]
    return {q["query_id"]: {**q, "value_hash": value_hash(q["query_id"], _asked_about(q))} for q in found}


def _asked_about(query: Mapping[str, Any]) -> str:
    """Return what a person accepts who closes the query: a value, or what is said of a form as a whole."""
    return str(query["value"] if query["row"] is not None else query["value"] + query["message"])


def _rules(verdict: "Verdict") -> list[Mapping[str, Any]]:
    rows: dict[str, Mapping[str, Any]] = {}
    for f in verdict.findings:
        rows[f.rule.id] = {
            "rule": f.rule.id,
            "form": f.rule.form,
            "dimension": f.rule.dimension,
            "severity": f.rule.severity,
            "effect": f.rule.effect,
            "n_failed": 0 if f.passed else max(len(f.rows), 1),
            "n_checked": f.n_checked,
        }
    return list(rows.values())


def _plain(value: Any) -> Any:
    """Return a value as any database takes it: no NumPy number, no character that text can't hold."""
    import pandas as pd

    if isinstance(value, str):
        return value.replace("\x00", "\N{SYMBOL FOR NULL}")
    return None if pd.isna(value) else int(value)
