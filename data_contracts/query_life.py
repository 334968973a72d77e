"""The life of a query: what a night's data, the plan and people make of it. Not here: keeping it (pipelines).

A night settles a query only where it was truly asked again: on a form that was read and not withheld.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from data_contracts.rules import Dimension, Verdict

Status = Literal["new", "open", "answered", "returned", "resolved"]
Event = Literal[
    "found",  # in a night's data
    "found as settled",  # still there, but nothing has come in since the answer, or the value is the one accepted
    "not found",  # by a night that judged its rule
    "rule removed",  # from the plan
    "answer",
    "close",
    "reopen",
]
Settler = Literal["", "the data", "the plan", "a person"]

STATUSES: tuple[Status, ...] = get_args(Status)
WAITING: tuple[Status, ...] = ("new", "open", "returned")  # for an answer
UNRESOLVED: tuple[Status, ...] = (*WAITING, "answered")
BY_PEOPLE: tuple[Event, ...] = ("answer", "close", "reopen")

TRANSITIONS: Mapping[tuple[Status | None, Event], Status] = {
    (None, "found"): "new",
    ("new", "found"): "open",
    ("open", "found"): "open",
    ("returned", "found"): "returned",
    ("answered", "found"): "returned",
    ("resolved", "found"): "returned",
    ("answered", "found as settled"): "answered",
    ("resolved", "found as settled"): "resolved",
    ("new", "not found"): "resolved",
    ("open", "not found"): "resolved",
    ("returned", "not found"): "resolved",
    ("answered", "not found"): "resolved",
    ("new", "rule removed"): "resolved",
    ("open", "rule removed"): "resolved",
    ("returned", "rule removed"): "resolved",
    ("answered", "rule removed"): "resolved",
    ("new", "answer"): "answered",
    ("open", "answer"): "answered",
    ("returned", "answer"): "answered",
    ("answered", "answer"): "answered",
    ("new", "close"): "resolved",
    ("open", "close"): "resolved",
    ("returned", "close"): "resolved",
    ("answered", "close"): "resolved",
    ("answered", "reopen"): "open",
    ("resolved", "reopen"): "open",
}
SETTLED_BY: Mapping[Event, Settler] = {
    "not found": "the data",
    "rule removed": "the plan",
    "close": "a person",
}
# What these ask is answered by the record's own form; other questions look into other forms too.
WITHIN_A_FORM: frozenset[Dimension] = frozenset(
    {"schema", "key", "completeness", "type", "code", "range", "arithmetic", "text"}
)

LIFE_COLUMNS = (
    "site",  # of the participant; "" where no form tells it
    "status",
    "first_seen",  # UTC
    "last_seen",  # UTC
    "age_days",  # whole days since it was first seen, or since it came back
    "overdue",
    "answer",
    "note",
)


@dataclass(frozen=True, slots=True)
class Life:
    """What a night must know of a query that was asked before."""

    status: Status
    settled_by: Settler = ""
    settled_value: str = ""  # hash of the value that a person accepted
    answered_in: str = ""  # data hash of the delivery it was answered on


def night_event(life: Life | None, value_hash: str, data_hash: str) -> Event:
    """Return what it means that a night found a query.

    Args:
        life: The query's life so far; None when it was never asked.
        value_hash: Of the value found.
        data_hash: Of the delivery.
    """
    if life is None:
        return "found"
    accepted = life.settled_by == "a person" and life.settled_value == value_hash
    if life.status == "resolved" and accepted:
        return "found as settled"
    if life.status == "answered" and life.answered_in == data_hash:
        return "found as settled"
    return "found"


def absence_event(rule_in_plan: bool, judged: bool) -> Event | None:
    """Return what it means that a night did not find an unresolved query; None when it means nothing."""
    if not rule_in_plan:
        return "rule removed"
    return "not found" if judged else None


def status_after(status: Status | None, event: Event) -> Status:
    """Return a query's status after an event.

    Raises:
        KeyError: there is no such step; `may` tells beforehand.
    """
    return TRANSITIONS[status, event]


def may(status: Status | None, event: Event) -> bool:
    """Return whether an event can befall a query with that status."""
    return (status, event) in TRANSITIONS


def is_overdue(status: Status, asked: datetime, now: datetime, after_days: float) -> bool:
    """Return whether a query has waited for its answer for longer than the plan allows."""
    return status in WAITING and now - asked > timedelta(days=after_days)


def value_hash(query_id: str, value: str) -> str:
    """Return a hash of a query's value; the same value in two queries has two hashes."""
    return hashlib.sha256(f"{query_id}\x1f{value}".encode("utf-8", "surrogatepass")).hexdigest()


def sound_forms(verdict: Verdict) -> frozenset[str]:
    """Return the forms whose judgement may settle queries: read, and nothing in them withholds the data."""
    withheld = {
        f.rule.form for f in verdict.findings if f.error or (not f.passed and f.rule.effect == "withhold")
    }
    emptied = verdict.counts.query("rows_in > 0 and accepted == 0")["form"]
    return frozenset(verdict.counts["form"]) - withheld - frozenset(emptied)


def is_judged(form: str, dimension: str, sound: frozenset[str], read: frozenset[str]) -> bool:
    """Return whether a night's silence on a question means that all is well."""
    return form in sound and (dimension in WITHIN_A_FORM or sound == read)
