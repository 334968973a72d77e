"""Differences over the SD within arms: by hand, signs as they are, and never an answer of their own."""

import math

import pandas as pd
import pytest

from analysis.estimators.multiplicity import with_families
from analysis.estimators.standardised import STANDARDISED, sd_within_arms, standardised_rows
from analysis.reporting.estimates import comparison
from analysis.results import STATISTICS, Statistic, result_records, results_frame
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
HOURS = "structured_activity_hours"
DIFFERENCE = Statistic(
    "adjusted mean difference", -6.0, visit="m9", contrast="SRT - UC", se=1.5, df=140.0, lower=-9.0, upper=-3.0,
    confidence=0.95, p_value=0.0001, unit="hours/week", method="mixed model", n=7,
)  # fmt: skip


def _set(**changed: object) -> pd.DataFrame:
    """Return three of usual care, four of therapy at 9 months, and others whom nothing may heed."""
    values = {"UC": [1.0, 2.0, 3.0], "SRT": [10.0, 10.0, 14.0, 14.0]}
    rows = [(arm, "m9", value) for arm, own in values.items() for value in own]
    others = [("UC", "m15", 500.0), ("SRT", "m9", float("nan"))]
    frame = pd.DataFrame([*rows, *others], columns=["arm", "visit", HOURS]).assign(in_randomised=True)
    outside = frame.iloc[:1].assign(in_randomised=False, **{HOURS: 900.0})
    return pd.concat([frame, outside], ignore_index=True).assign(**changed)


def _rows(
    found: Statistic = DIFFERENCE, analysis: str = "primary", frame: pd.DataFrame | None = None
) -> list[Statistic]:
    own = TRIAL.analyses[analysis]
    return list(standardised_rows(_set() if frame is None else frame, TRIAL, own, [found]))


def test_a_difference_and_its_limits_are_divided_by_the_sd_within_arms() -> None:
    """By hand: squares within arms 2 and 16, over 2 + 3 degrees of freedom: SD sqrt(18 / 5)."""
    (row,) = _rows()
    sd = math.sqrt(18 / 5)
    assert (row.value, row.se, row.lower, row.upper) == pytest.approx((-6 / sd, 1.5 / sd, -9 / sd, -3 / sd))
    assert (row.statistic, row.unit, row.df, row.confidence) == (STANDARDISED, "SD", 140.0, 0.95)
    assert (row.visit, row.contrast, row.n) == ("m9", "SRT - UC", 7)
    assert math.isnan(row.p_value)
    assert "1.897 hours/week" in row.method
    assert "taken as known" in row.method
    assert STANDARDISED in STATISTICS


def test_one_effect_over_all_visits_is_over_the_sd_at_the_estimands_visit() -> None:
    """It has no visit of its own."""
    (row,) = _rows(Statistic("treatment effect", 3.0, contrast="SRT - UC", se=1.0, lower=1.0, upper=5.0))
    assert row.value == pytest.approx(3 / math.sqrt(18 / 5))
    assert not row.visit


@pytest.mark.parametrize(
    ("analysis", "statistic", "status"),
    [
        ("ancova", "adjusted mean difference", "ok"),  # a cross-check
        ("above_30_hours", "adjusted mean difference", "ok"),  # not continuous
        ("primary", "adjusted mean", "ok"),
        ("primary", "adjusted mean difference", "failed"),
    ],
)
def test_nothing_else_is_standardised(analysis: str, statistic: str, status: str) -> None:
    """An SD of something else would be no yardstick."""
    row = Statistic(statistic, 3.0, visit="m9", contrast="SRT - UC", status=status)  # type: ignore[arg-type]
    assert _rows(row, analysis) == []


@pytest.mark.parametrize("values", [5.0, float("nan")])
def test_arms_without_spread_are_told(values: float) -> None:
    """Division by zero is no effect size."""
    (row,) = _rows(frame=_set(**{HOURS: values}))
    assert (row.status, row.reason) == ("not estimable", "the arms have no standard deviation at m9")
    assert math.isnan(row.value)
    assert math.isnan(row.lower)


def test_an_arm_of_one_adds_no_spread() -> None:
    """It has no degree of freedom, and its missing variance must not make the SD missing."""
    arms = pd.Series(["UC", "UC", "SRT"])
    assert sd_within_arms(pd.Series([1.0, 3.0, 90.0]), arms) == pytest.approx(math.sqrt(2))
    assert math.isnan(sd_within_arms(pd.Series([1.0, None, 90.0]), arms))


def test_it_is_no_answer_to_the_analysis() -> None:
    """The family adjusts, and the report shows, the difference itself, whichever row comes first."""
    rows = [*_rows(), DIFFERENCE]
    records = with_families(result_records(rows, analysis="primary"), TRIAL)
    assert [bool(record.get("family")) for record in records] == [False, True]
    answer = comparison(
        results_frame(rows, analysis="primary"), TRIAL, TRIAL.primary_analysis, TRIAL.compared_arms[0]
    )
    assert answer is not None
    assert answer.statistic == "adjusted mean difference"
