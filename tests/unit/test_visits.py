"""Visits: a dated record belongs to the window that holds it, an undated one to its label."""

import pandas as pd
import pytest

from analysis.derive.visits import assign_visits
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
FORM = TRIAL.forms["time_use"]
RANDOMISED = pd.Series({"P1": pd.Timestamp("2020-01-01"), "P2": pd.Timestamp("2020-01-01")})


def records(*rows):
    """Return records of participant, label and days since randomisation."""
    frame = pd.DataFrame(rows, columns=["participant", "visit", "days"]).convert_dtypes()
    frame[FORM.date] = pd.Timestamp("2020-01-01") + pd.to_timedelta(
        frame.pop("days").astype("float64"), unit="D"
    )
    return frame


@pytest.mark.parametrize(
    ("days", "visit"),
    [(-56, "baseline"), (0, "baseline"), (214, "m9"), (335, "m9"), (396, "m15"), (822, "m24")],
)
def test_both_ends_of_a_window_belong_to_it(days, visit):
    """The plan says so; an exclusive end would lose the records on it."""
    assigned = assign_visits(records(("P1", "m9", days)), FORM, TRIAL, RANDOMISED)
    assert assigned["visit"].tolist() == [visit]
    assert assigned["days_since_randomisation"].tolist() == [days]


@pytest.mark.parametrize(("label", "days"), [("m9", 213), ("m9", 336), ("m15", 540), ("baseline", -57)])
def test_a_date_that_no_window_holds_leaves_the_label_standing(label, days):
    """A late interview is still that visit's: treatment policy; the contract asks about it meanwhile."""
    assert assign_visits(records(("P1", label, days)), FORM, TRIAL, RANDOMISED)["visit"].tolist() == [label]


@pytest.mark.parametrize(("label", "days"), [("m9", 213), ("m15", 540), ("m24", 823)])
def test_a_trial_may_leave_such_records_out(label, days):
    """Plans differ; this one says so in its file."""
    strict = TRIAL.model_copy(update={"out_of_window": "leave out"})
    assert assign_visits(records(("P1", label, days)), FORM, strict, RANDOMISED).empty


@pytest.mark.parametrize(("label", "days"), [("baseline", 1), ("m9", -57)])
def test_a_label_that_contradicts_randomisation_does_not_stand(label, days):
    """A baseline after randomisation is none, nor is a follow-up before it."""
    assert assign_visits(records(("P1", label, days)), FORM, TRIAL, RANDOMISED).empty


def test_a_visit_without_a_window_keeps_its_label():
    """A baseline two days after randomisation is one where the plan sets no window for it."""
    visits = tuple(v.model_copy(update={"window": None}) if v.baseline else v for v in TRIAL.visits)
    lenient = TRIAL.model_copy(update={"visits": visits})
    assert assign_visits(records(("P1", "baseline", 2)), FORM, lenient, RANDOMISED)["visit"].tolist() == [
        "baseline"
    ]


def test_a_window_wins_over_a_label():
    """The plan assigns visits by window; a label is what somebody typed."""
    assert assign_visits(records(("P1", "m9", 450)), FORM, TRIAL, RANDOMISED)["visit"].tolist() == ["m15"]


def test_a_record_without_a_date_goes_by_its_label():
    """There is nothing better to go by, and dropping it would lose an outcome."""
    assigned = assign_visits(records(("P1", "m15", None)), FORM, TRIAL, RANDOMISED)
    assert assigned["visit"].tolist() == ["m15"]


def test_the_nearest_of_several_records_stays():
    """Month 9 is day 273.9: day 280 is nearer than day 220, whichever comes first in the file."""
    both = records(("P1", "m9", 220), ("P1", "m9", 280))
    assigned = assign_visits(both, FORM, TRIAL, RANDOMISED)
    assert assigned["days_since_randomisation"].tolist() == [280]


def test_participants_do_not_share_a_visit():
    """One record per participant and visit, not per visit."""
    assigned = assign_visits(records(("P1", "m9", 270), ("P2", "m9", 270)), FORM, TRIAL, RANDOMISED)
    assert assigned["participant"].tolist() == ["P1", "P2"]


def test_a_trial_without_dates_goes_by_labels():
    """Beat the Blues publishes no dates."""
    trial = load_trial(find_trial("beat_the_blues"))
    frame = pd.DataFrame({"participant": ["1", "1"], "visit": ["pre", "m8"], "bdi": [20.0, 10.0]})
    empty = pd.Series(dtype="datetime64[s]")
    assert assign_visits(frame, trial.forms["bdi"], trial, empty)["visit"].tolist() == ["pre", "m8"]
