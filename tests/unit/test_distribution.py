"""Outcomes counted in bins: round edges, every value in one bin, the same bins for all arms and visits."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.estimators.baseline import describe_outcomes
from analysis.estimators.distribution import MOST_BINS, bin_edges, describe_distribution
from analysis.results import STATISTICS
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("beat_the_blues"))


def _set(values: dict[str, list[float]]) -> pd.DataFrame:
    """Return one visit's values by arm; everybody is in the population."""
    rows = [(f"{arm}{i}", arm, "m8", value) for arm, own in values.items() for i, value in enumerate(own)]
    frame = pd.DataFrame(rows, columns=["participant", "arm", "visit", "bdi"])
    return frame.assign(in_randomised=True, bdi_baseline=20.0)


def test_participants_are_counted_in_the_bin_whose_lower_limit_they_reach() -> None:
    """By hand: 39.5 in at most 20 round bins needs 2.5 each; 5.0 begins one, 40 the last."""
    found = describe_distribution(_set({"TAU": [0.5, 5.0, 9.5], "BtheB": [40.0]}), TRIAL)["bdi"]
    counted = {(r.arm, r.at): r.value for r in found if r.visit == "m8" and r.value}
    assert counted == {
        ("TAU", "0 to 2.5"): 1, ("TAU", "5 to 7.5"): 1, ("TAU", "7.5 to 10"): 1, ("BtheB", "40 to 42.5"): 1,
        ("", "0 to 2.5"): 1, ("", "5 to 7.5"): 1, ("", "7.5 to 10"): 1, ("", "40 to 42.5"): 1,
    }  # fmt: skip
    assert {r.statistic for r in found} == {"count"} <= set(STATISTICS)
    assert {(r.arm, r.n) for r in found if r.visit == "m8"} == {("TAU", 3), ("BtheB", 1), ("", 4)}


def test_bins_are_the_same_everywhere_and_sum_to_those_observed() -> None:
    """Arms laid side by side must have the same bins; a value in none or two would show in the sum."""
    rng = np.random.default_rng(5)
    frame = pd.concat(
        _set({"TAU": [*rng.gamma(2, 8, 40), np.nan], "BtheB": list(rng.gamma(2, 6, 30))}).assign(visit=visit)
        for visit in ("pre", "m2", "m8")
    )
    found, observed = describe_distribution(frame, TRIAL)["bdi"], describe_outcomes(frame, TRIAL)["bdi"]
    bins = {
        (v, a): [r.at for r in found if (r.visit, r.arm) == (v, a)]
        for v, a in {(r.visit, r.arm) for r in found}
    }
    assert len(set(map(tuple, bins.values()))) == 1
    total = Counter[tuple[str, str]]()
    for row in found:
        total[row.visit, row.arm] += int(row.value)
    counted = {(r.visit, r.arm): int(r.value) for r in observed if r.statistic == "count"}
    assert dict(total) == counted
    assert counted["m8", ""] == 70


def test_an_outcome_nobody_has_is_left_out() -> None:
    """No bins can be chosen for it."""
    assert describe_distribution(_set({"TAU": [np.nan], "BtheB": [np.nan]}), TRIAL) == {}


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([3.0, 9.0, 5.0], np.arange(2.5, 10)),  # whole numbers: one bin each, around them
        ([0.0, 114.5], np.arange(0, 121, 10)),
        ([0.0, 63.0], np.arange(0, 66, 5)),  # whole numbers never get bins of two and a half
        ([7.25], [7.0, 8.0]),
        ([-12.5, 12.4], np.arange(-14, 15, 2)),
        ([0.001, 0.0195], np.arange(1, 21) / 1000),
        ([0.3, 1.85], [k / 10 for k in range(3, 20)]),  # three times 0.1 is more than 0.3
        ([0.7, 1.85, 2.1], [k / 10 for k in range(7, 23)]),
    ],
)
def test_edges_are_round(values: list[float], edges: list[float]) -> None:
    """A reader reads them off an axis."""
    assert bin_edges(np.array(values)).tolist() == list(edges)


@given(
    arrays(
        np.float64,
        st.integers(1, 30),
        elements=st.floats(-1e4, 1e4, allow_subnormal=False).map(lambda x: round(x, 2)),
    )
)
def test_every_value_is_in_a_bin_and_bins_are_few(values: np.ndarray) -> None:
    """Whatever the outcome's scale."""
    edges = bin_edges(values)
    assert 2 <= len(edges) <= MOST_BINS + 1
    assert edges[0] <= values.min()
    assert values.max() < edges[-1]
    assert np.histogram(values, edges)[0].sum() == len(values)
