"""The design of a comparison, by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.design import follow_up_design, single_visit_design
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("beat_the_blues"))
PRIMARY = TRIAL.primary_analysis


@pytest.fixture
def analysis_set():
    """Two participants of each arm at all visits; baseline 10, 20, 30, 40; drug and length mixed."""
    people = pd.DataFrame(
        {
            "participant": ["1", "2", "3", "4"],
            "arm": pd.Categorical(["TAU", "TAU", "BtheB", "BtheB"], ["TAU", "BtheB"]),
            "drug": ["No", "Yes", "No", "No"],
            "length": ["Less", "Less", "More", "Less"],
            "bdi_baseline": [10.0, 20.0, 30.0, 40.0],
        }
    )
    visits = pd.DataFrame({"visit": [v.code for v in TRIAL.visits], "month": [v.month for v in TRIAL.visits]})
    frame = people.merge(visits, how="cross")
    return frame.assign(bdi=np.arange(float(len(frame))), in_randomised=True, in_complete=True)


def test_an_adjusted_mean_weighs_levels_equally_and_covariates_at_their_mean(analysis_set):
    """As SAS's LSMEANS: drug is 1/2 although three of four don't take one."""
    design = follow_up_design(analysis_set, TRIAL, PRIMARY)
    row = dict(zip(design.matrix.columns, design.mean_row("BtheB", "m3"), strict=True))
    assert row["Intercept"] == 1
    assert row["visit[m3]"] == 1
    assert row["visit[m5]"] == 0
    assert row["baseline"] == 25
    assert row["baseline:visit[m3]"] == 25
    assert row["drug[Yes]"] == 0.5
    assert row["arm[BtheB]:visit[m3]"] == 1
    assert row["arm[BtheB]:visit[m5]"] == 0


def test_a_difference_holds_only_the_arms_terms(analysis_set):
    """Covariates cancel, as there is no interaction of arm and covariate."""
    design = follow_up_design(analysis_set, TRIAL, PRIMARY)
    row = dict(zip(design.matrix.columns, design.difference_row("BtheB", "m5"), strict=True))
    assert {name for name, weight in row.items() if weight} == {"arm[BtheB]", "arm[BtheB]:visit[m5]"}


def test_rows_without_outcome_or_covariate_are_left_out(analysis_set):
    """A missing covariate has no adjusted prediction."""
    analysis_set.loc[analysis_set["participant"] == "1", "drug"] = np.nan
    analysis_set.loc[(analysis_set["participant"] == "2") & (analysis_set["visit"] == "m8"), "bdi"] = np.nan
    design = follow_up_design(analysis_set, TRIAL, PRIMARY)
    assert design.rows.groupby("participant").size().to_dict() == {"2": 3, "3": 4, "4": 4}


def test_time_as_a_line_uses_months(analysis_set):
    """The published model: month 2, 3, 5, 8 as they are."""
    published = TRIAL.analyses["published"]
    design = follow_up_design(analysis_set, TRIAL, published)
    assert sorted(set(design.matrix["month"])) == [2, 3, 5, 8]
    assert "arm[BtheB]:month" not in design.matrix


def test_one_visit_has_no_visit_terms(analysis_set):
    """Analysis of covariance: intercept, baseline, covariates and arms."""
    design = single_visit_design(analysis_set, TRIAL, TRIAL.analyses["ancova"])
    assert list(design.matrix.columns) == ["Intercept", "baseline", "drug[Yes]", "length[More]", "arm[BtheB]"]
    assert len(design.rows) == 4
