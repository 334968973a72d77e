"""What must not change, or change in a known way, when participants, arms or units are recoded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.imputation import (
    Roles,
    after_last_observed,
    ancova,
    approximate_bayes,
    arranged,
    base_model,
    leave_units_out,
)

NAMES = st.sampled_from(["mar", "j2r", "cr", "cir"])
ROLES = Roles("y", "id", "visit", "arm", "U", ["base*visit"], ["base"])
FEW = settings(max_examples=12, deadline=None)


def trial(seed=7, n=30) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {"id": np.arange(n), "arm": rng.permutation(["T", "U"] * (n // 2)), "base": rng.normal(size=n)}
    )
    long = people.loc[people.index.repeat(3)].reset_index(drop=True).assign(visit=["a", "b", "c"] * n)
    long["y"] = long["base"] + np.repeat(rng.normal(size=n), 3) + rng.normal(size=3 * n)
    stays = np.repeat(np.where(rng.random(n) < 0.4, rng.integers(1, 3, n), 3), 3)
    return long.assign(y=long["y"].where(np.tile([0, 1, 2], n) < stays))


def pooled(frame, strategy, roles=ROLES, route=leave_units_out):
    outcomes = arranged(frame, roles)
    return route(base_model(outcomes, after_last_observed(outcomes, strategy))).pooled(ancova(outcomes))


def same(one, other, rtol=1e-7):
    for column in ("estimate", "se"):
        np.testing.assert_allclose(other[column], one[column], rtol=rtol, atol=1e-9)


@FEW
@given(seed=st.integers(0, 2**32 - 1), strategy=NAMES)
def test_the_order_of_rows_and_the_names_of_participants_do_not_matter_to_the_jackknife(seed, strategy):
    frame, rng = trial(), np.random.default_rng(seed)
    names = rng.permutation(10_000)[: frame["id"].max() + 1]
    shuffled = frame.assign(id=names[frame["id"]]).sample(frac=1.0, random_state=seed % 2**31)
    same(pooled(frame, strategy).table, pooled(shuffled, strategy).table)


@FEW
@given(strategy=NAMES, swap=st.booleans())
def test_the_names_of_the_arms_do_not_matter(strategy, swap):
    """Recoded so that their order turns round, with the reference recoded alike; random draws included."""
    frame = trial()
    codes = {"T": "1", "U": "2"} if swap else {"T": "z", "U": "a"}
    recoded = frame.assign(arm=frame["arm"].map(codes))
    roles = Roles("y", "id", "visit", "arm", codes["U"], ["base*visit"], ["base"])
    for route in (leave_units_out, lambda base: approximate_bayes(base, m=10, seed=4)):
        one, other = pooled(frame, strategy, ROLES, route), pooled(recoded, strategy, roles, route)
        same(one.contrasts, other.contrasts)


@FEW
@given(shift=st.floats(-1e4, 1e4), scale=st.floats(1e-4, 1e4), strategy=NAMES)
def test_the_unit_of_the_outcome_only_rescales(shift, scale, strategy):
    frame = trial()
    one, other = pooled(frame, strategy), pooled(frame.assign(y=shift + scale * frame["y"]), strategy)
    np.testing.assert_allclose(
        other.contrasts["estimate"],
        scale * one.contrasts["estimate"],
        rtol=1e-6,
        atol=1e-9 * (abs(shift) + scale),
    )
    np.testing.assert_allclose(other.table["se"], scale * one.table["se"], rtol=1e-5, atol=1e-9 * abs(shift))
    means = one.lsmeans["estimate"]
    np.testing.assert_allclose(
        other.lsmeans["estimate"], shift + scale * means, rtol=1e-6, atol=1e-9 * abs(shift)
    )


@FEW
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(1e-3, 1e3))
def test_the_unit_of_a_covariate_does_not_matter(shift, scale):
    frame = trial()
    same(
        pooled(frame, "cir").table,
        pooled(frame.assign(base=shift + scale * frame["base"]), "cir").table,
        rtol=1e-6,
    )


@FEW
@given(seed=st.integers(0, 1000))
def test_without_missing_outcomes_every_strategy_is_ordinary_ancova(seed):
    """Nothing is imputed: all routes give the same estimate, and Rubin's SE is the analysis's own."""
    frame = trial(seed)
    rng = np.random.default_rng(seed)
    frame = frame.assign(y=frame["y"].fillna(pd.Series(rng.normal(size=len(frame)))))
    outcomes = arranged(frame, ROLES)
    one, other = pooled(frame, "j2r"), pooled(frame, "cr")
    same(one.table, other.table)
    base = base_model(outcomes, after_last_observed(outcomes, "j2r"))
    rubin = approximate_bayes(base, m=3, seed=1).pooled(ancova(outcomes)).table
    np.testing.assert_allclose(rubin["estimate"], one.table["estimate"], rtol=1e-10)
    assert (rubin["mc_se"] < 1e-10).all()


@FEW
@given(seed=st.integers(0, 1000))
def test_in_the_reference_arm_jumping_to_reference_changes_nothing(seed):
    """Own and reference are the same distribution there; its mean is that of missing at random."""
    frame, roles = trial(seed), Roles("y", "id", "visit", "arm", "U")
    means = [
        pooled(frame, name, roles).at("c", "U", "lsmean")["estimate"] for name in ("mar", "j2r", "cr", "cir")
    ]
    assert means == pytest.approx([means[0]] * 4, abs=1e-9)
