"""The headline: direction and sign are read right, and nothing uncertain sounds like a success."""

import math
from typing import Any

import pandas as pd
import pytest

from analysis.reporting.headline import Headline, headlines
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Trial

PRAISE = ("success", "effective", "improve", "significant", "trend", "promising", "benefit")


def _trial(better: str) -> Trial:
    trial = load_trial(find_trial("beat_the_blues"))
    outcome = trial.outcomes["bdi"].model_copy(update={"better": better})
    return trial.model_copy(update={"outcomes": {"bdi": outcome}})


def _results(statistic: str = "adjusted mean difference", visit: str = "m8", **values: Any) -> pd.DataFrame:
    row = Statistic(statistic, visit=visit, contrast="BtheB - TAU", confidence=0.95, **values)
    return results_frame([row], analysis="primary", outcome="bdi")


def _said(better: str, value: float, lower: float, upper: float, **rest: Any) -> Headline:
    (headline,) = headlines(
        _results(value=value, lower=lower, upper=upper, se=2.0, p_value=0.04, **rest), _trial(better)
    )
    return headline


@pytest.mark.parametrize(
    ("better", "interval", "verdict", "direction"),
    [
        ("lower", (-4.1, -8.1, -0.1), "better", "lower"),
        ("lower", (4.1, 0.1, 8.1), "worse", "higher"),
        ("higher", (8.1, 2.5, 13.6), "better", "higher"),
        ("higher", (-5.3, -9.0, -1.6), "worse", "lower"),
    ],
)
def test_direction_and_goodness_are_both_said(
    better: str, interval: tuple[float, float, float], verdict: str, direction: str
) -> None:
    """A lower depression score and a higher number of hours are both good; a sign alone misleads."""
    headline = _said(better, *interval)
    assert headline.verdict == verdict
    words = f"was {direction}, which is {verdict}, with Beat the Blues plus usual care than with Usual care"
    assert words in headline.sentence


@pytest.mark.parametrize(("lower", "upper"), [(-3.0, 5.4), (0.0, 5.0), (-5.0, 0.0)])
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_an_interval_that_holds_or_touches_zero_is_no_clear_difference(
    better: str, lower: float, upper: float
) -> None:
    """A null trial must not read like a success, whatever its point estimate."""
    headline = _said(better, (lower + upper) / 2, lower, upper)
    assert headline.verdict == "no clear difference"
    assert "no clear difference between" in headline.sentence
    whole = f"{headline.sentence} {headline.detail}".lower()
    assert not [word for word in PRAISE if word in whole]


def test_a_null_result_says_what_it_leaves_possible_for_each_arm() -> None:
    """With lower values better, the negative limit is the one in the therapy's favour."""
    headline = _said("lower", 1.2, -3.0, 5.4)
    assert (
        "from 5.4 points in favour of Usual care to 3.0 points in favour of Beat the Blues" in headline.detail
    )


def test_a_small_limit_does_not_round_to_zero() -> None:
    """"0.0 to 5.0" beside "was higher" would contradict itself."""  # fmt: skip
    assert "0.03 to 5.00" in _said("higher", 2.5, 0.03, 5.0).sentence


@pytest.mark.parametrize(
    "results",
    [
        _results(value=math.nan, status="failed", reason="the search did not converge"),
        _results(value=-4.0, lower=-8.0, upper=-0.1, status="failed", reason="the search did not converge"),
        _results(value=-4.0, status="ok"),
        results_frame([]),
    ],
    ids=["no value", "a value that failed", "no limits", "no row"],
)
def test_what_is_not_estimable_is_said_and_nothing_concluded(results: pd.DataFrame) -> None:
    """A number from a fit that failed is no result, however good it looks."""
    (headline,) = headlines(results, _trial("lower"))
    assert headline.verdict == "not estimable"
    assert "could not be estimated" in headline.sentence
    assert headline.estimate is None
    if len(results) and results["reason"].iloc[0]:
        assert "the search did not converge" in headline.detail


def test_a_fit_on_the_boundary_is_announced() -> None:
    """The estimate stands, but its reader should know."""
    headline = _said("lower", -4.1, -8.1, -0.1, status="boundary", reason="a variance is zero")
    assert headline.verdict == "better"
    assert "boundary: a variance is zero" in headline.detail


def test_one_effect_over_all_visits_is_called_that() -> None:
    """A plan may declare a single effect; it must not be passed off as one at a visit."""
    results = _results(
        "treatment effect", "", value=-2.329, lower=-5.603, upper=0.945, se=1.67, p_value=0.163
    )
    (headline,) = headlines(results, _trial("lower"))
    assert "over all visits" in headline.sentence


def test_another_visit_is_never_taken_for_the_primary_one() -> None:
    """A benefit at two months must not stand in for a missing result at eight."""
    results = _results(visit="m2", value=-4.1, lower=-8.1, upper=-0.1)
    assert headlines(results, _trial("lower"))[0].verdict == "not estimable"
