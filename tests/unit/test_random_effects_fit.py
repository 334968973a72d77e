"""fit_random_effects by hand: closed forms, a dense oracle, and what is refused, dropped or not believed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.estimators import random_effects_checks, random_effects_fit
from analysis.estimators.random_effects_fit import INDEPENDENT, FitStatus, fit_random_effects

ONE_WAY = np.array([1.0, 3, 5, 7, 9, 11])  # means 2, 6, 10; mean squares 32 between and 2 within
PAIRS = np.repeat(["a", "b", "c"], 2)


def intercept(n):
    return pd.DataFrame({"(Intercept)": np.ones(n)})


def trial(seed=1, people=20, visits=4):
    """Return outcome, design, participants and random slope of an unbalanced simulated trial."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), visits)
    time = np.tile(np.arange(visits, dtype=float), people)
    arm = (who % 2).astype(float)
    design = pd.DataFrame({"(Intercept)": 1.0, "time": time, "arm": arm, "time:arm": time * arm})
    y = (
        10
        + rng.normal(size=people)[who] * 2
        + (rng.normal(size=people)[who] - arm) * time
        + rng.normal(size=who.size)
    )
    seen = rng.random(who.size) < 0.8
    return y[seen], design[seen].reset_index(drop=True), who[seen], design.loc[seen, ["(Intercept)", "time"]]


def test_reml_of_a_balanced_one_way_layout_gives_the_mean_squares():
    """Variances 2 and (32 - 2) / 2, standard error sqrt(32 / 6)."""
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    assert fit.status is FitStatus.OK
    assert fit.reason == ""
    assert fit.beta[0] == pytest.approx(6, abs=1e-12)
    assert fit.cov_beta[0, 0] == pytest.approx(32 / 6, rel=1e-9)
    assert fit.residual_variance == pytest.approx(2, rel=1e-9)
    assert fit.cov_random[0, 0] == pytest.approx(15, rel=1e-9)
    assert (fit.n_observations, fit.n_groups, fit.n_dropped) == (6, 3, 0)


def test_ml_of_a_balanced_one_way_layout_divides_by_the_number_of_groups():
    """Variances 2 and (32 * 2/3 - 2) / 2."""
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS, method="ml")
    assert fit.residual_variance == pytest.approx(2, rel=1e-9)
    assert fit.cov_random[0, 0] == pytest.approx((32 * 2 / 3 - 2) / 2, rel=1e-9)
    assert fit.cov_beta[0, 0] == pytest.approx(32 * 2 / 3 / 6, rel=1e-9)


def test_groups_more_alike_than_chance_give_a_variance_of_exactly_zero():
    """Means 5, 5, 5: the fit is ordinary least squares, variance 52 / 5."""
    fit = fit_random_effects(np.array([1.0, 9, 2, 8, 4, 6]), intercept(6), PAIRS)
    assert fit.status is FitStatus.BOUNDARY
    assert "zero" in fit.reason
    assert fit.cov_random[0, 0] == 0
    assert fit.residual_variance == pytest.approx(52 / 5, rel=1e-12)
    assert fit.cov_beta[0, 0] == pytest.approx(52 / 5 / 6, rel=1e-12)


def dense_log_likelihood(y, X, Z, groups, fit):
    """Return beta and the log-likelihood from the whole n x n covariance, in the units of the data."""
    same = np.equal.outer(groups, groups)
    V = (Z @ fit.cov_random @ Z.T) * same + fit.residual_variance * np.eye(len(y))
    W = np.linalg.inv(V)
    information = X.T @ W @ X
    beta = np.linalg.solve(information, X.T @ W @ y)
    r = y - X @ beta
    n, p = X.shape
    nu, extra = (n - p, np.linalg.slogdet(information)[1]) if fit.method == "reml" else (n, 0.0)
    log_likelihood = -0.5 * (nu * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + extra + r @ W @ r)
    return beta, np.linalg.inv(information), log_likelihood


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("slope", [False, True])
def test_estimates_and_likelihood_agree_with_a_dense_covariance_matrix(method, slope):
    """The slow obvious road; and every change of the variances by 1% lowers the likelihood it gives."""
    y, X, groups, Z = trial()
    Z = Z if slope else Z[["(Intercept)"]]
    fit = fit_random_effects(y, X, groups, Z, method=method)
    assert fit.status is FitStatus.OK
    beta, cov_beta, log_likelihood = dense_log_likelihood(y, X.to_numpy(), Z.to_numpy(), groups, fit)
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-9)
    np.testing.assert_allclose(fit.cov_beta, cov_beta, rtol=1e-9, atol=1e-12)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-9)
    for factor in (0.99, 1.01):
        for changed in (
            {"residual_variance": fit.residual_variance * factor},
            {"cov_random": fit.cov_random * factor},
        ):
            assert (
                dense_log_likelihood(y, X.to_numpy(), Z.to_numpy(), groups, replace(fit, **changed))[2]
                < log_likelihood
            )


def test_rows_with_a_missing_outcome_covariate_or_group_are_dropped_and_counted():
    """Their answers must not move the estimates."""
    design = pd.DataFrame({"(Intercept)": 1.0, "x": [*np.zeros(6), np.nan, 1.0, 1.0]})
    groups = pd.Series([*PAIRS, "a", None, "b"])
    outcome = np.array([*ONE_WAY, 50.0, 50.0, np.nan])
    fit = fit_random_effects(outcome, design, groups)
    assert (fit.n_observations, fit.n_dropped) == (6, 3)
    assert fit.dropped == ("x",)  # all zero in the rows left
    assert fit.beta[0] == pytest.approx(6)


def test_a_combination_of_earlier_columns_is_dropped_and_named():
    """The later column goes, as in R's lm; what it stood for is kept in the aliases."""
    y, X, groups, _ = trial()
    X.insert(2, "twice", 1 + 2 * X["time"])
    fit = fit_random_effects(y, X, groups)
    assert fit.dropped == ("twice",)
    assert fit.terms == ("(Intercept)", "time", "arm", "time:arm")
    np.testing.assert_allclose(fit.aliases, [[1, 2, 0, 0]], atol=1e-10)


def test_dates_in_seconds_are_neither_collinear_nor_imprecise():
    """1.6e9 seconds vary by 1e-7 of themselves: a shift of the origin changes the intercept alone."""
    y, X, groups, _ = trial()
    later = X.assign(time=X["time"] * 50 + 1.6e9)
    near, far = (fit_random_effects(y, d.drop(columns="time:arm"), groups) for d in (X, later))
    assert far.dropped == ()
    assert far.beta[1] * 50 == pytest.approx(near.beta[1], rel=1e-7)
    assert far.residual_variance == pytest.approx(near.residual_variance, rel=1e-7)


def test_a_design_of_cell_means_finds_its_constant():
    """Without an intercept column an offset of 1e10 must still be taken off."""
    y, X, groups, _ = trial()
    cells = pd.DataFrame({"control": 1 - X["arm"], "treated": X["arm"]})
    fit = fit_random_effects(y + 1e10, cells, groups)
    usual = fit_random_effects(y, X[["(Intercept)", "arm"]], groups)
    assert fit.beta[1] - fit.beta[0] == pytest.approx(usual.beta[1], abs=1e-4)  # 1e10 resolves 2e-6
    assert fit.log_likelihood == pytest.approx(usual.log_likelihood, abs=1e-4)


def alternating(n):
    return np.arange(n) % 2.0


REFUSED = {
    "no row": ([np.nan] * 6, intercept(6), PAIRS, "No row"),
    "infinite outcome": ([1, 2, 3, 4, 5, np.inf], intercept(6), PAIRS, "'outcome' (1)"),
    "infinite covariate": (ONE_WAY, intercept(6).assign(bl=[np.inf, 1, 2, 3, 4, 5]), PAIRS, "'bl' (1)"),
    "text": (ONE_WAY, intercept(6).assign(site=list("abcabc")), PAIRS, "'site'"),
    "constant": ([5.0] * 6, intercept(6), PAIRS, "same value"),
    "no column": (ONE_WAY, intercept(6) * 0, PAIRS, "no column"),
    "one group": (ONE_WAY, intercept(6), ["a"] * 6, "one group"),
    "one row each": (ONE_WAY, intercept(6), list("abcdef"), "one row"),
    "parameters": (ONE_WAY[:4], intercept(4).assign(x=[1, 2, 3, 5]), list("aabb"), "4 parameters for 4 rows"),
    "exact": (3 * alternating(8), intercept(8).assign(x=alternating(8)), list("aabbccdd"), "last digit"),
    "no residual": (np.repeat([1.0, 4, 2], 2), intercept(6), PAIRS, "last digit"),
    "groups in design": (
        [1.0, 2, 5, 7, 3, 3.5],
        intercept(6).assign(b=[0, 0, 1, 1, 0, 0], c=[0, 0, 0, 0, 1, 1]),
        PAIRS,
        "all differences between groups",
    ),
    "too large": (ONE_WAY * 1e200, intercept(6), PAIRS, "change the unit"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_cannot_carry_the_model_are_refused_with_the_reason(case):
    """Data trouble is an answer for the statistician, never an exception."""
    outcome, design, groups, reason = REFUSED[case]
    fit = fit_random_effects(np.array(outcome), design, groups)
    assert fit.status is FitStatus.REFUSED
    assert reason in fit.reason
    assert not fit.ok
    assert np.isnan(fit.beta).all()
    assert fit.attempts == ()


def test_random_slopes_without_visits_to_estimate_them_are_refused():
    """Two rows and two random effects each leave nothing for the residual."""
    slopes = intercept(6).assign(time=alternating(6))
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS, slopes)
    assert "6 random effects ((Intercept), time) for 6 rows" in fit.reason
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS, intercept(6).assign(again=2.0))
    assert "again" in fit.reason


def test_arguments_of_different_length_are_a_mistake_of_the_caller():
    """This is not data trouble, so it is raised."""
    with pytest.raises(ValueError, match="rows"):
        fit_random_effects(ONE_WAY, intercept(5), PAIRS)
    with pytest.raises(ValueError, match="twice"):
        fit_random_effects(ONE_WAY, pd.DataFrame(np.ones((6, 2)), columns=["x", "x"]), PAIRS)


def test_a_slower_optimiser_is_skipped_once_the_maximum_is_reached():
    """powell and nm cost more than all the rest."""
    first, *rest = fit_random_effects(ONE_WAY, intercept(6), PAIRS).attempts
    assert (first.optimiser, first.converged) == ("bfgs", True)
    assert all("skipped" in attempt.message for attempt in rest)


def test_a_fit_that_statsmodels_cannot_make_is_still_verified_and_says_so(monkeypatch):
    """Its LinAlgError is recorded as the attempt's message."""

    def broken(*_, **__):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr("statsmodels.regression.mixed_linear_model.MixedLM.fit", broken)
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    assert fit.status is FitStatus.OK
    assert fit.optimiser == INDEPENDENT
    assert {attempt.message for attempt in fit.attempts} == {"LinAlgError: Singular matrix"}


def test_a_disagreement_of_the_two_least_squares_fails_the_fit(monkeypatch):
    """Half of one percent of a standard error is far beyond rounding."""
    right = random_effects_checks.mixed_model_equations

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        return replace(found, beta=found.beta + 0.005 * np.sqrt(np.diag(found.cov_beta)))

    monkeypatch.setattr(random_effects_fit, "mixed_model_equations", wrong)
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    assert fit.status is FitStatus.FAILED
    assert "5.0e-03 standard errors" in fit.reason
    assert np.isnan(fit.beta).all()


def test_a_disagreement_of_statsmodels_fails_the_fit(monkeypatch):
    """At the same covariance its fixed effects must be those of generalised least squares."""
    right = random_effects_fit.climbs

    def wrong(*arguments, **options):
        for climb in right(*arguments, **options):
            yield replace(climb, beta=climb.beta * 0 + 1)

    monkeypatch.setattr(random_effects_fit, "climbs", wrong)
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    assert fit.status is FitStatus.FAILED
    assert "statsmodels" in fit.reason


def test_a_point_that_is_no_maximum_fails_the_fit(monkeypatch):
    """The slope of the likelihood is looked at, not the optimiser's word."""
    right = random_effects_fit.maximise
    monkeypatch.setattr(
        random_effects_fit, "maximise", lambda *a, **k: replace(right(*a, **k), verified=False)
    )
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    assert fit.status is FitStatus.FAILED
    assert "No maximum" in fit.reason


def test_estimates_cannot_be_written_to():
    """A fit is a value."""
    fit = fit_random_effects(ONE_WAY, intercept(6), PAIRS)
    with pytest.raises(ValueError, match="read-only"):
        fit.beta[0] = 0
