"""Small trials by simulation: how often intervals miss and tests reject, against what they promise.

Two kinds of claim. Where theory is exact (complete data, unstructured covariance) the engine must give the exact
degrees of freedom and interval in every replication. Elsewhere the error rate of 150 replications must lie within
3.5 Monte-Carlo standard errors of 5 %: a right method fails that once in 2,000 runs, and the seeds are fixed.
docs/methods/small_samples.md has the table from 5,000 replications.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from analysis.mixed import MMRM
from benchmarks.type_one_error import (
    ALPHA,
    FORMULA,
    METHODS,
    PER_ARM,
    SCENARIOS,
    SEED,
    analyse,
    differences,
    draw_trial,
    monte_carlo_se,
    simulate,
)

REPLICATIONS = 150
SLACK = 3.5 * monte_carlo_se(ALPHA, REPLICATIONS)  # 6.2 percentage points
COMPLETE, DROPOUT, EFFECT = SCENARIOS


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    """Share of replications, by scenario and method."""
    rows = simulate(SCENARIOS, REPLICATIONS)
    assert rows["ok"].all()
    return rows.groupby(["scenario", "method"]).mean(numeric_only=True)


@pytest.mark.parametrize("replication", range(5))
def test_complete_trial_is_analysis_of_covariance_at_the_last_visit(replication):
    """With nobody missing, us by REML is least squares visit by visit, so t and its df are exact."""
    seed = np.random.SeedSequence(SEED).spawn(5)[replication]
    data = draw_trial(COMPLETE, np.random.default_rng(seed))
    ols = smf.ols("hours ~ base + arm", data[data["visit"] == "12m"]).fit()
    fit = MMRM.from_formula(FORMULA, data, subject="id", visit="visit").fit(df="kenward-roger")
    test = fit.t_test(differences(list(fit.params.index))[-1]).iloc[0]
    expected = [ols.params["arm[T.SRT]"], ols.bse["arm[T.SRT]"], ols.df_resid]
    np.testing.assert_allclose(test[["estimate", "se", "df"]].to_numpy(dtype=float), expected, rtol=1e-7)


def test_replication_is_its_seed():
    """A replication does not depend on which others run beside it, so any of the table can be looked at alone."""
    seeds = np.random.SeedSequence(SEED).spawn(2)
    alone = analyse(DROPOUT, np.random.SeedSequence(SEED).spawn(2)[1], with_normal=False)
    both = [analyse(DROPOUT, seed, with_normal=False) for seed in seeds]
    assert alone == both[1]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_kenward_roger_interval_misses_as_often_as_it_says(rates, scenario):
    """Also where a treatment effect and dropout depend on each other."""
    missed = 1.0 - rates.loc[(scenario.name, "kenward-roger"), "covered"]
    assert missed == pytest.approx(ALPHA, abs=SLACK)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [COMPLETE, DROPOUT], ids=lambda one: one.name)
def test_kenward_roger_joint_test_rejects_as_often_as_it_says(rates, scenario):
    """Four contrasts at once: the F statistic is scaled, not only its degrees of freedom chosen."""
    assert rates.loc[(scenario.name, "kenward-roger"), "joint"] == pytest.approx(ALPHA, abs=SLACK)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [COMPLETE, DROPOUT], ids=lambda one: one.name)
def test_residual_degrees_of_freedom_reject_too_often(rates, scenario):
    """The simulation must be able to tell a liberal method from a right one; the same trials, so no slack."""
    own, exact = (rates.loc[(scenario.name, method), "joint"] for method in ("residual", "kenward-roger"))
    assert own > exact
    assert own > ALPHA


@pytest.mark.slow
def test_linear_variant_is_the_same_for_an_unstructured_covariance(rates):
    """No second derivatives, nothing to leave out."""
    full, linear = (rates.xs(method, level="method") for method in METHODS[:2])
    pd.testing.assert_frame_equal(full, linear)


@pytest.mark.slow
def test_dropout_is_what_the_table_says(rates):
    """Between 15 and 25 % without the last visit, some more where outcomes rise; nobody where the trial is complete."""
    lost = rates["missing"].groupby("scenario").first()
    assert lost[COMPLETE.name] == 0.0
    assert 0.15 < lost[DROPOUT.name] < 0.25
    assert lost[DROPOUT.name] < lost[EFFECT.name] < 0.30
    assert PER_ARM == 20
