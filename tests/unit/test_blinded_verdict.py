"""What blinded people may read of a verdict."""

import pandas as pd
import pytest

from data_contracts.blinded_verdict import (
    quarantine_in_the_open,
    queries_in_the_open,
    reveals,
    with_marks,
)
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.operations import Blinding
from data_contracts.rules import QUERY_COLUMNS, Finding, Rule, Verdict
from data_contracts.suites import rules_of

TRIAL = load_trial(SHIPPED_TRIALS / "demo.toml").model_copy(update={"blinding": Blinding()})
RULES = {rule.id: rule for rule in with_marks(rules_of(TRIAL), TRIAL, blinded=True)}


@pytest.mark.parametrize(
    "rule",
    [
        "allocation.allocation.arm",
        "allocation.allocation.one_arm",
        "sessions.allocation.therapy_arm",
        "sessions.key.participant+session",
        "sessions.date.allocation.randomised_on-sessions.session_date",
        "time_use.text.assessor_note",
    ],
)
def test_rules_on_arms_on_therapy_and_on_free_text_tell_the_arm(rule):
    """Who breaks one is in an arm, or is likely to be."""
    assert RULES[rule].reveals_allocation


@pytest.mark.parametrize(
    "rule",
    [
        "participants.range.age",
        "time_use.visit.window",
        "participants.key.participant",
        "allocation.code.site",
    ],
)
def test_other_rules_do_not(rule):
    """Sites must be asked about by participant, or nothing is mended."""
    assert not RULES[rule].reveals_allocation


def test_an_open_trial_hides_nothing():
    """There is nobody to blind."""
    rules = with_marks(rules_of(TRIAL), TRIAL, blinded=False)
    assert not any(rule.reveals_allocation for rule in rules)


def test_a_rule_that_names_a_form_of_therapy_anywhere_tells_the_arm():
    """A registration before the first session: to break it is to have a session."""
    rule = Rule("x", "time_use", "date", "in_order", ("visit_date",), "info", "note", "", "")
    assert not reveals(rule, TRIAL)
    told = Rule(
        "x", "time_use", "date", "in_order", ("visit_date",), "info", "note", "", "",
        arguments={"pairs": [{"later": "sessions.session_date"}]},
    )  # fmt: skip
    assert reveals(told, TRIAL)


def verdict(rule, n, called="P"):
    """Return a verdict in which n participants break a rule, and one an innocent one."""
    innocent = RULES["participants.range.age"]
    asked = [(rule, f"{called}{i}", i) for i in range(n)] + [(innocent, "Q1", 9)]
    queries = pd.DataFrame(
        [
            (
                f"id-{who}",
                r.form,
                row,
                who,
                "m9",
                r.columns[0],
                "value",
                r.id,
                r.dimension,
                r.severity,
                r.message,
                "x",
            )
            for r, who, row in asked
        ],
        columns=list(QUERY_COLUMNS),
    ).astype({name: "Int64" if name == "row" else "str" for name in QUERY_COLUMNS})
    queries = queries.assign(site="Norfolk")
    aside = pd.DataFrame(
        [(r.form, row, who, "m9", r.id, "why") for r, who, row in asked],
        columns=["form", "row", "participant", "visit", "rule", "reason"],
    )
    findings = tuple(Finding(r, passed=False, rows=(1,)) for r in (rule, innocent))
    return Verdict(findings, False, (), {}, aside, queries, pd.DataFrame())


def test_queries_that_tell_the_arm_are_counted_by_rule_and_name_nobody():
    """The id too: made of a participant's number, it could be made again for each."""
    rule = RULES["sessions.allocation.therapy_arm"]
    shown = queries_in_the_open(verdict(rule, 3), TRIAL)
    assert shown["rule"].tolist() == ["participants.range.age", rule.id]
    told = shown.iloc[1]
    assert (told["participant"], told["visit"], told["value"], told["site"]) == ("", "", "", "")
    assert pd.isna(told["row"])
    assert told["message"].startswith("3 records. ")
    assert told["query_id"] not in {"id-P0", "id-P1", "id-P2"}
    again = queries_in_the_open(verdict(rule, 1, called="X"), TRIAL).iloc[1]
    assert again["query_id"] == told["query_id"], "one query with one life, whoever it is about"
    assert shown.iloc[0]["participant"] == "Q1"


def test_records_set_aside_that_tell_the_arm_are_there_and_name_nobody():
    """Rows in are still rows accepted and rows set aside."""
    rule = RULES["sessions.key.participant+session"]
    shown = quarantine_in_the_open(verdict(rule, 3), TRIAL)
    assert len(shown) == 4
    secret = shown[shown["rule"] == rule.id]
    assert set(secret["participant"]) == set(secret["visit"]) == {""}
    assert set(secret["row"]) == {0}
    assert shown[shown["rule"] != rule.id]["participant"].tolist() == ["Q1"]
