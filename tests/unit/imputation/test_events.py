"""Intercurrent events: inferred, or listed in a table."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.imputation import (
    ImputationError,
    after_last_observed,
    ancova,
    arranged,
    base_model,
    counts,
    leave_units_out,
    listed_events,
    without_set_aside,
)

SPEC = importlib.util.spec_from_file_location("trial_to_impute", Path(__file__).with_name("trial.py"))
TRIAL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRIAL)
ROLES, frame = TRIAL.ROLES, TRIAL.frame


@pytest.fixture
def outcomes():
    return arranged(frame(), ROLES)


def table(*rows):
    return pd.DataFrame(rows, columns=["participant", "visit", "strategy"][: len(rows[0])])


def test_without_a_list_the_event_is_the_first_visit_after_the_last_observed(outcomes):
    events = after_last_observed(outcomes, "cir")
    seen = ~outcomes.is_missing
    for first, row in zip(events.first, seen, strict=True):
        assert not row[first:].any()
        assert first == 0 or row[first - 1]


def test_a_strategy_by_arm_leaves_the_other_arm_missing_at_random(outcomes):
    events = after_last_observed(outcomes, {"SRT": "j2r"})
    arms = np.array(outcomes.arms)[outcomes.arm]
    assert {name for name, arm in zip(events.strategies, arms, strict=True) if arm == "UC"} == {"mar"}
    assert events.is_mar[arms == "UC"].all()


def test_listed_participants_have_their_own_strategy_or_the_common_one(outcomes):
    events = listed_events(outcomes, table(("001", "9", "CR"), ("002", "15", None)), "j2r")
    assert events.strategies[:2] == ("cr", "j2r")
    assert list(events.first[:3]) == [1, 2, 3]
    assert not events.is_after[2:].any()


def test_every_mistake_of_a_list_of_events_is_told_at_once(outcomes):
    """Where, what was found, what was expected; by record, without a participant's name."""
    wrong = table(
        ("zz9", "9", "j2r"),
        ("001", None, "j2r"),
        ("002", "0", "j2r"),
        ("003", "9", "locf"),
        ("003", "15", "cr"),
    )
    with pytest.raises(ImputationError) as caught:
        listed_events(outcomes, wrong)
    told = [str(refusal) for refusal in caught.value.refusals]
    assert len(told) == 5
    for says in (
        "events, record 1: found participants that are not in the data",
        "events, record 5: found participants listed twice",
        "events, record 2: found events without a visit, expected the first visit affected: one of 3, 9, 15",
        "events, record 3: found visits at which the outcome is not imputed, such as one before randomisation",
        "found 'locf', expected one of mar, j2r, cr, cir, lmcf",
    ):
        assert any(says in one for one in told), says
    assert not any("zz9" in one for one in told)


def test_a_list_without_its_columns_says_which(outcomes):
    with pytest.raises(ImputationError, match="no column visit"):
        listed_events(outcomes, pd.DataFrame({"participant": ["001"]}))


def test_an_unknown_arm_in_the_strategies_is_refused(outcomes):
    with pytest.raises(ImputationError, match="the arm CBT, expected one of the arms: SRT, UC"):
        after_last_observed(outcomes, {"CBT": "j2r"})


def test_outcomes_after_an_event_can_be_imputed_instead_of_kept(outcomes):
    """For an estimand without the event: they are missing from then on, and counted as imputed."""
    who = np.flatnonzero(~outcomes.is_missing[:, 2])[:4]
    events = listed_events(outcomes, table(*[(outcomes.participants[k], "9", "j2r") for k in who]))
    other = without_set_aside(outcomes, events)
    assert other.is_missing.sum() == outcomes.is_missing.sum() + 8
    kept = counts(outcomes, events)
    assert kept["set_aside"].sum() == 8
    assert counts(other, events)["imputed"].sum() == kept["imputed"].sum() + 8
    one, two = (
        leave_units_out(base_model(own, events)).pooled(ancova(own)).at("15", "SRT")["estimate"]
        for own in (outcomes, other)
    )
    assert one != two


def test_counts_are_of_every_arm_and_visit(outcomes):
    events = after_last_observed(outcomes, "j2r")
    found = counts(outcomes, events)
    assert (found["observed"] + found["imputed"] == found["participants"]).all()
    assert found["imputed"].sum() == outcomes.is_missing.sum() == found["imputed_after_event"].sum()
    assert len(found) == 6


def test_a_model_without_outcomes_before_the_events_of_an_arm_is_refused(outcomes):
    """Everyone of an arm has the event at visit 15: nothing says what its mean there would be."""
    who = [outcomes.participants[k] for k in np.flatnonzero(outcomes.arm == outcomes.arms.index("SRT"))]
    events = listed_events(outcomes, table(*[(name, "15", "j2r") for name in who]))
    with pytest.raises(ImputationError, match="arm SRT, visit 15: found only outcomes after an event"):
        base_model(outcomes, events)
