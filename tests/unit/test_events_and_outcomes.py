"""Events counted from randomisation on, and outcomes made from events or from other outcomes."""

import math

import pandas as pd
import pytest

from analysis.derive.events import event_outcome, events_of, first_days
from analysis.derive.outcomes import cut_values
from data_contracts.load import find_trial, load_trial

PEOPLE = pd.Index(["A", "B", "C", "D"], name="participant")
START = pd.Series(pd.to_datetime(["2020-01-01"] * 4), index=PEOPLE)


@pytest.fixture(scope="module")
def demo():
    return load_trial(find_trial("demo"))


@pytest.fixture
def accepted():
    """A: admitted on days 10 and 40, last seen on 100. B: never, seen on 300. C: only before. D: never seen."""
    events = pd.DataFrame({
        "participant": ["A", "A", "A", "B", "C"],
        "category": ["admission", "admission", "physical", "other", "admission"],
        "started": pd.to_datetime(["2020-02-10", "2020-01-11", "2020-01-05", "2020-01-05", "2019-12-01"]),
    })  # fmt: skip
    seen = pd.DataFrame({
        "participant": ["A", "B", "C"],
        "visit_date": pd.to_datetime(["2020-04-10", "2020-10-27", "2020-03-01"]),
    })  # fmt: skip
    return {"adverse_events": events, "time_use": seen}


def _outcome(demo, accepted, name, **changes):
    outcome = demo.outcomes[name].model_copy(update=changes)
    return event_outcome(events_of(accepted, demo, START), outcome, PEOPLE)


def test_only_declared_codes_count_as_the_event_and_nothing_before_randomisation(demo, accepted):
    """An admission of the year before is no outcome; it is said, since it may be a wrong date."""
    happened = events_of(accepted, demo, START)
    first = first_days(happened, PEOPLE)["event_readmission_day"]
    assert first["A"] == 10
    assert first[["B", "C", "D"]].isna().all()
    assert happened.notes == ("Psychiatric admission: 1 dated before randomisation, left aside.",)


def test_a_count_has_the_days_over_which_it_was_counted(demo, accepted):
    """Without exposure, whoever left early would seem the healthier."""
    counted = _outcome(demo, accepted, "admissions")
    assert counted["admissions"].tolist()[:3] == [2, 0, 0]
    assert counted["admissions_days"].tolist()[:3] == [100, 300, 60]
    assert counted.loc["D"].isna().all()


def test_events_after_the_declared_days_are_not_counted(demo, accepted):
    counted = _outcome(demo, accepted, "admissions", until_days=30)
    assert counted.loc["A"].tolist() == [1, 30]


def test_a_time_ends_at_the_first_event_or_at_the_last_contact(demo, accepted):
    times = _outcome(demo, accepted, "time_to_admission")
    assert times.loc["A"].tolist() == [1, 10]
    assert times.loc["B"].tolist() == [0, 300]


def test_an_event_after_the_last_contact_is_not_seen(demo, accepted):
    """Whoever is no longer followed can't be counted as free of events, nor as having one."""
    accepted["time_use"].loc[0, "visit_date"] = pd.Timestamp("2020-01-20")
    assert _outcome(demo, accepted, "admissions").loc["A"].tolist() == [1, 19]


def test_events_after_the_last_contact_are_counted_and_said(demo, accepted):
    """Nothing is left aside without a word."""
    accepted["time_use"].loc[0, "visit_date"] = pd.Timestamp("2020-01-20")
    happened = events_of(accepted, demo, START)
    assert (
        "Psychiatric admission: 1 after the participant's last dated contact, in no outcome."
        in happened.notes
    )
    assert happened.unheld.to_dict("records") == [{"participant": "A", "event": "readmission"}]


def test_an_event_that_no_outcome_is_made_of_is_not_missed_in_one(demo, accepted):
    """An end of therapy is an intercurrent event: it belongs in no outcome, whenever it came."""
    accepted["discontinuations"] = pd.DataFrame({
        "participant": ["A"], "ended": pd.to_datetime(["2020-06-01"]),
    })  # fmt: skip
    happened = events_of(accepted, demo, START)
    assert happened.unheld.empty
    assert not any("Ended SRT" in note for note in happened.notes)
    assert first_days(happened, PEOPLE)["event_ended_therapy_day"]["A"] == 152


def test_an_event_of_somebody_never_heard_of_again_is_counted_too(demo, accepted):
    """Their outcome is missing, so that the event is in none."""
    accepted["time_use"] = accepted["time_use"][accepted["time_use"]["participant"] != "A"]
    assert _outcome(demo, accepted, "admissions").loc["A"].isna().all()
    assert set(events_of(accepted, demo, START).unheld["participant"]) == {"A"}


def test_no_event_is_left_over_where_all_were_followed(demo, accepted):
    assert events_of(accepted, demo, START).unheld.empty


def test_an_event_on_the_day_of_randomisation_has_a_time_above_nothing(demo, accepted):
    accepted["adverse_events"].loc[1, "started"] = pd.Timestamp("2020-01-01")
    assert _outcome(demo, accepted, "time_to_admission").loc["A"].tolist() == [1, 0.5]


def test_an_event_without_its_form_has_not_happened(demo, accepted):
    """The form of adverse events may be absent: then nobody had one, and follow-up is as it was."""
    del accepted["adverse_events"]
    assert _outcome(demo, accepted, "admissions").loc["A"].tolist() == [0, 100]


@pytest.mark.parametrize(
    ("hours", "yes", "level"), [(0, 0, 0), (14.99, 0, 0), (15, 0, 1), (30, 1, 2), (99, 1, 2)]
)
def test_a_value_on_the_threshold_is_at_least_it(demo, hours, yes, level):
    frame = pd.DataFrame({"structured_activity_hours": [hours]})
    assert cut_values(frame, demo.outcomes["above_30_hours"], demo).tolist() == [yes]
    assert cut_values(frame, demo.outcomes["disability_level"], demo).tolist() == [level]


def test_a_missing_value_has_no_level(demo):
    """Missing is not a failure to respond: what it means is for the analysis to say."""
    frame = pd.DataFrame({"structured_activity_hours": [math.nan]})
    assert cut_values(frame, demo.outcomes["above_30_hours"], demo).isna().all()
    assert cut_values(frame, demo.outcomes["disability_level"], demo).isna().all()


@pytest.mark.parametrize(
    ("better", "after", "yes"), [("higher", 15, 1), ("higher", 14, 0), ("lower", 5, 1), ("lower", 6, 0)]
)
def test_a_change_counts_in_the_better_direction(demo, better, after, yes):
    hours = demo.outcomes["structured_activity_hours"].model_copy(update={"better": better})
    trial = demo.model_copy(update={"outcomes": {**demo.outcomes, "structured_activity_hours": hours}})
    outcome = demo.outcomes["above_30_hours"].model_copy(update={"at_least": None, "change_at_least": 5})
    frame = pd.DataFrame({"structured_activity_hours": [after], "structured_activity_hours_baseline": [10]})
    assert cut_values(frame, outcome, trial).tolist() == [yes]
