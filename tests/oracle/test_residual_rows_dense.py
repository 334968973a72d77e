"""Residuals against dense matrices at the published covariance, participant by participant, and statsmodels' OLS."""

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.design import follow_up_design, single_visit_design
from analysis.estimators.mmrm import estimate
from analysis.estimators.residuals import of_least_squares, of_repeated_measures
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("demo"))
HOURS = "structured_activity_hours"
VISITS = ["m9", "m15", "m24"]
EXACT = 1e-8  # of an SD: the same covariance, rounding of another order


@pytest.fixture(scope="module")
def analysis_set():
    """70 people, the therapy arm twice as spread, a fifth of the visits missed."""
    rng, n = np.random.default_rng(11), 70
    people = pd.DataFrame({
        "participant": [f"P{i:02d}" for i in range(n)],
        "arm": pd.Categorical(np.where(np.arange(n) % 2, "SRT", "UC"), ["UC", "SRT"]),
        "site": rng.choice(["Norfolk", "Sussex"], n), "sex": rng.choice(["Female", "Male"], n),
        "in_randomised": True, f"{HOURS}_baseline": rng.gamma(2, 5, n), "level": rng.normal(0, 6, n),
    })  # fmt: skip
    frame = people.merge(pd.DataFrame({"visit": VISITS, "month": [9.0, 15.0, 24.0]}), how="cross")
    frame["visit"] = pd.Categorical(frame["visit"], VISITS, ordered=True)
    spread = np.where(frame["arm"] == "SRT", 12, 6)
    values = 20 + frame["level"] + rng.normal(0, 1, len(frame)) * spread
    return frame.assign(**{HOURS: values.where(rng.random(len(frame)) > 0.2)})


def _covariances(rows, groups):
    """Return the covariance over visits of each group, from the published SDs and correlations."""
    found = {}
    for group in groups:
        sd = np.array(
            [
                next(r.value for r in rows if (r.statistic, r.visit, r.arm) == ("residual sd", v, group))
                for v in VISITS
            ]
        )
        correlation = np.eye(len(VISITS))
        for r in rows:
            if r.statistic == "correlation" and r.arm == group:
                one, other = (VISITS.index(v) for v in r.contrast.split(", "))
                correlation[one, other] = correlation[other, one] = r.value
        found[group] = correlation * np.outer(sd, sd)
    return found


@pytest.mark.parametrize("group", ["", "arm"])
def test_residuals_of_repeated_measures_are_those_of_dense_least_squares(analysis_set, group):
    """Fitted values, residuals over their visit's SD, and whitened ones by each participant's own factor."""
    analysis = TRIAL.primary_analysis.model_copy(update={"group": group})
    rows = estimate(analysis_set, TRIAL, analysis)
    covariances = _covariances(rows, ("UC", "SRT") if group else ("",))
    design = follow_up_design(analysis_set, TRIAL, analysis)
    X, y = design.matrix.to_numpy(), design.rows[HOURS].to_numpy()
    places = design.rows["visit"].astype(str).map(VISITS.index).to_numpy()
    arms = design.rows["arm"].astype(str).to_numpy() if group else np.full(len(y), "")
    people = design.rows["participant"].to_numpy()

    own = {p: np.flatnonzero(people == p) for p in pd.unique(people)}
    blocks = {p: covariances[arms[at[0]]][np.ix_(places[at], places[at])] for p, at in own.items()}
    information = sum(X[at].T @ np.linalg.solve(blocks[p], X[at]) for p, at in own.items())
    score = sum(X[at].T @ np.linalg.solve(blocks[p], y[at]) for p, at in own.items())
    fitted = X @ np.linalg.solve(information, score)
    left = y - fitted
    sd = np.array([np.sqrt(covariances[a][k, k]) for a, k in zip(arms, places, strict=True)])
    whitened = np.concatenate(
        [np.linalg.solve(np.linalg.cholesky(blocks[p]), left[at]) for p, at in own.items()]
    )

    found = of_repeated_measures(analysis_set, TRIAL, analysis)
    assert found.visit.tolist() == design.rows["visit"].astype(str).tolist()
    assert found.fitted == pytest.approx(fitted, abs=1e-6)  # hours
    assert found.standardised == pytest.approx(left / sd, abs=EXACT)
    assert found.whitened[np.concatenate(list(own.values()))] == pytest.approx(whitened, abs=EXACT)


def test_residuals_of_least_squares_are_statsmodels(analysis_set):
    """`resid_pearson` is the residual over the residual SD."""
    from statsmodels.regression.linear_model import OLS

    analysis = TRIAL.analyses["ancova"]
    design = single_visit_design(analysis_set, TRIAL, analysis)
    fit = OLS(design.rows[HOURS].to_numpy(), design.matrix.to_numpy()).fit()
    found = of_least_squares(analysis_set, TRIAL, analysis)
    assert found.standardised == pytest.approx(fit.resid_pearson, abs=EXACT)
    assert found.fitted == pytest.approx(fit.fittedvalues, abs=1e-6)
