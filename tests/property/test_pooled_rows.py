"""Rows of everybody say nothing of the arms: on any shuffled allocation they are the same, to the last digit."""

import pandas as pd
import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.course import course_records, missing_records
from analysis.results import results_table
from data_contracts.blinding import blinded
from data_contracts.load import find_trial, load_trial
from data_contracts.readers.trial import read_trial
from pipelines.landing_data import write_simulated

TRIAL = load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    landing = tmp_path_factory.mktemp("demo")
    write_simulated(TRIAL, landing)
    return read_trial(landing, TRIAL)


def built(forms):
    """Return the analysis set and its rows."""
    accepted = {n: form.values.drop_duplicates(list(TRIAL.forms[n].key)) for n, form in forms.items()}
    made = build_analysis_set(accepted, TRIAL)
    return made, results_table(course_records(made.course, TRIAL) + missing_records(made.frame, TRIAL))


def of_everybody(table):
    """Return the rows without an arm; not of a population that asks for therapy, which somebody excluded may have."""
    pooled = table[(table["arm"] == "") & (table["outcome"] != "per_protocol")]
    return pooled[["analysis", "outcome", "statistic", "visit", "at", "value", "n"]].reset_index(drop=True)


@pytest.mark.parametrize("key", [b"one", b"two", b"three"])
def test_pooled_rows_do_not_depend_on_the_allocation(forms, key):
    """What the open report is made of cannot tell an arm if it is the same whatever the arms are."""
    shuffled = blinded(forms, TRIAL, key).forms
    assert not shuffled["allocation"].values["arm"].equals(forms["allocation"].values["arm"])
    pd.testing.assert_frame_equal(of_everybody(built(shuffled)[1]), of_everybody(built(forms)[1]))


def test_harms_go_by_the_shuffled_arm(forms):
    """While a trial is blinded a table of harms by the true arm would unblind it."""
    shuffled = blinded(forms, TRIAL, b"one").forms
    true, drawn = (f["allocation"].values.set_index("participant")["arm"] for f in (forms, shuffled))
    harms = built(shuffled)[0].course.harms
    assert (harms["participant"].map(drawn) == harms["arm"]).all()
    assert (harms["participant"].map(true) != harms["arm"]).any()
