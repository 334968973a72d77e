"""Real times, profiles, standardised effects, residuals, intraclass correlations and the ladder, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from analysis.mixed import MMRM, BadDataError, MeaninglessRequestError
from analysis.mixed.ladder import LADDER, rungs_below

FORMULA = "y ~ base + arm*visit"


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """30 participants, 3 visits, days of their own."""
    rng = np.random.default_rng(11)
    n = 30
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), 3),
            "visit": np.tile(["a", "b", "c"], n),
            "arm": np.repeat(["SRT", "UC"], 3 * n // 2),
            "base": np.repeat(rng.normal(0, 2, n), 3),
            "site": np.repeat(rng.choice(list("uvwx"), n), 3),
            "day": np.tile([0.0, 30.0, 60.0], n) + rng.integers(-9, 9, 3 * n),
        }
    )
    site = frame["site"].map(dict(zip("uvwx", [-2.0, 0.0, 1.0, 3.0], strict=True)))
    frame["y"] = frame["base"] + site + np.repeat(rng.normal(size=n), 3) + rng.normal(size=3 * n)
    return frame[rng.random(3 * n) > 0.15].reset_index(drop=True)


def fitted(frame, formula=FORMULA, method="reml", df="satterthwaite", **options):
    options = {"subject": "id", "visit": "visit"} | options
    return MMRM.from_formula(formula, frame, **options).fit(method, df=df)


def dense(fit) -> np.ndarray:
    """Marginal V of a fit with one variance and a range."""
    frame, variance, reach = fit.model.frame, *fit.theta
    gap = np.abs(frame["day"].to_numpy()[:, None] - frame["day"].to_numpy())
    same = frame["id"].to_numpy()[:, None] == frame["id"].to_numpy()
    return np.where(same, variance * np.exp(-gap / reach), 0.0)


@pytest.mark.parametrize("visit", ["visit", None])
def test_times_of_ones_own_give_the_dense_likelihood(trial, visit):
    """With or without visits named: the covariance depends on days alone."""
    fit = fitted(trial, covariance="sp_exp", times="day", visit=visit)
    X, y, V = fit.model.design.X, fit.model.design.y, dense(fit)
    inverse = np.linalg.inv(V)
    information = X.T @ inverse @ X
    left = y - X @ np.linalg.solve(information, X.T @ inverse @ y)
    n, p = X.shape
    deviance = np.linalg.slogdet(V)[1] + left @ inverse @ left + np.linalg.slogdet(information)[1]
    assert fit.llf == pytest.approx(-0.5 * (deviance + (n - p) * np.log(2 * np.pi)), abs=1e-9)
    np.testing.assert_allclose(
        fit.residuals("scaled"), np.linalg.solve(np.linalg.cholesky(V), left), rtol=1e-8
    )


def test_times_shared_by_all_are_as_numeric_visits_and_as_ar1(trial):
    """Equally spaced, exp(-1 / range) is ar1's correlation."""
    frame = trial.assign(number=trial["visit"].map({"a": 1, "b": 2, "c": 3}))
    named = fitted(frame, covariance="sp_exp", times="number")
    numeric = fitted(frame, "y ~ base + arm*C(number)", covariance="sp_exp", visit="number")
    ar1 = fitted(frame, covariance="ar1")
    assert named.llf == pytest.approx(ar1.llf, abs=1e-9)
    assert numeric.llf == pytest.approx(ar1.llf, abs=1e-9)
    assert np.exp(-1 / named.theta["range"]) == pytest.approx(ar1.theta["correlation"], rel=1e-7)
    assert len(named.model.problem.grams.kind) == len(ar1.model.problem.grams.kind)


def test_times_by_group_maximise_each_arm_alone(trial):
    """A model with everything by arm is two models."""
    fit = fitted(trial, "y ~ 0 + arm + arm:base", "ml", covariance="sp_exp", times="day", group="arm")
    arms = [
        fitted(trial[trial["arm"] == arm], "y ~ base", "ml", covariance="sp_exp", times="day")
        for arm in ("SRT", "UC")
    ]
    assert fit.llf == pytest.approx(sum(one.llf for one in arms), abs=1e-8)
    np.testing.assert_allclose(fit.theta, np.concatenate([one.theta for one in arms]), rtol=1e-5)


def test_bad_times_are_refused(trial):
    for options, message in (
        ({"covariance": "sp_exp"}, "needs times"),
        ({"covariance": "us", "times": "day"}, "knows visits only"),
        ({"covariance": "sp_exp", "times": "site"}, "expected numbers"),
    ):
        with pytest.raises(BadDataError, match=message):
            fitted(trial, **options)
    with pytest.raises(BadDataError, match="same time"):
        fitted(trial.assign(day=1.0), covariance="sp_exp", times="day")


@pytest.mark.parametrize(("covariance", "name"), [("cs", "covariance"), ("us", "variance(b)")])
def test_profile_limits_are_where_the_deviance_has_risen(trial, covariance, name):
    """Held at the limit, every other parameter's maximum is a likelihood-ratio away."""
    from analysis.mixed.profile import Held, newton

    fit = fitted(trial, covariance=covariance)
    number, unit = list(fit.theta.index).index(name), fit.fitted.unit**2
    theta, spread = fit.fitted.optimum.state.theta, fit.fitted.theta_covariance[number]
    for limit in fit.profile_ci(name).loc[name, ["lower", "upper"]]:
        along = theta + spread / spread[number] * (limit / unit - theta[number])
        found = newton(Held(fit.fitted.likelihood, number, limit / unit), np.delete(along, number))
        rise = found.state.value - fit.fitted.optimum.state.value
        assert rise == pytest.approx(chi2.ppf(0.95, 1), rel=1e-6)


def test_profile_of_an_unknown_parameter_is_refused(trial):
    with pytest.raises(BadDataError, match="no covariance parameter"):
        fitted(trial).profile_ci("tau")


def test_standardised_effect_of_one_variance_is_cohens_d_with_residual_df():
    """Two groups, one visit: se² = (1/m + 1/n) + d² / (2 (m + n - 2))."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"arm": ["A"] * 12 + ["B"] * 15, "y": rng.normal(size=27)})
    fit = MMRM.from_formula("y ~ arm", frame, covariance="iid").fit(df="residual")
    row = fit.standardised_effects("arm", reference="A").iloc[0]
    means, variances = frame.groupby("arm")["y"].mean(), frame.groupby("arm")["y"].var()
    sd = np.sqrt((11 * variances["A"] + 14 * variances["B"]) / 25)
    d = (means["B"] - means["A"]) / sd
    assert row["sd"] == pytest.approx(sd)
    assert row["estimate"] == pytest.approx(d)
    assert row["se"] == pytest.approx(np.sqrt(1 / 12 + 1 / 15 + d**2 / 50))
    assert row["df"] == 25


def test_standardised_effects_name_their_sd(trial):
    fit = fitted(trial)
    plain = fit.contrasts("arm", by="visit", reference="UC")
    own = fit.standardised_effects("arm", by="visit", reference="UC")
    np.testing.assert_allclose(own["sd"], np.sqrt(np.diag(fit.covariance)))
    assert own["sd_name"].tolist() == [f"residual at visit {one}" for one in "abc"]
    np.testing.assert_allclose(own["estimate"], plain["estimate"] / own["sd"])
    base = fit.standardised_effects("arm", by="visit", reference="UC", sd="base")
    assert base["sd"].iloc[0] == pytest.approx(trial.drop_duplicates("id")["base"].std())
    assert set(base["sd_name"]) == {"baseline base"}
    given = fit.standardised_effects("arm", by="visit", reference="UC", sd=2.0)
    np.testing.assert_allclose(given[["lower", "upper"]], plain[["lower", "upper"]] / 2.0)
    with pytest.raises(MeaninglessRequestError, match="not by visit"):
        fit.standardised_effects("arm", reference="UC")
    with pytest.raises(BadDataError, match="neither"):
        fit.standardised_effects("arm", by="visit", sd="nothing")


def test_conditional_residuals_take_every_random_effect_out(trial):
    """At one variance they are sigma² V⁻¹ (y - X beta)."""
    fit = fitted(trial, covariance="iid", random=["id", "site"])
    frame, (variance, own, shared) = fit.model.frame, fit.theta
    V = variance * np.eye(len(frame))
    for name, size in (("id", own), ("site", shared)):
        V += size * (frame[name].to_numpy()[:, None] == frame[name].to_numpy())
    expected = variance * np.linalg.solve(V, fit.residuals())
    np.testing.assert_allclose(fit.residuals("conditional"), expected, atol=1e-8)
    with pytest.raises(MeaninglessRequestError, match="make them dependent"):
        fit.residuals("scaled")
    with pytest.raises(BadDataError, match="unknown"):
        fit.residuals("pearson")


def test_intraclass_correlation_is_the_share_of_the_variance(trial):
    fit = fitted(trial, covariance="iid", random=["site"])
    row, theta = fit.icc().loc["site"], fit.theta.to_numpy()
    assert row["icc"] == pytest.approx(theta[1] / theta.sum())
    assert 0 < row["lower"] < row["icc"] < row["upper"] < 1
    gradient = np.array([-theta[1], theta[0]]) / theta.sum() ** 2
    W = fit.fitted.theta_covariance * fit.fitted.unit**4
    assert row["se"] == pytest.approx(np.sqrt(gradient @ W @ gradient))
    with pytest.raises(MeaninglessRequestError, match="differs by visit"):
        fitted(trial, random=["site"]).icc()


def test_the_ladder_goes_down_from_where_it_is():
    assert rungs_below("us", "ladder", 4) == LADDER[1:]
    assert rungs_below("ar1h", fallback=True, n_visits=4) == ("csh", "cs")
    assert rungs_below("cs", "ladder", 4) == ()
    assert rungs_below("toep", "ladder", 4) == ("cs",)
    assert rungs_below("us", ("ar1",), 4) == ("ar1",)
    assert rungs_below("us", fallback=False, n_visits=4) == ()


def test_the_ladder_records_each_attempts_reason():
    """Five participants, six visits: us has more parameters than the data can say, which is a reason too."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"id": np.repeat(np.arange(5), 6), "visit": np.tile(np.arange(6), 5)})
    frame["y"] = np.repeat(rng.normal(size=5), 6) + rng.normal(size=30)
    model = MMRM.from_formula("y ~ 1", frame, subject="id", visit="visit")
    fit = model.fit(df="satterthwaite", fallback="ladder")
    assert fit.convergence.ok
    tried = [*fit.failed_attempts, fit.covariance_structure]
    assert tuple(tried) == LADDER[: len(tried)]
    assert all(fit.failed_attempts.values())
    few = frame.assign(x=rng.normal(size=30), z=rng.normal(size=30), w=rng.normal(size=30))
    crowded = MMRM.from_formula("y ~ x*z*w + C(visit)", few, subject="id", visit="visit")
    assert "covariance parameters" in crowded.fit(df="residual", fallback=True).failed_attempts["us"]
