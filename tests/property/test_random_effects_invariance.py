"""fit_random_effects: what must not change when rows are permuted, groups renamed or units changed.

Tolerances: 1e-6, because the maximum of a likelihood near 1e2 is known to the root of machine precision.
Few examples: each costs two fits.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimators.random_effects_fit import fit_random_effects

FEW = settings(max_examples=12, deadline=None, derandomize=True)


@st.composite
def trials(draw):
    """Return outcome, design and participants of a small unbalanced trial; participant variance may be 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people = draw(st.integers(6, 14))
    sd = draw(st.sampled_from([0.0, 0.3, 2.0]))
    who = np.repeat(np.arange(people), 3)
    visit = np.tile(np.arange(3.0), people)
    arm = (who % 2).astype(float)
    design = pd.DataFrame(
        {"(Intercept)": 1.0, "visit": visit, "arm": arm, "bl": rng.normal(20, 3, people)[who]}
    )
    outcome = rng.normal(0, sd, people)[who] + rng.normal(size=who.size) - arm * visit
    seen = np.sort(rng.permutation(who.size)[: who.size - draw(st.integers(0, 3))])
    return outcome[seen], design.iloc[seen].reset_index(drop=True), who[seen]


def assert_same(one, other, scale=1.0, shift=0.0, n=0):
    """Compare two fits, the second of an outcome scale * y + shift."""
    assert one.status == other.status
    se = scale * np.sqrt(np.diag(one.cov_beta))
    expected = scale * one.beta + shift * np.eye(len(one.beta))[0]
    assert np.abs(other.beta - expected).max() <= 1e-6 * se.max() + 1e-9 * abs(shift)
    np.testing.assert_allclose(np.sqrt(np.diag(other.cov_beta)), se, rtol=1e-6)
    assert other.residual_variance == pytest.approx(scale**2 * one.residual_variance, rel=1e-6)
    assert other.cov_random == pytest.approx(scale**2 * one.cov_random, rel=1e-5, abs=1e-12 * scale**2)
    assert other.log_likelihood == pytest.approx(one.log_likelihood - n * np.log(scale), abs=1e-6)


@FEW
@given(trials(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(trial, random):
    """Files arrive in any order."""
    outcome, design, who = trial
    order = random.sample(range(len(outcome)), len(outcome))
    shuffled = fit_random_effects(outcome[order], design.iloc[order], who[order])
    assert_same(fit_random_effects(outcome, design, who), shuffled)


@FEW
@given(trials(), st.sampled_from([1e-8, 0.1, 7.0, 1e6]), st.sampled_from([-1e5, 0.0, 3.0, 1e4]))
def test_a_change_of_the_outcomes_unit_and_origin_changes_the_estimates_alike(trial, scale, shift):
    """Variances with the square of the unit; the intercept alone with the origin."""
    outcome, design, who = trial
    changed = fit_random_effects(scale * outcome + scale * shift, design, who)
    nu = len(outcome) - design.shape[1]
    assert_same(fit_random_effects(outcome, design, who), changed, scale, scale * shift, nu)


@FEW
@given(trials())
def test_the_names_of_the_groups_do_not_matter(trial):
    """A participant is a label, not a number."""
    outcome, design, who = trial
    names = np.array([f"P{97 * w % 101:03d}" for w in who], dtype=object)
    assert_same(fit_random_effects(outcome, design, who), fit_random_effects(outcome, design, names))


@FEW
@given(trials(), st.sampled_from([1e-6, 365.25, 1e9]))
def test_the_unit_of_a_covariate_changes_its_own_coefficient_alone(trial, unit):
    """Months or days, the other effects stand; REML shifts by the log of the unit."""
    outcome, design, who = trial
    one = fit_random_effects(outcome, design, who)
    other = fit_random_effects(outcome, design.assign(bl=design["bl"] * unit), who)
    se = np.sqrt(np.diag(one.cov_beta))
    assert np.abs((other.beta * [1, 1, 1, unit] - one.beta) / se).max() < 1e-6
    assert other.log_likelihood == pytest.approx(one.log_likelihood - np.log(unit), abs=1e-6)


@FEW
@given(trials())
def test_a_column_that_repeats_others_changes_nothing_but_the_list_of_dropped_ones(trial):
    """An unused category or a total of two columns must not move an estimate."""
    outcome, design, who = trial
    wider = design.assign(never=0.0, total=design["visit"] + design["arm"])
    one, other = fit_random_effects(outcome, design, who), fit_random_effects(outcome, wider, who)
    assert other.dropped == ("never", "total")
    assert_same(one, other)
