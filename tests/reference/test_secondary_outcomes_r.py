"""Binary, ordinal, count and time-to-event outcomes against R's glm, MASS and survival.

`secondary/secondary.R` wrote the values (R 4.2.2, MASS 7.3-58.2, survival 3.5-3) from `secondary.csv`, which
was generated: 160 participants, tied times, an over-dispersed count.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimators import counts, ordinal, responder, time_to_event
from data_contracts.load import find_trial, load_trial

HERE = Path(__file__).parent / "secondary"
R = json.loads((HERE / "secondary.json").read_text())
EXACT = 1e-7  # both programs drive the likelihood to its maximum; R's printed digits are 16
BY_OPTIMISER = 2e-4  # R's polr, and a numeric Hessian in R for the negative binomial, stop earlier


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def analysis_set():
    d = pd.read_csv(HERE / "secondary.csv")
    return pd.DataFrame({
        "participant": d["participant"], "arm": pd.Categorical(d["arm"], ["UC", "SRT"]), "sex": d["sex"],
        "month": 9.0, "in_randomised": True, "structured_activity_hours_baseline": d["base"],
        "above_30_hours": d["responded"].astype(float), "disability_level": d["level"].astype(float),
        "admissions": d["events"].astype(float), "admissions_days": d["days"].astype(float),
        "time_to_admission": d["had"].astype(float), "time_to_admission_days": d["time"].astype(float),
    })  # fmt: skip


def _found(estimator, analysis_set, trial, name, **changes):
    analysis = trial.analyses[name].model_copy(update={"covariates": ("sex",), **changes})
    visit = trial.estimands[analysis.estimand].visit
    rows = estimator.estimate(analysis_set.assign(visit=visit), trial, analysis)
    return {(row.statistic, row.arm): row for row in rows if not row.at or "day" in row.at}


def _log(row):
    """Return a ratio's logarithm and the standard error of that."""
    return [np.log(row.value), row.se / row.value]


def test_standardised_proportions_and_their_contrasts(analysis_set, trial):
    found, r = _found(responder, analysis_set, trial, "above_30_hours"), R["logistic"]
    for arm, risk, se in zip(("UC", "SRT"), r["risk"], r["risk_se"], strict=True):
        row = found["proportion", arm]
        assert [row.value, row.se] == pytest.approx([risk, se], rel=EXACT)
    difference = found["risk difference", ""]
    assert [difference.value, difference.se] == pytest.approx([r["rd"], r["rd_se"]], rel=EXACT)
    assert _log(found["risk ratio", ""]) == pytest.approx([r["log_rr"], r["log_rr_se"]], rel=EXACT)
    assert _log(found["odds ratio", ""]) == pytest.approx([r["log_or"], r["log_or_se"]], rel=EXACT)


def test_negative_binomial_rate_ratio(analysis_set, trial):
    """The SE is of the full information; glm.nb's own takes the dispersion as known, so R's is by optim."""
    found, r = _found(counts, analysis_set, trial, "admissions"), R["negative_binomial"]
    ratio = _log(found["rate ratio", ""])
    assert ratio[0] == pytest.approx(r["log_ratio"], rel=1e-6)
    assert ratio[1] == pytest.approx(r["se_full"], rel=BY_OPTIMISER)
    assert found["dispersion", ""].value == pytest.approx(r["dispersion"], rel=1e-6)
    assert found["log-likelihood", ""].value == pytest.approx(r["log_likelihood"], rel=1e-9)


def test_poisson_where_there_is_no_dispersion(analysis_set, trial):
    """One event at most each: the dispersion is at its bound, and Poisson's model is used and said."""
    rare = analysis_set.assign(admissions=(analysis_set["admissions"] > 0).astype(float))
    row = _found(counts, rare, trial, "admissions")["rate ratio", ""]
    assert row.method == counts.POISSON
    assert "no dispersion" in row.reason


def test_proportional_odds(analysis_set, trial):
    r = R["proportional_odds"]
    levels = trial.outcomes["disability_level"].model_copy(update={"levels": tuple("abcd")})
    own = trial.model_copy(update={"outcomes": {**trial.outcomes, "disability_level": levels}})
    row = _found(ordinal, analysis_set, own, "disability_level")["common odds ratio", ""]
    assert _log(row) == pytest.approx([r["log_ratio"], r["se"]], rel=BY_OPTIMISER)


def test_cox_with_ties_and_log_rank(analysis_set, trial):
    found, r = _found(time_to_event, analysis_set, trial, "time_to_admission", rmst_days=500), R["cox"]
    assert _log(found["hazard ratio", ""]) == pytest.approx([r["log_ratio"], r["se"]], rel=1e-6)
    assert found["log-rank", ""].value == pytest.approx(R["log_rank"], rel=EXACT)


def test_the_curve_with_its_limits_and_the_restricted_mean(analysis_set, trial):
    """R divides the variance of the mean by no correction either (survfit's rmean)."""
    found = _found(time_to_event, analysis_set, trial, "time_to_admission", rmst_days=500)
    for k, arm in enumerate(("UC", "SRT")):
        row = found["event-free", arm]
        expected = [R["curve"][name][k] for name in ("survival", "se", "lower", "upper")]
        assert [row.value, row.se, row.lower, row.upper] == pytest.approx(expected, rel=EXACT)
        mean = found["restricted mean", arm]
        expected = [R["restricted_mean"][name][k] for name in ("mean", "se")]
        assert [mean.value, mean.se] == pytest.approx(expected, rel=EXACT)
