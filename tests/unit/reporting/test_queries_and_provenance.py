"""Data quality in numbers, and where the numbers came from."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from analysis.reporting.tables.data_quality import forms_table, queries_table, rules_table
from analysis.reporting.tables.provenance import facts_table, reproduce_table, sources_table
from assets.query_states import query_states
from data_contracts.load import find_trial, load_trial
from data_contracts.tables import Tables

TRIAL = load_trial(find_trial("demo"))
STANDING = [
    {"form": "time_use", "severity": "warning", "new": 1, "open": 2, "answered": 3, "returned": 4, "resolved": 5,
     "overdue": 1, "oldest_days": 17},
    {"form": "participants", "severity": "critical", "new": 0, "open": 0, "answered": 0, "returned": 0,
     "resolved": 6, "overdue": 0, "oldest_days": None},
]  # fmt: skip


def _states(standing=STANDING, night=None):
    night = pd.DataFrame(columns=["form", "severity", "status", "age_days"]) if night is None else night
    facts = {} if standing is None else {"standing": standing}
    return query_states(Tables({"queries": night}, facts))


def _cells(table):
    return [row.cells for group in table.groups for row in group.rows]


def _facts(provenance, trial=TRIAL):
    rows = [row for group in facts_table(provenance, trial).groups for row in group.rows]
    return {row.cells[0].text: row.cells[1].text for row in rows}


def test_what_waits_for_an_answer_is_open_whatever_the_book_calls_it():
    """New, open and returned queries all ask for something to be done."""
    states = _states().set_index(["form", "state"])["n"]
    assert states["time_use"].to_dict() == {"open": 7, "answered": 3, "resolved": 5}
    assert states["participants"].to_dict() == {"open": 0, "answered": 0, "resolved": 6}


def test_tables_of_before_tell_the_nights_own_queries():
    """A store from before this version has no count over all nights."""
    night = pd.DataFrame({
        "form": ["time_use"] * 3, "severity": "warning", "status": ["new", "returned", "answered"],
        "age_days": [0, 9, 30],
    })  # fmt: skip
    states = _states(None, night).set_index("state")
    assert states["n"].to_dict() == {"open": 2, "answered": 1, "resolved": 0}
    assert states.loc["open", "oldest_days"] == 9


def test_no_query_at_all_gives_an_empty_table_that_says_so():
    table = queries_table(_states([]), TRIAL)
    assert table.is_empty
    assert table.empty == "No query was ever raised."


def test_queries_are_counted_by_form_and_severity_with_the_oldest_that_waits():
    """Sources name what each number counts."""
    first, second = _cells(queries_table(_states(), TRIAL))
    assert [cell.text for cell in first[:5]] == ["Participants at baseline", "critical", "0", "0", "6"]
    assert first[5].text == "–", "nothing waits"
    assert [cell.text for cell in second[2:]] == ["7", "3", "5", "17"]
    assert [cell.source for cell in second[2:]] == [
        "queries/time_use/warning/open",
        "queries/time_use/warning/answered",
        "queries/time_use/warning/resolved",
        "queries/time_use/warning/oldest",
    ]


def test_counts_of_records_and_of_broken_rules_name_their_source():
    counts = pd.DataFrame({"form": ["time_use"], "rows_in": [9], "accepted": [8], "quarantined": [1]})
    (row,) = _cells(forms_table(counts, TRIAL))
    assert [cell.source for cell in row[1:]] == [
        f"records/time_use/{n}" for n in ("rows_in", "accepted", "quarantined")
    ]
    findings = pd.DataFrame({
        "rule": ["r.a"], "form": ["time_use"], "severity": ["critical"], "effect": ["query"], "message": ["m"],
        "passed": [False], "n_failed": [2], "n_checked": [9],
    })  # fmt: skip
    (row,) = _cells(rules_table(findings, TRIAL))
    assert (row[-1].text, row[-1].source) == ("2 of 9", "findings/r.a/n_failed ; findings/r.a/n_checked")


LOCKED = {
    "status": "as locked", "state": "unblinded", "differs": [], "locked": "2026-02-03T04:05:06+00:00",
    "by": "Dr A", "unblinded": "2026-03-04T05:06:07+00:00", "unblinded_by": "Dr B",
}  # fmt: skip
BLINDED = TRIAL.model_copy(update={"blinding": TRIAL.blinding.model_copy(update={"open_because": ""})})


def test_a_lock_and_an_unblinding_are_told_with_who_and_when():
    told = _facts({"lock": LOCKED, "allocation": "true"}, BLINDED)
    assert told["Lock"] == "as locked on 2026-02-03 by Dr A"
    assert told["Locked at (UTC)"] == "2026-02-03 04:05:06 by Dr A"
    assert told["Unblinded at (UTC)"] == "2026-03-04 05:06:07 by Dr B"


def test_a_shuffled_allocation_is_told_among_the_facts():
    told = _facts({"allocation": "shuffled"}, BLINDED)
    assert told["Allocation"] == "shuffled: the arms are not the true ones"
    assert told["Unblinded at (UTC)"] == "not unblinded"


def test_data_that_blind_nobody_say_why():
    assert _facts({})["Unblinded at (UTC)"].startswith("never blinded: simulated data")


def test_the_facts_name_versions_and_what_came_out():
    moment = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    told = _facts(
        {"time": moment, "python": "3.11.2", "platform": "Linux", "results_rows": 7, "results_sha256": "ab"}
    )
    assert told["Made at (UTC)"] == "2026-02-03 04:05:06"
    assert (told["Python"], told["Platform"], told["Rows of the results table"]) == ("3.11.2", "Linux", "7")
    assert told["Trial definition, SHA-256"] == TRIAL.plan_hash
    assert told["Code version"] == "not recorded"


@pytest.mark.parametrize(("sha256", "notes"), [("ab" * 32, 0), ("sealed-" + "ab" * 16, 1)])
def test_a_keyed_hash_is_explained(sha256, notes):
    """Whoever compares it with the file's own would think the file was changed."""
    table = sources_table(
        {"sources": [{"form": "allocation", "file": "a.csv", "sha256": sha256, "size": 1}]}, TRIAL
    )
    assert len(table.notes) == notes


def test_how_to_get_the_numbers_again_is_said_in_commands():
    simulated = [cells[1].text for cells in _cells(reproduce_table({}, TRIAL))]
    assert simulated[1:] == ["srt simulate demo", "srt run demo --json", "srt results demo"]
    real = TRIAL.model_copy(update={"synthetic": False})
    assert "srt files demo" in [cells[1].text for cells in _cells(reproduce_table({}, real))]
