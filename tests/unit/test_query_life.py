"""What becomes of a query: every step there is, and none besides."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pandas as pd
import pytest

from data_contracts import query_life
from data_contracts.query_life import (
    BY_PEOPLE,
    STATUSES,
    TRANSITIONS,
    UNRESOLVED,
    Event,
    Life,
    absence_event,
    is_judged,
    is_overdue,
    may,
    night_event,
    sound_forms,
    status_after,
    value_hash,
)
from data_contracts.rules import Finding, Rule, Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
# By hand, from the words of docs/queries.md: status before, event, status after.
STEPS = """
-         found             new
new       found             open
open      found             open
returned  found             returned
answered  found             returned
resolved  found             returned
answered  found as settled  answered
resolved  found as settled  resolved
new       not found         resolved
open      not found         resolved
returned  not found         resolved
answered  not found         resolved
new       rule removed      resolved
open      rule removed      resolved
returned  rule removed      resolved
answered  rule removed      resolved
new       answer            answered
open      answer            answered
returned  answer            answered
answered  answer            answered
new       close             resolved
open      close             resolved
returned  close             resolved
answered  close             resolved
answered  reopen            open
resolved  reopen            open
"""
BY_HAND = {
    (None if line[:10].strip() == "-" else line[:10].strip(), line[10:28].strip()): line[28:].strip()
    for line in STEPS.strip().splitlines()
}


@pytest.mark.parametrize(("before", "event"), list(product((None, *STATUSES), get_args(Event))))
def test_each_event_leads_where_the_documentation_says_or_is_refused(before, event):
    """The table is what people are told; a step it lacks must not happen by itself."""
    expected = BY_HAND.get((before, event))
    assert may(before, event) == (expected is not None)
    if expected is None:
        with pytest.raises(KeyError):
            status_after(before, event)
    else:
        assert status_after(before, event) == expected


def test_every_status_can_be_left_and_every_unresolved_one_settled():
    """A query nobody can close would be asked for ever."""
    for status in UNRESOLVED:
        assert {"not found", "rule removed", "close"} <= {e for s, e in TRANSITIONS if s == status}
    assert {e for s, e in TRANSITIONS if s == "resolved"} == {"found", "found as settled", "reopen"}
    assert not any(event in BY_PEOPLE for status, event in TRANSITIONS if status is None)


@pytest.mark.parametrize(
    ("life", "value", "data", "event"),
    [
        (None, "v", "d", "found"),
        (Life("open"), "v", "d", "found"),
        (Life("answered", answered_in="d"), "v", "d", "found as settled"),
        (Life("answered", answered_in="d"), "v", "d2", "found"),
        (Life("answered", answered_in="d"), "v2", "d", "found as settled"),
        (Life("resolved", "a person", "v"), "v", "d2", "found as settled"),
        (Life("resolved", "a person", "v"), "v2", "d2", "found"),
        (Life("resolved", "the data"), "v", "d2", "found"),
        (Life("resolved", "the plan"), "v", "d2", "found"),
    ],
)
def test_an_answer_holds_for_its_delivery_and_a_closing_for_its_value(life, value, data, event):
    """An answer is a promise about the next delivery; to close is to accept one value for good."""
    assert night_event(life, value, data) == event


def test_absence_settles_only_what_was_asked_again():
    """A form that was withheld says nothing of its queries; a rule that is gone asks no more."""
    assert absence_event(rule_in_plan=True, judged=True) == "not found"
    assert absence_event(rule_in_plan=True, judged=False) is None
    assert absence_event(rule_in_plan=False, judged=False) == "rule removed"


def test_a_query_is_overdue_only_while_it_waits():
    """Fourteen days to the second are in time, one more is not; an answered one waits for data."""
    asked = NOW - timedelta(days=14)
    assert not is_overdue("open", asked, NOW, 14)
    assert is_overdue("open", asked - timedelta(seconds=1), NOW, 14)
    for status, expected in {"new": True, "returned": True, "answered": False, "resolved": False}.items():
        assert is_overdue(status, asked - timedelta(days=1), NOW, 14) is expected


def test_hashes_of_one_value_differ_between_queries():
    """Equal hashes would tell that two participants answered the same."""
    assert value_hash("a", "7") == value_hash("a", "7")
    assert len({value_hash("a", "7"), value_hash("b", "7"), value_hash("a", "8")}) == 3


def rule(form, effect="query"):
    return Rule(f"{form}.x", form, "range", "between", ("x",), "warning", effect, "Must hold.", "dm")


def verdict(findings, counts):
    table = pd.DataFrame(counts, columns=["form", "rows_in", "accepted", "quarantined"])
    return Verdict(tuple(findings), False, (), {}, pd.DataFrame(), pd.DataFrame(), table)


def test_a_form_settles_nothing_when_withheld_unreadable_to_a_rule_or_emptied():
    """An export whose identifiers lost their zeros has none of yesterday's queries, and all of its faults."""
    findings = [
        Finding(rule("asked"), passed=False, rows=(1,)),
        Finding(rule("withheld", "withhold"), passed=False, rows=(1,)),
        Finding(rule("broken"), passed=False, error="KeyError"),
    ]
    counts = [
        ("asked", 2, 2, 0),
        ("withheld", 2, 2, 0),
        ("broken", 2, 2, 0),
        ("emptied", 2, 0, 2),
        ("none", 0, 0, 0),
    ]
    assert sound_forms(verdict(findings, counts)) == {"asked", "none"}


def test_a_question_about_other_forms_is_settled_only_when_all_are_sound():
    """Whether a participant is registered can't be told from a registration that was refused."""
    both = frozenset({"a", "b"})
    assert is_judged("a", "range", frozenset({"a"}), both)
    assert not is_judged("b", "range", frozenset({"a"}), both)
    assert not is_judged("a", "reference", frozenset({"a"}), both)
    assert is_judged("a", "reference", both, both)


def test_every_dimension_is_known_to_look_within_a_form_or_beyond():
    """A new dimension that is forgotten here counts as looking beyond: slower to settle, never wrong."""
    from data_contracts.rules import Dimension

    assert set(get_args(Dimension)) >= query_life.WITHIN_A_FORM
