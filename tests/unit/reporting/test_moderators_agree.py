"""The table of moderators and its forest are two views of the same rows."""

import pytest

from analysis.reporting.figures.subgroups import subgroup_figures
from analysis.reporting.tables.moderators import moderators_table
from analysis.results import Statistic

VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
LIMITS = {"se": 3.0, "lower": 2.04, "upper": 14.06, "confidence": 0.95, "p_value": 0.01, "n": 147}


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("58.75", "at 58.75"),
        ("161.54321", "at 161.5"),
        ("12345.678", "at 12,346"),
        ("Yes", "Yes"),
        ("-2", "at −2"),
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
