"""A verdict into the book: what of it is kept, and what the night gets back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.load import find_trial, load_trial
from data_contracts.query_sites import with_sites
from data_contracts.rules import QUERY_COLUMNS, Finding
from data_contracts.suites import rules_of
from data_contracts.verdict import verdict_of
from pipelines.querybook.history import nights_of, volumes_of
from pipelines.querybook.listing import COLUMNS, list_queries
from pipelines.querybook.night import night_of
from pipelines.querybook.nightly import keep_night
from pipelines.querybook.people import Wish, carry_out

TRIAL = load_trial(find_trial("beat_the_blues"))
RULES = {rule.id: rule for rule in rules_of(TRIAL)}
START = datetime(2026, 3, 1, tzinfo=UTC)
BREAKS = {"range": (1,), "none": ()}


def form(name, n=3):
    declared = TRIAL.columns_of(TRIAL.forms[name])
    index = pd.RangeIndex(1, n + 1, name=ROW)
    people = pd.array([f"P{i}" for i in index], dtype="str")
    values = pd.DataFrame(
        {c: people if c == "participant" else pd.array([None] * n, dtype="str") for c in declared}
    )
    source = SourceFile(f"{name}.csv", "0" * 64, 1, START)
    nothing = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
    reasons = pd.DataFrame(index=index, columns=list(declared), dtype="str")
    return ReadForm(name, values.set_index(index), reasons, nothing, source)


def verdict(broken=None, effect="query"):
    """Return a verdict by which one rule of that effect is broken in given rows."""
    forms = {name: form(name) for name in TRIAL.forms}
    chosen = next(r for r in RULES.values() if r.effect == effect and r.columns and r.check != "readable")
    findings = [
        Finding(
            r,
            passed=not (broken and r.id == chosen.id),
            rows=broken or () if r.id == chosen.id else (),
            n_checked=3,
        )
        for r in RULES.values()
    ]
    found = verdict_of(forms, TRIAL, findings)
    return replace(found, queries=with_sites(found.queries, forms, TRIAL))


def facts(number):
    return {"run_id": f"run {number}", "data_hash": f"data {number}", "plan_hash": "p", "code_version": "c"}


def test_a_night_gives_its_queries_their_lives(book):
    """What the report and the validation page read, without the database."""
    told = keep_night(book, TRIAL, verdict((1, 2)), facts(0), START)
    frame = told.frames["queries"]
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["status"]) == ["new", "new"]
    assert told.facts["lives"] == {
        "open": 2, "new": 2, "answered": 0, "returned": 0, "resolved": 0, "overdue": 0,
    }  # fmt: skip
    late = keep_night(book, TRIAL, verdict((1,)), facts(1), START + timedelta(days=30))
    assert list(late.frames["queries"]["status"]) == ["open"]
    assert late.frames["queries"]["overdue"].tolist() == [True]
    assert late.facts["lives"]["resolved"] == 1
    assert late.facts["lives"]["overdue"] == 1
    (standing,) = late.facts["standing"]
    assert (standing["open"], standing["resolved"], standing["oldest_days"]) == (1, 1, 30)


def test_a_repeat_gives_the_lives_of_now(book):
    """What people did since is seen; nothing is counted twice."""
    first = keep_night(book, TRIAL, verdict((1,)), facts(0), START)
    (query_id,) = first.frames["queries"]["query_id"]
    carry_out(book, TRIAL.name, [Wish(query_id, "answer", "yes")], "Ann", START)
    again = keep_night(book, TRIAL, verdict((1,)), facts(0), START + timedelta(hours=1))
    assert list(again.frames["queries"]["status"]) == ["answered"]
    (standing,) = again.facts["standing"]
    assert (standing["answered"], standing["oldest_days"]) == (1, None)
    assert set(nights_of(book, TRIAL.name)["run_id"]) == {"run 0"}


def test_a_withheld_night_is_kept_with_its_counts_and_settles_nothing(book):
    """The morning after is when the data manager needs them."""
    keep_night(book, TRIAL, verdict((1,)), facts(0), START)
    keep_night(book, TRIAL, verdict((1,), effect="withhold"), facts(1), START + timedelta(days=1))
    kept = nights_of(book, TRIAL.name).groupby("run_id")["withheld"].first()
    assert kept.to_dict() == {"run 0": False, "run 1": True}
    statuses = list_queries(book, TRIAL.name, START, 14).groupby("status").size()
    assert statuses.to_dict() == {"new": 2}


def test_every_rule_and_form_of_the_night_is_counted(book):
    """A rule that was kept is part of the trend too."""
    keep_night(book, TRIAL, verdict((1, 2)), facts(0), START)
    rules = nights_of(book, TRIAL.name)
    assert set(rules["rule"]) == set(RULES)
    assert rules["n_failed"].sum() == 2
    assert set(volumes_of(book, TRIAL.name)["form"]) == set(TRIAL.forms)
    assert (volumes_of(book, TRIAL.name)["rows_in"] == 3).all()


def test_no_query_at_all_is_a_night_too(book):
    """The best one."""
    told = keep_night(book, TRIAL, verdict(), facts(0), START)
    assert told.frames["queries"].empty
    assert str(told.frames["queries"]["overdue"].dtype) == "bool"
    assert told.facts["lives"]["open"] == 0
    assert told.facts["standing"] == []


@pytest.mark.parametrize("text", ["a\x00b", "naïve – 漢字", "x" * 100_000, "'; DROP TABLE srt_queries; --"])
def test_any_text_of_a_file_can_be_kept(book, text):
    """PostgreSQL takes no NUL; all else comes back as it was."""
    found = verdict((1,))
    found.queries["value"] = [text]
    keep_night(book, TRIAL, found, facts(0), START)
    (kept,) = list_queries(book, TRIAL.name, START, 14)["value"]
    if text.isprintable():
        assert kept == text
    assert len(kept) == len(text)


def test_the_plan_names_its_rules_even_where_no_form_was_read():
    """Else a form that is late would close its queries as if the plan had dropped them."""
    night = night_of(TRIAL, verdict((1,)), facts(0), START)
    assert night.plan_rules == frozenset(RULES)
    assert set(night.found and next(iter(night.found.values()))) >= set(QUERY_COLUMNS)
