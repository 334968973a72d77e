"""The vectorised imputation against loops over participants, resamples and refits."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.imputation import (
    MmrmAnalysis,
    Roles,
    after_last_observed,
    ancova,
    arranged,
    base_model,
    leave_units_out,
    listed_events,
    resample_units,
)
from analysis.imputation.batched_likelihood import slopes_at, states_at
from analysis.imputation.impute import conditional_means, conditionals
from analysis.imputation.refits import Refitter
from analysis.imputation.resample import bootstrap_weights, leave_out_weights
from analysis.mixed.likelihood import Likelihood

SPEC = importlib.util.spec_from_file_location("slow_imputation", Path(__file__).with_name("slow.py"))
slow = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(slow)

FORMULA = "hours ~ base*visit + site + arm*visit"
ROLES = Roles("hours", "id", "visit", "arm", "UC", ["base*visit", "site"], ["base", "site"])
STRATEGIES = ["mar", "j2r", "cr", "cir", "lmcf"]


def roles(**changed):
    from dataclasses import replace

    return replace(ROLES, **changed)


def by_hand(frame, events, strategies, group=None, outcomes=None):
    """Conditional means of all participants, in loops; the base model sees what is missing at random."""
    y = slow.matrix(frame)
    used = slow.matrix(frame)
    for row, (first, name) in enumerate(zip(events.first, strategies, strict=True)):
        if name != "mar":
            used[row, first:] = np.nan
    ids = sorted(frame["id"].unique(), key=lambda name: int(name[1:]))
    seen = pd.DataFrame(used, index=ids, columns=sorted(frame["visit"].unique())).stack()  # noqa: PD013
    kept = frame.set_index(["id", "visit"]).index.isin(seen.dropna().index)
    fit = slow.fitted(frame[kept], FORMULA, group)
    own, reference = slow.means(fit, frame), slow.means(fit, frame, "UC")
    v = fit.covariance if isinstance(fit.covariance, dict) else dict.fromkeys(("UC", "SRT"), fit.covariance)
    arm = frame.drop_duplicates("id").set_index("id")["arm"]
    rows = [
        slow.completed_row(
            y[k],
            strategies[k],
            own[k],
            v[arm[ids[k]]].to_numpy(),
            reference[k],
            v["UC"].to_numpy(),
            events.first[k],
        )
        for k in range(len(y))
    ]
    return np.array(rows)


def filled(base):
    completed = conditional_means(base, base.parameters)
    return np.stack([completed.at(visit)[0] for visit in range(len(base.outcomes.visits))], axis=1)


@pytest.mark.parametrize("group", ["", "arm"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_conditional_means_are_those_of_a_loop_over_participants(strategy, group):
    """Gaps, dropout and, by arm, two covariance matrices; 1e-10 of the outcome's unit."""
    frame = slow.simulated(n=60)
    frame.loc[frame["visit"] == "v0", "hours"] = frame.loc[frame["visit"] == "v0", "hours"].fillna(
        12.0
    )  # for lmcf
    outcomes = arranged(frame, roles(group=group))
    events = after_last_observed(outcomes, strategy)
    expected = by_hand(frame, events, events.strategies, group or None)
    np.testing.assert_allclose(filled(base_model(outcomes, events)), expected, atol=1e-9)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_outcomes_after_an_event_are_set_aside_from_the_model_and_kept_in_the_data(strategy):
    """Retrieved drop-outs: under mar the model sees them, else it does not; either way they are conditioned on."""
    frame = slow.simulated(seed=5, n=60, gaps=0.1)
    frame.loc[frame["visit"] == "v0", "hours"] = frame.loc[frame["visit"] == "v0", "hours"].fillna(12.0)
    outcomes = arranged(frame, ROLES)
    who = [f"P{k}" for k in range(0, 60, 4)]
    table = pd.DataFrame({"participant": who, "visit": "v1", "strategy": strategy})
    events = listed_events(outcomes, table)
    base = base_model(outcomes, events)
    n_after = int((~outcomes.is_missing & events.is_after).sum())
    assert n_after > 10
    assert base.is_used.sum() == (~outcomes.is_missing).sum() - (0 if strategy == "mar" else n_after)
    np.testing.assert_allclose(filled(base), by_hand(frame, events, events.strategies), atol=1e-9)


def test_a_gap_before_the_event_is_the_own_arms_under_copy_reference():
    """And what is drawn has the covariance of the two steps: gap, then what follows given it."""
    frame = slow.simulated(n=60, gaps=0)
    hit = frame["id"].eq("P1")
    frame.loc[hit & frame["visit"].isin(["v1", "v3"]), "hours"] = np.nan
    frame.loc[hit & frame["visit"].isin(["v0", "v2"]), "hours"] = [10.0, 14.0]
    frame.loc[hit, "arm"] = "SRT"
    outcomes = arranged(frame, ROLES)
    base = base_model(
        outcomes, listed_events(outcomes, pd.DataFrame({"participant": ["P1"], "visit": ["v3"]}), "cr")
    )
    found = next(one for one in conditionals(base, base.parameters) if 1 in one.members)
    fit, v = base.fit, base.parameters.covariance[0, 0]
    own, ref = slow.means(fit, frame)[1], slow.means(fit, frame, "UC")[1]
    y = outcomes.y[1]
    gap, gap_v = slow.conditional(own[:3], v[:3, :3], y[:3])
    slope = v[3, :3] @ np.linalg.inv(v[:3, :3])
    expected = ref[3] + slope @ (np.array([y[0], gap[0], y[2]]) - ref[:3])
    row = list(found.members).index(1)
    np.testing.assert_allclose(found.mean[0, row], [gap[0], expected], rtol=1e-10)
    left = v[3, 3] - slope @ v[:3, 3] + slope[1] ** 2 * gap_v[0, 0]
    np.testing.assert_allclose(
        found.covariance[0], [[gap_v[0, 0], slope[1] * gap_v[0, 0]], [slope[1] * gap_v[0, 0], left]]
    )


@pytest.mark.parametrize("covariance", ["us", "ar1h", "cs"])
def test_refits_without_a_participant_are_the_engines_own(covariance):
    """β̂ and Σ̂ of every leave-one-out fit, from a frame without the participant: 1e-7 of their size."""
    frame = slow.simulated(n=36)
    outcomes = arranged(frame, roles(covariance=covariance))
    base = base_model(outcomes, after_last_observed(outcomes, "j2r"))
    found = Refitter(base).refit(leave_out_weights(outcomes))
    beta = found.parameters.b @ base.fit.fitted.back.T + base.fit.fitted.offset
    assert found.is_found.all()
    for number in range(0, 36, 5):
        fit = slow.fitted(frame[frame["id"] != f"P{number}"], FORMULA, covariance=covariance)
        np.testing.assert_allclose(beta[number], fit.params, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(found.parameters.covariance[number, 0], fit.covariance, rtol=1e-6)


def test_refits_of_bootstrap_samples_are_those_of_frames_with_repeated_participants():
    """Frequency weights on the Grams are participants written several times."""
    frame = slow.simulated(n=40)
    outcomes = arranged(frame, ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "mar"))
    weights = np.stack([bootstrap_weights(outcomes, np.random.default_rng(seed)) for seed in range(4)])
    found = Refitter(base).refit(weights)
    beta = found.parameters.b @ base.fit.fitted.back.T + base.fit.fitted.offset
    for number, own in enumerate(weights.astype(int)):
        copies = [
            frame[frame["id"] == f"P{k}"].assign(id=f"P{k}-{copy}")
            for k in range(40)
            for copy in range(own[k])
        ]
        fit = slow.fitted(pd.concat(copies, ignore_index=True), FORMULA)
        np.testing.assert_allclose(beta[number], fit.params, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(found.parameters.covariance[number, 0], fit.covariance, rtol=1e-6)


def contrasts_by_hand(y, frame):
    """Ancova of each visit with base and site, everyone put into each arm."""
    people = frame.drop_duplicates("id").set_index("id")
    people = people.loc[sorted(people.index, key=lambda name: int(name.split("-")[0][1:]))]
    arm = (people["arm"] == "SRT").to_numpy(float)
    sites = [(people["site"] == name).to_numpy(float) for name in ("y", "z")]
    X = np.column_stack([np.ones(len(arm)), arm, people["base"], *sites])
    srt, uc = X.copy(), X.copy()
    srt[:, 1], uc[:, 1] = 1.0, 0.0
    rows = np.stack([srt.mean(0) - uc.mean(0), srt.mean(0), uc.mean(0)])
    return [slow.ols(y[:, visit], X, rows) for visit in range(y.shape[1])]


def test_least_squares_means_and_their_errors_are_those_of_ordinary_least_squares():
    frame = slow.simulated()
    outcomes = arranged(frame, ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "cir"))
    completed = conditional_means(base, base.parameters)
    found = ancova(outcomes)(completed)
    y = np.stack([completed.at(visit)[0] for visit in range(4)], axis=1)
    expected = contrasts_by_hand(y, frame)
    order = [("contrast", "SRT"), ("lsmean", "SRT"), ("lsmean", "UC")]
    for visit, (estimates, errors) in enumerate(expected):
        for key, estimate, se in zip(order, estimates, errors, strict=True):
            at = [(row.what, row.arm, row.visit) for row in found.rows].index((*key, f"v{visit}"))
            assert found.estimate[0, at] == pytest.approx(estimate, rel=1e-10)
            assert found.se[0, at] == pytest.approx(se, rel=1e-10)
            assert found.df[0, at] == 44 - 5


@pytest.mark.parametrize("cluster", ["", "therapist"])
def test_the_jackknife_is_a_loop_of_refits_imputations_and_analyses(cluster):
    """Leave out a participant, or a therapist with all of theirs, and do everything again from a frame."""
    frame = slow.simulated(n=30)
    number = frame["id"].str[1:].astype(int)
    frame["therapist"] = np.where(frame["arm"] == "SRT", "T" + (number % 5).astype(str), None)
    outcomes = arranged(frame, roles(cluster=cluster))
    base = base_model(outcomes, after_last_observed(outcomes, "j2r"))
    pooled = leave_units_out(base).pooled(ancova(outcomes))
    unit = frame["id"] if not cluster else frame["therapist"].fillna(frame["id"])
    estimates = []
    for one in unit.unique():
        rest = frame[unit != one].reset_index(drop=True)
        events = after_last_observed(arranged(rest, ROLES), "j2r")
        estimates.append([e[0][0] for e in contrasts_by_hand(by_hand(rest, events, events.strategies), rest)])
    g = len(estimates)
    assert pooled.n_sets == g
    variance = (g - 1) / g * ((np.array(estimates) - np.mean(estimates, 0)) ** 2).sum(0)
    np.testing.assert_allclose(pooled.contrasts["se"], np.sqrt(variance), rtol=1e-6)


def test_bootstrap_samples_are_analysed_as_data_with_repeated_participants():
    """One sample: impute its frame by hand, with copies as participants, and analyse it by least squares."""
    frame = slow.simulated(n=40)
    outcomes = arranged(frame, ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "j2r"))
    sets = resample_units(base, samples=3, seed=2)
    found = ancova(outcomes)(sets.again)
    for number, own in enumerate(sets.again.weights.astype(int)):
        copies = [
            frame[frame["id"] == f"P{k}"].assign(id=f"P{1000 * copy + k}")
            for k in range(40)
            for copy in range(own[k])
        ]
        again = pd.concat(copies, ignore_index=True)
        events = after_last_observed(arranged(again, ROLES), "j2r")
        expected = contrasts_by_hand(by_hand(again, events, events.strategies), again)
        at = [k for k, row in enumerate(found.rows) if row.what == "contrast"]
        np.testing.assert_allclose(found.estimate[number, at], [one[0][0] for one in expected], rtol=1e-6)


def test_a_mixed_model_of_completed_data_is_the_analysis_of_each_visit():
    """With complete data, us and covariates by visit, Kenward-Roger's t is ancova's: estimate, se and df."""
    frame = slow.simulated(n=30)
    outcomes = arranged(frame, ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "cr"))
    completed = conditional_means(base, base.parameters)
    one, other = ancova(outcomes)(completed), MmrmAnalysis(outcomes)(completed)
    assert one.rows == other.rows
    np.testing.assert_allclose(other.estimate, one.estimate, rtol=1e-8)
    np.testing.assert_allclose(other.se, one.se, rtol=1e-6)
    np.testing.assert_allclose(other.df, one.df, rtol=1e-5)


def test_a_site_that_is_left_out_takes_its_coefficient_along():
    """Leave-one-site-out with site in both models: nobody who stays needs the coefficient that has no data."""
    frame = slow.simulated(n=45)
    outcomes = arranged(frame, roles(cluster="site"))
    base = base_model(outcomes, after_last_observed(outcomes, "j2r"))
    sets = leave_units_out(base)
    found = ancova(outcomes)(sets.without)
    assert sets.is_found.all()
    for number, site in enumerate(frame["site"].unique()):
        rest = frame[frame["site"] != site].reset_index(drop=True)
        own = arranged(rest, ROLES)
        alone = base_model(own, after_last_observed(own, "j2r"))
        expected = ancova(own)(conditional_means(alone, alone.parameters))
        np.testing.assert_allclose(found.estimate[number], expected.estimate[0], rtol=1e-6)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize(
    ("covariance", "group"),
    [("us", ""), ("us", "arm"), ("cs", ""), ("ar1h", "arm"), ("toeph", ""), ("adh", "")],
)
def test_value_gradient_and_hessian_of_a_batch_are_the_engines(covariance, group, method):
    """Each set's own Grams given to the engine: 1e-9; else refits would fall back to it, slowly and unseen."""
    outcomes = arranged(slow.simulated(n=60), roles(covariance=covariance, group=group, method=method))
    base = base_model(outcomes, after_last_observed(outcomes, "mar"))
    refitter = Refitter(base)
    rng = np.random.default_rng(3)
    batch = refitter.grams.weighted(np.stack([bootstrap_weights(outcomes, rng) for _ in range(3)]))
    full = refitter.likelihood
    theta = base.fit.fitted.optimum.state.theta * rng.uniform(0.97, 1.03, (3, len(full.is_scale)))
    states = states_at(batch, full.covariance, theta, reml=method == "reml")
    slopes = slopes_at(batch, states, reml=method == "reml")
    for number in range(3):
        alone = Likelihood(batch.alone(number), full.covariance, full.reml)
        state = alone.at(theta[number])
        expected = alone.slopes(state)
        assert states.value[number] == pytest.approx(state.value, rel=1e-9)
        np.testing.assert_allclose(states.beta[number], state.beta, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(slopes.gradient[number], expected.gradient, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(slopes.hessian[number], expected.hessian, rtol=1e-7, atol=1e-7)


def test_an_ordinary_trials_refits_need_no_second_search(monkeypatch):
    """The batched search finds every leave-one-out and bootstrap fit itself."""
    outcomes = arranged(slow.simulated(n=60), ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "mar"))
    refitter = Refitter(base)
    monkeypatch.setattr(Refitter, "_alone", lambda *_: None)
    weights = np.stack([bootstrap_weights(outcomes, np.random.default_rng(seed)) for seed in range(60)])
    assert refitter.refit(np.concatenate([leave_out_weights(outcomes), weights])).is_found.all()


@pytest.mark.parametrize("route", [leave_units_out, lambda base: resample_units(base, samples=6, seed=1)])
def test_resampled_frames_carry_copies_of_participants_and_leave_others_out(route):
    """Whatever analyses frames sees the resample: the mixed model of each is ancova with weights."""
    frame = slow.simulated(n=24, gaps=0)
    outcomes = arranged(frame, roles(covariates=["base*visit"], analysis_covariates=["base"]))
    sets = route(base_model(outcomes, after_last_observed(outcomes, "j2r")))
    one, other = (sets.pooled(analyse).table for analyse in (ancova(outcomes), MmrmAnalysis(outcomes)))
    np.testing.assert_allclose(other["estimate"], one["estimate"], rtol=1e-7)
    np.testing.assert_allclose(other["se"], one["se"], rtol=1e-6)
