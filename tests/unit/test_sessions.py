"""Whom a participant saw, counted by hand."""

import pandas as pd

from analysis.derive.sessions import main_therapist, sessions_attended
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
ARMS = pd.Series({"P1": "UC", "P2": "SRT", "P3": "SRT", "P4": "SRT"})


def sessions(*rows):
    """Return accepted sessions: participant, therapist, day."""
    frame = pd.DataFrame(rows, columns=["participant", "therapist", "day"])
    return {
        "sessions": frame.assign(session_date=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["day"], "D"))
    }


def test_the_therapist_seen_most_often_counts():
    """Whoever stood in once is not a participant's therapist."""
    held = sessions(("P2", "T1", 1), ("P2", "T2", 2), ("P2", "T2", 3), ("P3", "T1", 1))
    found = main_therapist(held, TRIAL, ARMS)
    assert found[["P2", "P3"]].to_dict() == {"P2": "T2", "P3": "T1"}
    assert found[["P1", "P4"]].isna().all()


def test_of_two_seen_equally_often_the_first_counts():
    """By the date, whatever the order of the records."""
    held = sessions(("P2", "T1", 9), ("P2", "T3", 1), ("P2", "T3", 8), ("P2", "T1", 7))
    assert main_therapist(held, TRIAL, ARMS)["P2"] == "T3"


def test_controls_have_no_therapist():
    """Sessions recorded for a control are a matter for the contract, not a cluster."""
    assert main_therapist(sessions(("P1", "T1", 1)), TRIAL, ARMS).isna().all()


def test_sessions_not_attended_are_not_counted():
    """A column `attended` says which were held."""
    held = sessions(("P2", "T1", 1), ("P2", "T2", 2), ("P2", "T2", 3))
    held["sessions"]["attended"] = ["yes", "no", "no"]
    assert main_therapist(held, TRIAL, ARMS)["P2"] == "T1"
    assert sessions_attended(held, TRIAL, ARMS.index).to_dict() == {"P1": 0, "P2": 1, "P3": 0, "P4": 0}


def test_the_label_says_who_attended_not_the_code():
    """A unit that codes 1 = Did not attend had its absences counted as therapy."""
    form = TRIAL.forms["sessions"]
    attended = form.columns["therapist"].model_copy(
        update={"name": "attended", "labels": {"1": "Did not attend", "2": "Attended"}}
    )
    form = form.model_copy(update={"columns": {**form.columns, "attended": attended}})
    trial = TRIAL.model_copy(update={"forms": {**TRIAL.forms, "sessions": form}})
    held = sessions(("P2", "T1", 1), ("P2", "T2", 2), ("P3", "T2", 3))
    held["sessions"]["attended"] = ["1", "2", "1"]
    assert sessions_attended(held, trial, ARMS.index).to_dict() == {"P1": 0, "P2": 1, "P3": 0, "P4": 0}


def test_without_a_sessions_form_there_is_no_therapist():
    """The column is absent then, rather than empty."""
    assert main_therapist({}, TRIAL, ARMS) is None
    assert sessions_attended({}, TRIAL, ARMS.index).sum() == 0
