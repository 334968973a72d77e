"""Which labels say yes: a word read the wrong way round would turn a trial's harms upside down."""

import pandas as pd
import pytest

from analysis.derive.answers import answers, said_yes
from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.yes_no import labels_saying_yes, says_yes, yes_no_problems

SAYING = [
    (
        "serious",
        True,
        "Yes|yes |Y|TRUE|Serious|SAE|Serious adverse event|Death|Life-threatening|1 = Yes|Was serious",
    ),
    (
        "serious",
        False,
        "No|n|False|None|Nil|Not serious|Non-serious|Nonserious|Not a serious event|0: No|2 - No",
    ),
    (
        "serious",
        None,
        "Don't know|Do not know|Uncertain|Refused|Refused to answer|Declined|Prefer not to say|N.A.|n.k.|9 = Unknown",
    ),
    ("serious", None, "Not known|Unknown|Not recorded|N/A|n/k|Missing|Not assessed|No information|Unclear"),
    (
        "related",
        True,
        "Definitely|Definitely related|Probable|Possibly|Possibly related|Likely|Very likely|Suspected",
    ),
    (
        "related",
        False,
        "Unlikely|Very unlikely|Unrelated|Not related|Not related to the trial|Definitely not|None",
    ),
    ("related", False, "Probably not|Definitely unrelated|Most likely unrelated|Isn't related|Isn’t related"),
    (
        "related",
        None,
        "Cannot be assessed|Can't be determined|Not possible to assess|Unable to say|Uncertain",
    ),
    ("related", False, "Not likely|Possibly not|Could not be related|0 - N"),
    ("related", None, "Not known|Unassessable|Unclassifiable|Not applicable|Not yet assessed"),
    ("attended", False, "Not held|Never came|Has not attended|Not attending|Couldn't come"),
    ("attended", True, "Attended|Yes, late|Came|Completed"),
    (
        "attended",
        False,
        "Did not attend|Didn't attend|DNA|Cancelled|Cancelled by therapist|No show|Not done|Absent",
    ),
    ("excluded", True, "Excluded|Excluded after randomisation|Yes, ineligible|Ineligible|Found ineligible"),
    ("excluded", False, "Not excluded|Eligible|Included|No"),
]
UNCLEAR = [
    ("serious", "United|Severe|Grade 2|1|2|AE|Serious, not life-threatening|Other|Undone|?"),
    (
        "serious",
        "Not entered|Not fatal|Non-fatal|Never hospitalised|Not life-threatening|Without sequelae|Ja",
    ),
    ("related", "Not unlikely|Related, not to the drug|Remote|Possibly, not certain|Not definitely related"),
    ("related", "Not drawn|Non-drug"),
    ("attended", "Telephone|Attended, then cancelled|Not in person"),
    ("excluded", "Not eligible|Withdrawn|Not included"),
]


@pytest.mark.parametrize(
    ("column", "said", "label"),
    [(column, said, label) for column, said, labels in SAYING for label in labels.split("|")],
)
def test_a_label_says_what_a_reader_would_say_it_says(column, said, label):
    assert says_yes("7", {"7": label}, column) is said


@pytest.mark.parametrize(
    ("column", "label"), [(column, label) for column, labels in UNCLEAR for label in labels.split("|")]
)
def test_a_label_that_could_be_read_either_way_is_refused_by_name(column, label):
    kind = {"serious": "adverse_events", "related": "adverse_events", "attended": "sessions"}
    form = {"kind": kind.get(column, "allocation"), "columns": {column: {"labels": {"1": "Yes", "2": label}}}}
    (problem,) = yes_no_problems(form, "plan, forms.own")
    assert problem.where == f"plan, forms.own.columns.{column}.labels"
    assert problem.found == f"no clear yes or no in {label!r}"


@pytest.mark.parametrize(
    ("column", "label"),
    [(column, label) for column, said, labels in SAYING if said is None for label in labels.split("|")],
)
def test_a_label_that_says_nothing_was_recorded_is_no_mistake(column, label):
    """Half of all units' exports have one; it must not keep a trial from being loaded."""
    form = {"kind": "sessions" if column == "attended" else "adverse_events"}
    labels = {"1": "Yes", "2": label}
    assert not list(yes_no_problems({**form, "columns": {column: {"labels": labels}}}, "plan"))


def test_labels_of_which_none_says_yes_are_refused():
    """A column that asks yes or no and can't be answered yes counts nobody, silently."""
    form = {"kind": "adverse_events", "columns": {"serious": {"labels": {"1": "No", "2": "Not known"}}}}
    (problem,) = yes_no_problems(form, "plan")
    assert problem.found == "none that says yes among 'No', 'Not known'"


@pytest.mark.parametrize(("type_", "is_refused"), [("text", True), ("category", True), ("integer", False)])
def test_words_without_labels_are_refused_and_numbers_are_not(type_, is_refused):
    """ "Ja" and "Face to face" were counted as no yes, and nobody was told."""
    form = {"kind": "sessions", "columns": {"attended": {"type": type_}, "mode": {"type": "text"}}}
    problems = list(yes_no_problems(form, "plan, forms.own"))
    assert [p.where for p in problems] == ["plan, forms.own.columns.attended"] * is_refused
    assert all("labels = {" in p.remedy for p in problems)


def test_a_plan_with_ambiguous_labels_is_not_loaded(tmp_path):
    """Refused before any data are read, with the place and what to write."""
    path = tmp_path / "own.toml"
    demo = (SHIPPED_TRIALS / "demo.toml").read_text("utf-8")
    assert 'labels = { Y = "Yes", N = "No" }' in demo
    path.write_text(
        demo.replace('labels = { Y = "Yes", N = "No" }', 'labels = { Y = "Yes", N = "Mild" }'), "utf-8"
    )
    with pytest.raises(PlanError, match=r"serious\.labels: found no clear yes or no in 'Mild'"):
        load_trial(path)


@pytest.mark.parametrize(
    ("code", "said"), [("1", False), ("2", True), ("1.0", False), ("3", None), ("yes", None)]
)
def test_the_code_of_a_labelled_column_says_nothing(code, said):
    """1 is "No" in many a unit's export."""
    assert says_yes(code, {"1": "No", "2": "Yes"}, "serious") is said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1", True),
        (1.0, True),
        ("0", False),
        ("yes", True),
        ("N", False),
        ("2", None),
        (pd.NA, None),
        (None, None),
    ],
)
def test_codes_are_read_where_no_label_is_declared(code, said):
    assert says_yes(code, {}, "attended") is said


def test_the_labels_that_say_yes_are_listed_once_each():
    labels = {"1": "Possibly", "2": "Unlikely", "3": "Possibly", "4": "Definitely", "5": "Not known"}
    assert labels_saying_yes(labels, "related") == ("Possibly", "Definitely")


def test_blank_answers_stay_blank_and_are_no_yes():
    recorded = pd.Series(["1", None, "0", "Not known"], name="serious")
    assert answers(recorded, None).tolist() == [True, pd.NA, False, pd.NA]
    assert said_yes(recorded, None).tolist() == [True, False, False, False]
