"""Every deterministic number of R's rbmi, and its random routes within their Monte-Carlo error.

The tolerance of estimates and standard errors is 1e-9 of rbmi's standard error: its base models were driven to a
gradient below 4e-11, the engine's are too, and what is left of both is rounding (3e-13 is found). Its contrasts are
PLACEBO less DRUG, ours DRUG less PLACEBO.
"""

import numpy as np
import pytest

from analysis.imputation import (
    Delta,
    ancova,
    approximate_bayes,
    bayes,
    cumulative,
    delta_grid,
    delta_matrix,
    leave_units_out,
    resample_units,
    tipping_points,
)
from analysis.imputation.impute import conditional_means

STRATEGIES = {"mar": "MAR", "j2r": "JR", "cr": "CR", "cir": "CIR", "lmcf": "LMCF"}
OTHER_MODELS = {
    "condmean_jackknife_JR_us_samecovFALSE": {"group": "THERAPY"},
    "condmean_jackknife_JR_ML": {"method": "ml"},
    **{f"condmean_jackknife_JR_{c}_samecovTRUE": {"covariance": c} for c in ("csh", "ar1h", "toeph", "adh", "cs")},
}  # fmt: skip
DELTAS = ("0", "1", "2", "3", "4", "5", "7.5", "10")
TOLERANCE = 1e-9
ARMS = {"ref": "DRUG", "alt": "PLACEBO"}
ALL_MISSING = True  # these deltas were added to every missing outcome of the arm, gaps too


def held(pooled, expected):
    """Compare every estimate and standard error, in rbmi's standard errors."""
    for key, (estimate, se) in expected.items():
        *what, visit = key.split("_")
        row = pooled.at(visit, "DRUG") if what == ["trt"] else pooled.at(visit, ARMS[what[1]], "lsmean")
        sign = -1.0 if what == ["trt"] else 1.0
        assert sign * row["estimate"] == pytest.approx(estimate, abs=TOLERANCE * se), key
        assert row["se"] == pytest.approx(se, rel=TOLERANCE), key


def test_the_base_model_has_rbmis_coefficients_and_covariance(antidepressant, condmean):
    """β̂ and Σ̂ of its tightly converged fit; 1e-10 of the largest."""
    base, expected = antidepressant(), condmean["base_fit"]
    order = [
        "Intercept", "THERAPY[T.PLACEBO]", "VISIT[T.5]", "VISIT[T.6]", "VISIT[T.7]", "BASVAL", "BASVAL:VISIT[T.5]",
        "BASVAL:VISIT[T.6]", "BASVAL:VISIT[T.7]", *[f"THERAPY[T.PLACEBO]:VISIT[T.{v}]" for v in "567"],
    ]  # fmt: skip
    baseline = base.coefficients.rename(index=lambda name: name.replace("[T.DRUG]", "[DRUG]"))
    np.testing.assert_allclose(baseline[order], expected["beta"], rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(base.parameters.covariance[0, 0], expected["sigma"], rtol=1e-10)


def test_covariances_by_arm_are_rbmis(antidepressant, condmean):
    base = antidepressant(group="THERAPY")
    for number, arm in enumerate(base.fit.model.groups):
        np.testing.assert_allclose(
            base.parameters.covariance[0, number], condmean["sigma_by_arm"][arm], rtol=1e-9
        )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_conditional_mean_and_jackknife_of_a_strategy_are_rbmis(antidepressant, condmean, strategy):
    base = antidepressant(strategy)
    pooled = leave_units_out(base).pooled(ancova(base.outcomes))
    held(pooled, condmean[f"condmean_jackknife_{STRATEGIES[strategy]}"])
    assert (pooled.se_method, pooled.n_sets, pooled.n_failed) == ("jackknife", 172, 0)


@pytest.mark.parametrize("name", OTHER_MODELS)
def test_other_covariances_and_likelihoods_are_rbmis(antidepressant, condmean, name):
    """Structured, by arm, and maximum likelihood, all under jump to reference."""
    base = antidepressant("j2r", **OTHER_MODELS[name])
    held(leave_units_out(base).pooled(ancova(base.outcomes)), condmean[name])


def test_strategies_by_arm_mix_as_rbmis_do(antidepressant, condmean):
    base = antidepressant({"DRUG": "cir", "PLACEBO": "mar"})
    held(
        leave_units_out(base).pooled(ancova(base.outcomes)), condmean["condmean_jackknife_CIRdrug_MARplacebo"]
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_deltas_reuse_the_imputations_and_give_rbmis_numbers(antidepressant, condmean, strategy):
    """Fixed deltas in one arm, and one that grows with every visit since the event."""
    base, name = antidepressant(strategy), f"condmean_jackknife_{STRATEGIES[strategy]}_delta"
    sets, analyse = leave_units_out(base), ancova(base.outcomes)
    for size in DELTAS:
        added = delta_matrix(base.outcomes, base.events, Delta({"DRUG": float(size)}, gaps=ALL_MISSING))
        held(sets.shifted(added).pooled(analyse), condmean[f"{name}_drug_{size}"])
    grown = delta_matrix(base.outcomes, base.events, cumulative(4, {"DRUG": 1.0}))
    held(sets.shifted(grown).pooled(analyse), condmean[f"{name}_cumulative_drug"])


def test_the_two_dimensional_grid_is_rbmis(antidepressant, condmean):
    """Estimate, jackknife standard error and p at visit 7, deltas in both arms."""
    base, expected = antidepressant(), condmean["tipping_grid_MAR_visit7"]
    values = {arm: sorted({row[place] for row in expected}) for place, arm in enumerate(("DRUG", "PLACEBO"))}
    unit = Delta({}, gaps=ALL_MISSING)
    grid = delta_grid(leave_units_out(base), base.events, ancova(base.outcomes), values, unit=unit)
    found = grid[grid["visit"] == "7"].set_index(["delta_DRUG", "delta_PLACEBO"])
    for drug, placebo, estimate, se, p in expected:
        row = found.loc[(drug, placebo)]
        assert -row["estimate"] == pytest.approx(estimate, abs=TOLERANCE * se)
        assert row["se"] == pytest.approx(se, rel=TOLERANCE)
        assert row["p"] == pytest.approx(p, rel=1e-8)


def test_the_tipping_point_lies_between_the_grids_neighbours(antidepressant, condmean):
    """The grid is significant at 2 and not at 3, the root between them has p = 0.05 to 1e-9."""
    base = antidepressant()
    unit = Delta({}, gaps=ALL_MISSING)
    points = tipping_points(leave_units_out(base), base.events, ancova(base.outcomes), "DRUG", unit=unit)
    last = next(one for one in points if one.visit == "7")
    assert 2.0 < last.delta < 3.0
    assert last.p == pytest.approx(0.05, abs=1e-9)
    assert [one.reason for one in points[:2]] == ["not significant without a delta"] * 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_participants_conditional_means_are_rbmis(antidepressant, shared, strategy):
    """All 688 completed outcomes to 1e-10: rbmi writes fifteen digits."""
    expected = shared(f"reference/rbmi_imputed_{STRATEGIES[strategy]}.csv").rename(
        columns={"PATIENT_ORIG": "PATIENT"}
    )
    base = antidepressant(strategy)
    frame = next(conditional_means(base, base.parameters).frames())
    both = frame.astype({"VISIT": str, "PATIENT": str}).merge(
        expected, on=["PATIENT", "VISIT"], suffixes=("", "_r")
    )
    assert len(both) == 688
    np.testing.assert_allclose(both["CHANGE"], both["CHANGE_r"], rtol=0, atol=1e-10)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_approximate_bayes_agrees_with_rbmi_within_monte_carlo_error(antidepressant, random, strategy):
    """1,000 imputations each: estimates within four Monte-Carlo standard errors of their difference.

    The between variance of 1,000 draws has a relative standard error of 4.5 %; it is a tenth of the total, so the
    total's square root varies by 0.3 %: 1.2 % is four of those.
    """
    base = antidepressant(strategy)
    pooled = approximate_bayes(base, m=1000, seed=20251123).pooled(ancova(base.outcomes))
    for key, (estimate, se) in random[f"approxbayes_M1000_{STRATEGIES[strategy]}"].items():
        if key.startswith("trt_"):
            row = pooled.at(key[4:], "DRUG")
            assert abs(-row["estimate"] - estimate) <= 4 * np.sqrt(2) * row["mc_se"] + 1e-9
            assert row["se"] == pytest.approx(se, rel=0.012)


def test_gibbs_draws_agree_with_approximate_bayes(antidepressant, random):
    """Two roads to the same posterior, up to terms of order 1/n; and the chains mix."""
    base = antidepressant("j2r")
    sets = bayes(base, m=1000, seed=3)
    row = sets.pooled(ancova(base.outcomes)).at("7", "DRUG")
    estimate, se = random["approxbayes_M1000_JR"]["trt_7"]
    assert abs(-row["estimate"] - estimate) <= 4 * np.sqrt(2) * row["mc_se"] + 0.01 * se
    assert row["se"] == pytest.approx(se, rel=0.03)
    assert sets.diagnostics["rhat"] < 1.01
    assert sets.diagnostics["ess"] > 1000


def test_the_bootstrap_agrees_with_rbmi_within_monte_carlo_error(antidepressant, random):
    """A standard deviation of 500 samples has a relative standard error of 3.2 %; of two, four of them: 18 %."""
    base = antidepressant("j2r")
    pooled = resample_units(base, samples=500, seed=5).pooled(ancova(base.outcomes))
    for key, (estimate, se) in random["condmean_bootstrap500_JR_normal"].items():
        if key.startswith("trt_"):
            row = pooled.at(key[4:], "DRUG")
            assert row["se"] == pytest.approx(se, rel=0.18)
            assert -row["estimate"] == pytest.approx(
                estimate, abs=1e-3 * se
            )  # rbmi's own, less tightly converged


@pytest.mark.parametrize(("strategy", "expected"), [("j2r", -3.678), ("cr", -3.799), ("cir", -3.971)])
def test_the_acupuncture_trials_reference_based_differences(shared, strategy, expected):
    """Headache score at 12 months, to the three decimals computed elsewhere."""
    from analysis.imputation import Roles, after_last_observed, arranged, base_model

    frame = shared("data/acupuncture.csv")
    roles = Roles("head", "id", "time", "treat", "1", ["head_base*time"], ["head_base"])
    outcomes = arranged(frame, roles)
    base = base_model(outcomes, after_last_observed(outcomes, strategy))
    found = leave_units_out(base).pooled(ancova(outcomes)).at("12", "2")
    assert found["estimate"] == pytest.approx(expected, abs=5e-4)
