"""Bias, coverage and type I error where each strategy's assumption holds, by simulation.

120 trials for each effect, seeds fixed. Rates must lie within 3.5 Monte-Carlo standard errors (7 points) of what
theory says; docs/methods/standard_errors_of_imputation.md has the table from 2,000 trials.
"""

import math

import pytest

from benchmarks.imputation_coverage import NAMES, simulate, truth

TRIALS = 120
SLACK = 3.5 * math.sqrt(0.05 * 0.95 / TRIALS)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rows():
    return simulate(TRIALS)


@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_estimates_are_unbiased_and_jackknife_intervals_cover(rows, strategy, effect):
    own = rows[
        (rows["strategy"] == strategy) & (rows["effect"] == effect) & (rows["se_method"] == "jackknife")
    ]
    error = own["estimate"].std() / math.sqrt(TRIALS)
    assert abs(own["estimate"].mean() - truth(strategy, effect)) < 3.5 * error
    assert own["covered"].mean() == pytest.approx(0.95, abs=SLACK)
    spread = own["estimate"].std()
    assert own["se"].mean() == pytest.approx(spread, rel=3.5 / math.sqrt(2 * TRIALS) + 0.03)


@pytest.mark.parametrize("strategy", NAMES)
def test_rubins_rules_never_reject_too_often_and_are_conservative_by_reference(rows, strategy):
    """Information anchoring: under jump to reference the mean standard error is well above the estimates' spread."""
    own = rows[(rows["strategy"] == strategy) & (rows["effect"] == 0.0) & (rows["se_method"] == "rubin")]
    assert own["rejected"].mean() < 0.05 + SLACK
    if strategy == "j2r":
        assert own["se"].mean() > 1.2 * own["estimate"].std()
