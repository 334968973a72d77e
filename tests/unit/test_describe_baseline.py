"""Observed descriptions, against counts and means made by hand."""

import math

import pandas as pd
import pytest

from analysis.estimators.baseline import (
    describe_baseline,
    describe_outcomes,
    described_frame,
    level_name,
    variable_and_level,
)
from analysis.results import STATISTICS, Statistic
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("beat_the_blues"))
N = float("nan")


def _set() -> pd.DataFrame:
    people = pd.DataFrame(
        {
            "participant": ["a", "b", "c", "d", "e"],
            "arm": pd.Categorical(["TAU", "TAU", "BtheB", "BtheB", "BtheB"], ["TAU", "BtheB"]),
            "drug": pd.Categorical(["No", "Yes", "Yes", None, "Yes"], ["No", "Yes"]),
            "bdi_baseline": [10.0, 20.0, 12.0, N, 40.0],
            "in_randomised": [True, True, True, True, False],
        }
    )
    frame = people.merge(pd.DataFrame({"visit": ["pre", "m2"]}), how="cross")
    frame["bdi"] = frame["bdi_baseline"].where(frame["visit"] == "pre", frame["bdi_baseline"] - 4)
    return frame


def _value(rows: list[Statistic], statistic: str, arm: str, visit: str = "pre") -> float:
    (row,) = [r for r in rows if (r.statistic, r.arm, r.visit) == (statistic, arm, visit)]
    return row.value


def test_levels_are_counted_among_those_observed_and_the_missing_apart() -> None:
    """A percentage of all would call the missing "No"."""
    found = describe_baseline(_set(), TRIAL)
    assert _value(found["drug[Yes]"], "count", "TAU") == 1
    assert _value(found["drug[Yes]"], "percent", "TAU") == 50
    assert _value(found["drug[Yes]"], "percent", "BtheB") == 100
    assert _value(found["drug"], "missing", "BtheB") == 1
    assert _value(found["drug[Yes]"], "percent", "") == pytest.approx(200 / 3)


def test_numbers_get_mean_sd_median_and_quartiles_of_those_observed() -> None:
    """10 and 20: mean 15, SD sqrt(50), quartiles 12.5 and 17.5."""
    rows = describe_baseline(_set(), TRIAL)["bdi_baseline"]
    assert _value(rows, "observed mean", "TAU") == 15
    assert _value(rows, "observed sd", "TAU") == pytest.approx(math.sqrt(50))
    assert _value(rows, "median", "TAU") == 15
    assert _value(rows, "lower quartile", "TAU") == 12.5
    assert _value(rows, "upper quartile", "TAU") == 17.5
    assert (_value(rows, "count", "BtheB"), _value(rows, "missing", "BtheB")) == (1, 1)
    assert math.isnan(_value(rows, "observed sd", "BtheB"))


def test_those_outside_the_population_are_not_described() -> None:
    """An excluded participant's 40 points must not move the mean."""
    assert _value(describe_baseline(_set(), TRIAL)["bdi_baseline"], "observed mean", "") == 14


def test_outcomes_are_described_by_arm_and_visit() -> None:
    """The planned visits without any record are there too, with nobody observed."""
    rows = describe_outcomes(_set(), TRIAL)["bdi"]
    assert _value(rows, "observed mean", "TAU", "m2") == 11
    assert _value(rows, "count", "BtheB", "m2") == 1
    assert _value(rows, "count", "TAU", "m8") == 0
    assert math.isnan(_value(rows, "observed mean", "TAU", "m8"))


def test_descriptions_fit_the_results_table() -> None:
    """The report reads them from there, like any other number."""
    frame = described_frame(describe_baseline(_set(), TRIAL), analysis="baseline", role="descriptive")
    assert set(frame["statistic"]) <= set(STATISTICS)
    assert set(frame["outcome"]) == {"drug", "drug[No]", "drug[Yes]", "bdi_baseline"}
    assert described_frame({}, analysis="baseline").empty


def test_a_level_keeps_its_brackets() -> None:
    """Labels are free text: `Other [specify]` comes back whole."""
    assert variable_and_level(level_name("work", "Other [specify]")) == ("work", "Other [specify]")
    assert variable_and_level("age") == ("age", "")


def test_of_the_allocation_only_what_the_plan_names_is_described() -> None:
    """A block's number is no characteristic of a person; a stratum kept with the allocation is one."""
    form = TRIAL.forms["allocation"]
    block = form.columns["arm"].model_copy(update={"name": "block", "type": "integer"})
    changed = form.model_copy(update={"columns": {**form.columns, "block": block}})
    trial = TRIAL.model_copy(update={"forms": {**TRIAL.forms, "allocation": changed}})
    assert "block" not in describe_baseline(_set().assign(block=1), trial)
    assert "block" in describe_baseline(
        _set().assign(block=1), trial.model_copy(update={"strata": ("block",)})
    )
