"""Rows on how a small trial went, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.derive.course import Course, recruited, unheld_events
from analysis.derive.flow import UNKNOWN
from analysis.derive.harms import NOT_STATED, harms_of
from analysis.derive.populations import Evidence, population_counts
from analysis.estimators.course import course_records
from analysis.estimators.disposition import describe_disposition
from analysis.estimators.harms import describe_harms
from analysis.estimators.missing_data import describe_missing, describe_patterns
from analysis.estimators.populations import describe_populations
from analysis.estimators.recruitment import describe_recruitment, describe_recruitment_by_site
from analysis.estimators.unheld_events import describe_unheld
from analysis.results import results_table
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
BTHEB = load_trial(find_trial("beat_the_blues"))
PEOPLE = pd.DataFrame(
    {"arm": ["UC", "UC", "SRT", "SRT"], "site": ["Norfolk", "Norfolk", "Sussex", "Elsewhere"],
     "sex": "F", "excluded": ["0", "0", "0", "1"]},
    index=pd.Index(["P1", "P2", "P3", "P4"], name="participant"),
)  # fmt: skip
LATE = pd.DataFrame({"participant": ["P1", "P3", "P3"], "event": "admission"})
STARTED = pd.Series(pd.to_datetime(["2024-01-31", "2024-02-01", "2024-04-01", None]), index=PEOPLE.index)


def evidence(trial=TRIAL):
    visits = [visit.code for visit in trial.visits]
    observed = pd.DataFrame(data=True, index=PEOPLE.index, columns=visits)
    observed.loc["P2", visits[1:]] = False
    return Evidence(PEOPLE, observed, pd.Series([0, 0, 9, 3], index=PEOPLE.index), trial)


def flow(rows, by="arm"):
    return pd.DataFrame(rows, columns=["stage", by, "visit", "n", "reason"])


def course(**changed):
    arms = [
        ("randomised", "UC", "", 2, ""), ("analysed", "UC", "", 2, ""),
        ("randomised", "SRT", "", 2, ""), ("excluded", "SRT", "", 1, "excluded after randomisation"),
        ("received therapy", "SRT", "", 1, "at least one session"), ("no therapy", "SRT", "", 0, "no session"),
        ("not analysed", "SRT", "", 0, "no follow-up observed"), ("analysed", "SRT", "", 1, ""),
    ]  # fmt: skip
    parts = {
        "flow": flow(arms),
        "flow_by_site": flow([("randomised", "Norfolk", "", 4, "")], "site"),
        "populations": population_counts(evidence()),
        "recruited": recruited(evidence(), STARTED),
        "harms": pd.DataFrame({"participant": pd.Series(dtype="str")}),
        "unheld": unheld_events(LATE.iloc[:0], PEOPLE),
    }
    return Course(**{**parts, **changed})


def told(rows, statistic="count"):
    """Return the values by arm and place."""
    return {(row.arm, row.at): row.value for row in rows if row.statistic == statistic}


def test_pooled_stages_are_the_sum_of_the_arms_without_those_of_therapy():
    """In the pooled rows nothing may be told that is counted in one arm alone."""
    described = describe_disposition(course(), TRIAL)
    assert told(described["randomised"]) == {("UC", ""): 2, ("SRT", ""): 2, ("", ""): 4}
    assert told(described["analysed"])["", ""] == 3
    assert {row.arm for row in described["received therapy"] + described["no therapy"]} == {"SRT"}
    assert {row.n for row in described["randomised"]} == {2, 4}


def test_the_reasons_for_being_out_of_a_population_are_its_requirements_in_turn():
    """P4 was excluded and had too few sessions: the first counts."""
    described = describe_populations(course(), TRIAL)
    assert told(described["per_protocol"]) == {
        ("UC", ""): 2, ("UC", "excluded after randomisation"): 0,
        ("SRT", ""): 1, ("SRT", "excluded after randomisation"): 1,
        ("", ""): 3, ("", "excluded after randomisation"): 1,
    }  # fmt: skip
    assert told(described["complete"])["UC", "not observed at every visit"] == 1


def test_months_without_anybody_are_counted_as_none():
    """A gap in recruitment must be seen; whoever has no date is in the denominator alone."""
    rows = describe_recruitment(course())["randomised"]
    assert told(rows) == {("", "2024-01"): 1, ("", "2024-02"): 1, ("", "2024-03"): 0, ("", "2024-04"): 1}
    assert {row.n for row in rows} == {4}


def test_without_dates_there_are_no_months():
    """Published data often have none."""
    undated = recruited(evidence(), STARTED.mask(STARTED.notna()))
    assert describe_recruitment(course(recruited=undated)) == {"randomised": []}


def test_each_declared_site_is_counted_and_so_is_an_unknown_one():
    """A site that randomised nobody is told; people of a site not in the plan don't vanish."""
    rows = describe_recruitment_by_site(course(), TRIAL)["randomised"]
    assert told(rows) == {
        ("", "Norfolk"): 2, ("", "Birmingham"): 0, ("", "Lancashire"): 0, ("", "Sussex"): 1, ("", UNKNOWN): 1,
    }  # fmt: skip
    assert told(rows, "percent")["", "Norfolk"] == pytest.approx(100 * 2 / 48)
    assert told(rows, "percent")["", ""] == pytest.approx(100 * 4 / 155)
    assert describe_recruitment_by_site(course(), BTHEB) == {"randomised": []}


def events(**columns):
    table = {"participant": ["P1", "P1", "P3", "P4", "P3", "X9"], "category": ["admission", "other"] * 3,
             "serious": ["Y", "N", "Y", "Y", "N", "N"],
             "related": ["none", "definite", None, "none", "possible", "none"],
             "started": pd.to_datetime(["2024-03-01", "2024-01-31", "2024-05-01", "2024-05-01", "2024-03-31",
                                        "2024-05-01"])}  # fmt: skip
    return pd.DataFrame({**table, **columns})


def harms(frame, trial=TRIAL):
    return harms_of({"adverse_events": frame}, trial, PEOPLE[PEOPLE["excluded"] == "0"], STARTED)


def test_harms_begin_at_randomisation_and_leave_out_the_excluded():
    """On the day itself counts; the day before, an excluded person and a stranger do not, and are told."""
    found = harms(events())
    assert found.events[["participant", "arm", "category"]].to_numpy().tolist() == [
        ["P1", "UC", "Other"], ["P1", "UC", "Psychiatric admission"], ["P3", "SRT", "Psychiatric admission"],
    ]  # fmt: skip
    assert [note.split(": ")[1][:1] for note in found.notes] == ["2", "1"]
    assert not any("P" in note.split(": ")[1] for note in found.notes)


def test_people_are_counted_once_and_events_each():
    """P1 had two: one person, two events. An answer that is missing is not "related"."""
    described = describe_harms(course(harms=harms(events()).events), TRIAL)
    assert told(described["any"]) == {("UC", ""): 1, ("SRT", ""): 1, ("", ""): 2}
    assert told(described["any"], "total") == {("UC", ""): 2, ("SRT", ""): 1, ("", ""): 3}
    assert told(described["any"], "percent") == {
        ("UC", ""): 50, ("SRT", ""): 100, ("", ""): pytest.approx(200 / 3),
    }  # fmt: skip
    assert told(described["related"]) == {("UC", ""): 1, ("SRT", ""): 0, ("", ""): 1}
    assert told(described["category: Self-harm"], "total") == {("UC", ""): 0, ("SRT", ""): 0, ("", ""): 0}


def labelled(**labels):
    """Return the trial with other labels of its adverse events form's columns."""
    form = TRIAL.forms["adverse_events"]
    columns = {n: form.columns[n].model_copy(update={"labels": told}) for n, told in labels.items()}
    form = form.model_copy(update={"columns": {**form.columns, **columns}})
    return TRIAL.model_copy(update={"forms": {**TRIAL.forms, "adverse_events": form}})


def test_the_label_says_what_is_serious_not_the_code():
    """A unit that codes 1 = No, 2 = Yes had all its harmless events told as serious."""
    trial = labelled(serious={"1": "No", "2": "Yes"}, related={"0": "Definitely", "1": "Unlikely"})
    frame = events(serious=["2", "1", "1", "1", "1", "1"], related=["1", "0", "0", "1", "0", "1"])
    described = describe_harms(course(harms=harms(frame, trial).events), trial)
    assert told(described["serious"], "total") == {("UC", ""): 1, ("SRT", ""): 0, ("", ""): 1}
    assert told(described["related"], "total") == {("UC", ""): 1, ("SRT", ""): 1, ("", ""): 2}


def test_events_of_which_nobody_said_whether_they_were_serious_are_counted_as_such():
    """Left out of the count of serious events, they would read as harmless."""
    frame = events(serious=[None, "N", "Y", "Y", "N", "N"])
    described = describe_harms(course(harms=harms(frame).events), TRIAL)
    assert list(described)[:5] == [
        "any", "serious", "seriousness not recorded", "related", "relatedness not recorded",
    ]  # fmt: skip
    unsaid = {("UC", ""): 1, ("SRT", ""): 0, ("", ""): 1}
    assert told(described["seriousness not recorded"], "total") == unsaid
    assert told(described["relatedness not recorded"], "total")["SRT", ""] == 1


def test_where_every_answer_is_there_no_row_says_that_one_is_missing():
    """A row of noughts would be read as a finding."""
    frame = events(related=["none"] * 6)
    described = describe_harms(course(harms=harms(frame).events), TRIAL)
    assert not [name for name in described if name.endswith("not recorded")]


def test_a_form_without_the_optional_columns_tells_less():
    """Nothing is said of seriousness that nobody recorded."""
    form = TRIAL.forms["adverse_events"]
    short = form.model_copy(
        update={"columns": {n: c for n, c in form.columns.items() if n in {"participant", "started"}}}
    )
    trial = TRIAL.model_copy(update={"forms": {**TRIAL.forms, "adverse_events": short}})
    found = harms(events()[["participant", "started"]], trial)
    assert list(describe_harms(course(harms=found.events), trial)) == ["any"]


def test_a_kind_of_event_that_is_not_stated_is_counted_as_such():
    """The kinds together must be all events."""
    found = harms(events(category=None))
    described = describe_harms(course(harms=found.events), TRIAL)
    assert told(described[f"category: {NOT_STATED}"], "total")["", ""] == 3


def test_no_record_of_events_is_not_the_same_as_no_events():
    """A trial that keeps none has no rows; one whose form is empty has noughts."""
    assert describe_harms(course(), TRIAL) == {}
    empty = harms(events().iloc[:0])
    assert told(describe_harms(course(harms=empty.events), TRIAL)["any"]) == {
        ("UC", ""): 0,
        ("SRT", ""): 0,
        ("", ""): 0,
    }


def analysis_set():
    visits = [visit.code for visit in TRIAL.visits]
    hours = {
        "P1": [1, 2, 3, 4],
        "P2": [1, np.nan, 3, np.nan],
        "P3": [1, np.nan, 3, np.nan],
        "P4": [1, 1, 1, 1],
    }
    frame = pd.DataFrame(
        [
            (p, PEOPLE.loc[p, "arm"], v, x)
            for p, row in hours.items()
            for v, x in zip(visits, row, strict=True)
        ],
        columns=["participant", "arm", "visit", "structured_activity_hours"],
    )
    others = [o.name for o in TRIAL.outcomes.values() if o.name not in frame]
    return frame.assign(in_randomised=frame["participant"] != "P4", **dict.fromkeys(others, 1.0))


def test_patterns_are_signs_in_the_order_of_the_visits():
    """The commonest first; nobody outside the population."""
    (rows,) = describe_patterns(analysis_set(), TRIAL).values()
    assert told(rows) == {
        ("UC", "X.X."): 1, ("UC", "XXXX"): 1, ("SRT", "X.X."): 1, ("SRT", "XXXX"): 0, ("", "X.X."): 2, ("", "XXXX"): 1,
    }  # fmt: skip
    assert told(rows, "percent")["", "X.X."] == pytest.approx(200 / 3)
    assert rows[0].at == "X.X."


def test_the_percentage_missing_is_of_the_population():
    """Two of three at 9 months."""
    rows = describe_missing(analysis_set(), TRIAL)["structured_activity_hours"]
    at_nine = {row.arm: (row.value, row.n) for row in rows if row.visit == "m9"}
    assert at_nine == {"UC": (50, 2), "SRT": (100, 1), "": (pytest.approx(200 / 3), 3)}


def test_each_row_has_a_key_of_its_own():
    """The report traces a number by its key: two rows of one key would be one number."""
    table = results_table(course_records(course(harms=harms(events()).events), TRIAL))
    key = ["analysis", "outcome", "statistic", "visit", "arm", "at"]
    assert not table.duplicated(key).any()


def test_an_analysis_set_stored_by_an_older_version_is_run_again_not_guessed_at():
    """Its report would lack the flow without saying why."""
    from assets.results import _course
    from data_contracts.errors import StorageError
    from data_contracts.tables import Tables

    with pytest.raises(StorageError, match="Run the trial as a whole"):
        _course(Tables({"analysis_set": pd.DataFrame()}), TRIAL)
    assert _course(Tables(course().frames), TRIAL).flow.equals(course().flow)


def test_events_in_no_outcome_are_counted_by_arm_and_of_all():
    """Two of them are one person's: what is lost are events."""
    described = describe_unheld(course(unheld=unheld_events(LATE, PEOPLE)), TRIAL)
    counts = {row.arm: row.value for row in described["admission"]}
    assert counts == {"UC": 1, "SRT": 2, "": 3}


def test_a_trial_that_leaves_no_event_out_has_no_row_of_them():
    assert describe_unheld(course(), TRIAL) == {}
