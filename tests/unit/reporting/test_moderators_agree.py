"""The table of moderators and its forest are two views of the same rows."""

import pytest

from analysis.reporting.figures.subgroups import subgroup_figures
from analysis.reporting.tables.moderators import moderators_table
from analysis.results import Statistic
from data_contracts.spec import Arm

VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
LIMITS = {"se": 3.0, "lower": 2.04, "upper": 14.06, "confidence": 0.95, "p_value": 0.01, "n": 147}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("58.75", "at 58.8 points"),
        ("161.54321", "at 162 points"),
        ("12345.678", "at 12,346 points"),
        ("Yes", "Yes"),
        ("-2", "at −2 points"),
    ],
)
def test_a_value_is_rounded_alike_in_table_and_forest(at, shown, trial, answered):
    """Two figures for one quartile make a reader look for two."""
    row = Statistic("adjusted mean difference", 8.06, **VERSUS, **LIMITS, at=at)
    results = answered(only="by_loneliness", more=[row])
    labels = [line.cells[0].text for group in moderators_table(results, trial).groups for line in group.rows]
    assert shown in labels
    (figure,) = subgroup_figures(results, trial)
    assert f" {shown}: 8.1 (2.0 to 14.1)" in figure.said


def _interactions(arms, places):
    return [
        Statistic("interaction", 0.4, **{**LIMITS, "visit": "m9", "contrast": f"{arm} - UC"}, at=place)
        for arm in arms
        for place in places
    ]


def _labels(results, trial):
    return [line.cells[0].text for group in moderators_table(results, trial).groups for line in group.rows]


@pytest.mark.parametrize(("places", "n"), [(("per unit",), 0), (("15 to 30 - 0 to 15", "30 - 0 to 15"), 2)])
def test_a_joint_test_is_of_the_interactions_of_one_arm(places, n, trial, answered):
    """One interaction in each of two arms has none: there the test is its own p once more."""
    more = Arm(code="MORE", label="More", therapy=True)
    three = trial.model_copy(update={"arms": (*trial.arms, more)})
    tests = [
        Statistic("interaction test", 4.0, visit="m9", contrast=c, p_value=0.01)
        for c in ("SRT - UC", "MORE - UC")
    ]
    own = [*_interactions(("SRT", "MORE"), places), *tests]
    results = answered(only="by_loneliness", more=own)
    results = results[~((results["statistic"] == "interaction test") & results["n"].notna())]
    assert _labels(results, three).count("Joint test") == n
    (figure,) = subgroup_figures(results, three)
    assert figure.said.count("Joint test") == n


def test_an_interaction_per_unit_names_the_unit(trial, answered):
    """ "Per unit" of what?"""
    results = answered(only="by_days_since_discharge", more=_interactions(("SRT",), ("per unit",)))
    assert "Interaction, per unit (days)" in _labels(results, trial)
    (figure,) = subgroup_figures(results, trial)
    assert "Interaction, per unit (days)" in figure.said
