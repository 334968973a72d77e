"""Columns built from levels are formulaic's own, bit for bit."""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed.design import build, parse
from analysis.mixed.levels import as_factor

FORMULAS = [
    "y ~ 1",
    "y ~ base",
    "y ~ base*visit + site + arm*visit",
    "y ~ 0 + arm:visit",
    "y ~ visit:arm + base",
    "y ~ arm*visit*site - arm",
    "y ~ base:site + base:visit:arm",
    "y ~ -1 + site + visit:base",
    "y ~ `two words`*arm",
    "y ~ 2:base + arm",
    "y ~ C(site, contr.sum)*visit",
    "y ~ np.log(base)*arm",
]


@pytest.fixture
def frame():
    """Every combination of the factors a few times, and a few more of some."""
    rng = np.random.default_rng(3)
    made = pd.DataFrame(
        {
            "y": rng.normal(size=90),
            "base": rng.uniform(1, 2, 90),
            "two words": rng.integers(0, 9, 90),
            "visit": as_factor(pd.Series([f"m{3 * (n % 4)}" for n in range(90)])),
            "arm": pd.Categorical(np.array(["UC", "SRT"])[rng.integers(0, 2, 90)], ["UC", "SRT"]),
            "site": pd.Categorical(rng.integers(1, 4, 90), ordered=True),
        }
    )
    return pd.concat([made, made.iloc[:7]], ignore_index=True)


@pytest.mark.parametrize("formula", FORMULAS)
def test_columns_from_levels_are_those_of_formulaic(frame, formula):
    """What makes a fit fast must not change a single digit of the design."""
    for _ in range(2):  # the second time from memory
        design, expected = build(parse(formula), frame), parse(formula).get_model_matrix(frame)
        assert design.names == tuple(expected.rhs.columns)
        np.testing.assert_array_equal(design.X, np.asarray(expected.rhs, dtype=float))
        np.testing.assert_array_equal(design.y, frame["y"])
        np.testing.assert_array_equal(design.rows(frame), design.X)


def test_the_same_formula_on_other_levels_is_another_design(frame):
    """Remembered by levels, not by formula alone."""
    formula = parse("y ~ visit*arm")
    build(formula, frame)
    fewer = frame[frame["visit"] != "m9"].assign(
        visit=lambda own: own["visit"].cat.remove_unused_categories()
    )
    assert [name for name in build(formula, fewer).names if "m9" in name] == []
