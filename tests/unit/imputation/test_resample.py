"""Which units are left out or drawn, and what a seed fixes."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.imputation import ancova, approximate_bayes, arranged, bayes
from analysis.imputation.resample import bootstrap_weights, leave_out_weights, strata

SPEC = importlib.util.spec_from_file_location("trial_to_impute", Path(__file__).with_name("trial.py"))
TRIAL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TRIAL)
ROLES, frame, model = TRIAL.ROLES, TRIAL.frame, TRIAL.model


def clustered():
    """Four therapists in one arm; the other arm has none."""
    table = frame()
    number = table["id"].astype(int)
    return table.assign(therapist=np.where(table["arm"] == "SRT", "T" + (number % 4).astype(str), None))


def test_a_cluster_is_left_out_whole_and_who_has_none_alone():
    outcomes = arranged(clustered(), replace(ROLES, cluster="therapist"))
    weights = leave_out_weights(outcomes)
    therapists = clustered().loc[clustered()["therapist"].notna(), "therapist"].nunique()
    assert len(weights) == therapists + 12
    assert ((weights == 0).sum(0) == 1).all()
    sizes = sorted((weights == 0).sum(1))
    assert sizes == [1] * 12 + [6] * therapists


def test_units_are_drawn_within_arms_unless_they_cut_across():
    """The number drawn in each arm is fixed by participants or therapists of one arm, not by sites of both."""
    plain = arranged(frame(), ROLES)
    assert len(strata(plain)) == 2
    for seed in range(5):
        weights = bootstrap_weights(plain, np.random.default_rng(seed))
        assert [weights[plain.arm == arm].sum() for arm in (0, 1)] == [12, 12]
    nested = arranged(clustered(), replace(ROLES, cluster="therapist"))
    assert sorted(map(len, strata(nested))) == [2, 12]
    sites = frame().assign(
        site=lambda t: "s" + (t["id"].astype(int) // 6).astype(str)
    )  # the last has one arm only
    assert len(strata(arranged(sites, replace(ROLES, cluster="site")))) == 1


def test_members_of_a_cluster_are_drawn_together():
    outcomes = arranged(clustered(), replace(ROLES, cluster="therapist"))
    weights = bootstrap_weights(outcomes, np.random.default_rng(3))
    for unit in range(int(outcomes.units.max()) + 1):
        assert len(set(weights[outcomes.units == unit])) == 1


def test_a_seed_fixes_the_draws_and_another_changes_them():
    base = model()
    one, same, other = (approximate_bayes(base, m=5, seed=seed).completed.values for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    gibbs, again = (bayes(base, m=5, seed=1).completed.values for _ in range(2))
    np.testing.assert_array_equal(gibbs, again)


def test_the_first_of_many_imputations_are_the_few():
    """Every draw has a stream of its own; refits in other batches differ by rounding only."""
    base = model()
    few, many = (approximate_bayes(base, m=m, seed=7).completed.values for m in (5, 150))
    np.testing.assert_allclose(many[:5], few, rtol=1e-9)


def test_draws_are_the_same_noise_under_every_strategy():
    """So that strategies are compared without Monte-Carlo noise between them: only means and slopes differ."""
    one, other = (approximate_bayes(model(name), m=5, seed=7) for name in ("mar", "j2r"))
    own = one.completed.outcomes.arm[one.completed.rows] == one.completed.outcomes.reference
    np.testing.assert_allclose(one.completed.values[:, own], other.completed.values[:, own], rtol=1e-9)


def test_draws_do_not_depend_on_the_order_of_the_rows():
    table = frame()
    shuffled = table.sample(frac=1.0, random_state=3).reset_index(drop=True)
    one, other = (approximate_bayes(model("cir", t), m=8, seed=7) for t in (table, shuffled))
    np.testing.assert_allclose(one.completed.values, other.completed.values, rtol=1e-8)
    pooled = [sets.pooled(ancova(sets.completed.outcomes)).contrasts["se"] for sets in (one, other)]
    np.testing.assert_allclose(*pooled, rtol=1e-8)
