"""The analysis set of a small trial, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.derive import build_analysis_set
from analysis.derive.recount import recount
from data_contracts.load import find_trial, load_trial
from data_contracts.yes_no import EXCLUDED

TRIAL = load_trial(find_trial("demo"))
DAYS = {"baseline": -10, "m9": 270, "m15": 450, "m24": 730}


def seen(participant, hours):
    """Return a participant's time-use records: hours by visit."""
    return [
        {"participant": participant, "visit": visit, "structured_activity_hours": value,
         "visit_date": pd.Timestamp("2020-01-01") + pd.Timedelta(days=DAYS[visit])}
        for visit, value in hours.items()
    ]  # fmt: skip


@pytest.fixture
def accepted():
    """Five people: a complete control, a dropout, two treated (8 sessions and 2), one excluded."""
    ids = ["P1", "P2", "P3", "P4", "P5"]
    allocation = pd.DataFrame(
        {"participant": ids, "arm": ["UC", "UC", "SRT", "SRT", "SRT"], "site": "Norfolk", "sex": "F",
         "randomised_on": pd.Timestamp("2020-01-01"), EXCLUDED: ["0", "0", "0", "0", "1"]}
    )  # fmt: skip
    participants = pd.DataFrame({"participant": ids, "age": 20, "diagnosis": "1"})
    whole = {"baseline": 10.0, "m9": 20.0, "m15": 22.0, "m24": 24.0}
    time_use = pd.DataFrame(
        seen("P1", whole) + seen("P2", {"baseline": 5.0}) + seen("P3", whole)
        + seen("P4", {"baseline": 8.0, "m9": 0.0}) + seen("P5", {"baseline": 9.0})
    )  # fmt: skip
    items = {f"{n}_{i}": pd.Series(dtype="Int64") for n in ("ucla3", "mars5", "audit", "psp")
             for i in range(1, TRIAL.instruments[n].n_items + 1)}  # fmt: skip
    questionnaires = pd.DataFrame(
        {"participant": pd.Series(dtype="str"), "visit": pd.Series(dtype="str"),
         "completed": pd.Series(dtype="datetime64[s]"), **items}
    )  # fmt: skip
    sessions = pd.DataFrame({"participant": ["P3"] * 8 + ["P4"] * 2})
    return {"participants": participants, "allocation": allocation, "time_use": time_use,
            "questionnaires": questionnaires, "sessions": sessions}  # fmt: skip


def test_each_randomised_participant_has_a_row_per_visit(accepted):
    """Seen or not: what is missing must be visible."""
    frame = build_analysis_set(accepted, TRIAL).frame
    assert frame.groupby("participant").size().tolist() == [4] * 5
    assert not frame.duplicated(["participant", "visit"]).any()


def test_change_is_the_outcome_less_its_baseline(accepted):
    """At baseline itself there is no change."""
    frame = build_analysis_set(accepted, TRIAL).frame.set_index(["participant", "visit"])
    assert frame.loc[("P4", "m9"), "structured_activity_hours_change"] == -8
    assert np.isnan(frame.loc[("P4", "baseline"), "structured_activity_hours_change"])
    assert frame.loc[("P4", "m24"), "structured_activity_hours_baseline"] == 8


def test_populations_follow_the_plan(accepted):
    """Per protocol asks for 8 sessions of the treated only; complete asks for every visit."""
    members = (
        build_analysis_set(accepted, TRIAL).frame.drop_duplicates("participant").set_index("participant")
    )
    assert members["in_randomised"].to_dict() == {"P1": True, "P2": True, "P3": True, "P4": True, "P5": False}
    assert members["in_per_protocol"].to_dict() == {
        "P1": True,
        "P2": True,
        "P3": True,
        "P4": False,
        "P5": False,
    }
    assert members["in_complete"].to_dict() == {"P1": True, "P2": False, "P3": True, "P4": False, "P5": False}


def test_flow_counts_everyone_once(accepted):
    """Randomised = excluded + not analysed + analysed, in each arm."""
    flow = build_analysis_set(accepted, TRIAL).course.flow.set_index(["arm", "stage", "visit"])["n"]
    assert flow[("UC", "randomised", "")] == 2
    assert flow[("UC", "not analysed", "")] == 1
    assert flow[("UC", "analysed", "")] == 1
    assert flow[("SRT", "excluded", "")] == 1
    assert flow[("SRT", "received therapy", "")] == 2
    assert flow[("SRT", "observed", "m9")] == 2
    assert flow[("SRT", "lost", "m15")] == 1
    assert flow[("SRT", "analysed", "")] == 2


@pytest.mark.parametrize("column", [{"1": "No", "2": "Yes"}, {"1": "Eligible", "2": "Ineligible"}])
def test_the_label_says_who_was_excluded_not_the_code(accepted, column):
    """A unit that codes 1 = No had everybody but the excluded one excluded; both counts say the same."""
    form = TRIAL.forms["allocation"]
    told = form.columns[EXCLUDED].model_copy(update={"labels": column})
    form = form.model_copy(update={"columns": {**form.columns, EXCLUDED: told}})
    trial = TRIAL.model_copy(update={"forms": {**TRIAL.forms, "allocation": form}})
    accepted["allocation"][EXCLUDED] = ["1", "1", "1", "1", "2"]
    flow = build_analysis_set(accepted, trial).course.flow.set_index(["arm", "stage", "visit"])["n"]
    assert (flow["UC", "excluded", ""], flow["SRT", "excluded", ""]) == (0, 1)
    again = recount(accepted, trial)
    assert (again["observed", "UC", "baseline"], again["observed", "SRT", "baseline"]) == (2, 2)


def test_a_form_of_sessions_without_a_record_says_that_nobody_came(accepted):
    """Declared and empty is a finding; the stages of therapy must not vanish from the flow."""
    accepted["sessions"] = accepted["sessions"].iloc[:0]
    flow = build_analysis_set(accepted, TRIAL).course.flow.set_index(["arm", "stage", "visit"])["n"]
    assert (flow["SRT", "received therapy", ""], flow["SRT", "no therapy", ""]) == (0, 2)
    assert ("UC", "received therapy", "") not in flow.index


def test_without_a_form_of_sessions_nothing_is_said_of_therapy(accepted):
    """Nobody kept a record: a nought would be an invention."""
    forms = {name: form for name, form in TRIAL.forms.items() if form.kind != "sessions"}
    built = build_analysis_set(accepted, TRIAL.model_copy(update={"forms": forms}))
    assert "received therapy" not in set(built.course.flow["stage"])


def test_nobody_enters_who_was_not_randomised(accepted):
    """A questionnaire of an unknown person, or a person without an allocation, is not analysed; it is noted."""
    accepted["time_use"] = pd.concat(
        [accepted["time_use"], pd.DataFrame(seen("X9", {"m9": 3.0}))], ignore_index=True
    )
    accepted["participants"].loc[5] = {"participant": "P6", "age": 30, "diagnosis": "1"}
    built = build_analysis_set(accepted, TRIAL)
    assert set(built.frame["participant"]) == {"P1", "P2", "P3", "P4", "P5"}
    assert "Time Use Survey: 1 of 13" in built.notes[0]


def test_the_order_of_records_does_not_matter(accepted):
    """An export may be sorted anyhow."""
    before = build_analysis_set(accepted, TRIAL).frame
    shuffled = {name: frame.iloc[::-1] for name, frame in accepted.items()}
    pd.testing.assert_frame_equal(before, build_analysis_set(shuffled, TRIAL).frame)


def test_the_randomisation_list_says_who_has_which_arm(accepted):
    """Another form's copy of the arm, the site or a stratum never overrides it."""
    accepted["participants"] = accepted["participants"].assign(arm="UC", sex="M")
    frame = build_analysis_set(accepted, TRIAL).frame.drop_duplicates("participant").set_index("participant")
    assert frame["arm"].astype(str).to_dict() == {
        "P1": "UC",
        "P2": "UC",
        "P3": "SRT",
        "P4": "SRT",
        "P5": "SRT",
    }
    assert set(frame["sex"]) == {"Female"}


def test_a_missing_covariate_is_a_reason_not_to_be_analysed(accepted):
    """The model leaves them out; the flow must say so, or its last box is not the model's n."""
    accepted["allocation"].loc[0, "sex"] = None
    flow = build_analysis_set(accepted, TRIAL).course.flow
    uc = flow[(flow["arm"] == "UC") & (flow["stage"] == "not analysed")]
    assert dict(zip(uc["reason"], uc["n"], strict=True)) == {
        "no follow-up observed": 1,
        "a covariate is missing": 1,
    }


def test_who_is_analysed_although_excluded_is_not_counted_as_excluded(accepted):
    """A population without `eligible` keeps them: the flow follows the population, and adds up."""
    population = TRIAL.populations["randomised"].model_copy(update={"requires": ()})
    everyone = TRIAL.model_copy(update={"populations": {**TRIAL.populations, "randomised": population}})
    accepted["time_use"] = pd.concat(
        [accepted["time_use"], pd.DataFrame(seen("P5", {"m9": 3.0}))], ignore_index=True
    )
    flow = build_analysis_set(accepted, everyone).course.flow.set_index(["arm", "stage", "visit"])["n"]
    assert ("SRT", "excluded", "") not in flow.index
    assert flow[("SRT", "analysed", "")] == 3
