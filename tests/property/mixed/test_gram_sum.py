"""However rows are cut into batches and in whatever order their sums are added, the model is the same."""

from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.mixed import MMRM, GramSum, factored, layout_of

ROLES = {"subject": "id", "visit": "visit"}
FORMULA = "y ~ base*visit + arm*visit"


def trial(seed: int = 11, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), 3),
            "visit": np.tile(["a", "b", "c"], n),
            "arm": np.repeat(rng.permutation(["T", "U"] * (n // 2)), 3),
            "base": np.repeat(rng.normal(size=n), 3),
            "site": np.repeat(rng.choice(list("xyz"), n), 3),
        }
    )
    frame["y"] = frame["base"] + np.repeat(rng.normal(size=n), 3) + rng.normal(size=3 * n)
    frame.loc[rng.random(3 * n) < 0.15, "y"] = np.nan
    return frame


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_parts=st.integers(1, 8))
def test_any_cut_between_participants_and_any_order_of_adding(seed, n_parts):
    frame, rng = trial(), np.random.default_rng(seed)
    layout, part = layout_of(frame, FORMULA, **ROLES), rng.integers(0, n_parts, 40)
    shuffled = frame.sample(frac=1.0, random_state=seed % 2**31)
    sums = [
        GramSum.of(shuffled[part[shuffled["id"]] == number], layout) for number in rng.permutation(n_parts)
    ]
    whole, total = MMRM.from_formula(FORMULA, frame, **ROLES).fit(), MMRM.from_grams(reduce(add, sums)).fit()
    assert total.llf == pytest.approx(whole.llf, rel=1e-12)
    np.testing.assert_allclose(total.params, whole.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(total.df, whole.df, rtol=1e-9)


@settings(max_examples=10, deadline=None)
@given(shift=st.floats(-1e8, 1e8), scale=st.floats(1e-6, 1e6))
def test_the_layouts_centre_and_scale_do_not_matter(shift, scale):
    """Within what centring is for: a centre some standard deviations off.

    The covariate lies up to 1e8 of its own units from zero. From 1e11 on it is a constant to both roads, as in R.
    """
    frame = trial()
    frame["base"] = scale * (shift + frame["base"])
    layout = layout_of(frame, FORMULA, **ROLES)
    centre = {"base": layout.centre["base"] + 5.0 * layout.scale["base"], "y": layout.centre["y"] - 3.0}
    other = layout.recentred(centre, {"base": 3.0 * layout.scale["base"], "y": 0.1})
    one, two = (MMRM.from_grams(GramSum.of(frame, own)).fit() for own in (layout, other))
    assert one.llf == pytest.approx(two.llf, rel=1e-10)
    means = [fit.contrasts("arm", by="visit")[["estimate", "se", "df"]] for fit in (one, two)]
    np.testing.assert_allclose(*means, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("random", [None, ["site"]])
def test_both_roads_to_a_gram_agree(monkeypatch, random):
    """Row by row, and by histories of cells."""
    frame = trial()
    layout = layout_of(frame, FORMULA, **ROLES, random=random)
    found = []
    for cost in (0.0, 1e9):
        monkeypatch.setattr(factored, "PER_HISTORY", cost)
        found.append(GramSum.of(frame, layout).sums)
    assert found[0].counts == found[1].counts
    for key, own in found[0].sums.items():
        np.testing.assert_allclose(own, found[1].sums[key], atol=1e-11)
