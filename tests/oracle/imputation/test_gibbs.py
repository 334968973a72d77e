"""Gibbs draws against closed forms, and their sufficient statistics against residuals drawn one by one."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from analysis.imputation import Chains, Roles, after_last_observed, arranged, base_model
from analysis.imputation.gibbs import Sampler, drawn_by_gibbs
from analysis.imputation.refits import Refitter, unseen

SPEC = importlib.util.spec_from_file_location("slow_imputation", Path(__file__).with_name("slow.py"))
slow = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(slow)

ROLES = Roles("hours", "id", "visit", "arm", "UC", ["base*visit"], ["base"])
SIGMA = np.array([[2.0, 0.9, 0.6, 0.3], [0.9, 3.0, 1.2, 0.7], [0.6, 1.2, 2.5, 1.1], [0.3, 0.7, 1.1, 4.0]])


def complete():
    """Return a trial in which nothing is missing."""
    frame = slow.simulated(seed=3, n=40, gaps=0)
    rng = np.random.default_rng(4)
    return frame.assign(hours=frame["hours"].fillna(frame["base"]) + rng.normal(0, 2, len(frame)))


def drawn(frame, m, group=""):
    outcomes = arranged(frame, Roles(**{**_plain(ROLES), "group": group}))
    base = base_model(outcomes, after_last_observed(outcomes, "mar"))
    chains = Chains(n_chains=4, burn_in=200, thin=2)
    return base, drawn_by_gibbs(base, Refitter(base).grams, m, np.random.SeedSequence(8), chains, unseen)


def _plain(roles):
    return {name: getattr(roles, name) for name in roles.__dataclass_fields__}


def test_with_complete_data_the_posterior_is_the_closed_one():
    """Σ is inverse Wishart with n − k degrees of freedom, β normal about least squares: means within four errors."""
    frame = complete()
    base, found = drawn(frame, 2000)
    y = slow.matrix(frame)
    people = frame.drop_duplicates("id")
    order = np.argsort(people["id"].str[1:].astype(int).to_numpy())
    people = people.iloc[order]
    X = np.column_stack([np.ones(40), people["base"], people["arm"] == "SRT"]).astype(float)
    hat = np.linalg.lstsq(X, y, rcond=None)[0]
    S = (y - X @ hat).T @ (y - X @ hat)
    sigma, df = found.parameters.covariance[:, 0], 40 - 3
    error = sigma.std(0) / np.sqrt(2000 / 1.5)  # every second draw is nearly independent
    assert (np.abs(sigma.mean(0) - S / (df - 4 - 1)) < 4 * error).all()
    beta = found.parameters.b @ base.fit.fitted.back.T + base.fit.fitted.offset
    arm = list(base.fit.params.index).index("arm[T.UC]")
    effects = -beta[:, arm]
    scale = np.sqrt(S[0, 0] / (df - 4 - 1) * np.linalg.inv(X.T @ X)[2, 2])
    assert abs(effects.mean() - hat[2, 0]) < 4 * scale / np.sqrt(2000 / 1.5)
    assert effects.std() == pytest.approx(scale, rel=4 * np.sqrt(1 / 4000) * 1.5)


@pytest.mark.parametrize("count", [2, 3, 15])
def test_products_of_missing_residuals_are_drawn_as_residuals_would_be(count):
    """Mean and variance of every element over 40,000 draws, fewer participants than visits seen included."""
    rng, chains = np.random.default_rng(5), 40_000
    has = np.array([True, False, True, True]) if count != 3 else np.array([True, True, False, False])
    seen, gone = np.flatnonzero(has), np.flatnonzero(~has)
    residuals = rng.multivariate_normal(np.zeros(len(seen)), SIGMA[np.ix_(seen, seen)], count)
    products = np.zeros((chains, 4, 4))
    products[:, seen[:, None], seen] = residuals.T @ residuals
    sampler = Sampler(None, None, np.random.default_rng(6))
    found = sampler._filled(products, np.tile(SIGMA, (chains, 1, 1)), has, count)
    slope = SIGMA[np.ix_(gone, seen)] @ np.linalg.inv(SIGMA[np.ix_(seen, seen)])
    left = SIGMA[np.ix_(gone, gone)] - slope @ SIGMA[np.ix_(seen, gone)]
    noise = rng.multivariate_normal(np.zeros(len(gone)), left, (chains, count))
    whole = np.empty((chains, count, 4))
    whole[..., seen], whole[..., gone] = residuals, residuals @ slope.T + noise
    expected = whole.swapaxes(1, 2) @ whole
    error = np.sqrt((found.var(0) + expected.var(0)) / chains) + 1e-12
    assert (np.abs(found.mean(0) - expected.mean(0)) < 4.5 * error).all()
    np.testing.assert_allclose(found.std(0), expected.std(0), rtol=0.04, atol=1e-9)


@pytest.mark.parametrize("group", ["", "arm"])
def test_the_posterior_mean_is_near_the_restricted_likelihoods_estimate(group):
    """With dropout: β within a tenth of a standard error, its spread within a tenth: terms of order 1/n."""
    base, found = drawn(slow.simulated(n=160, seed=9), 1000, group)
    phi = base.fit.fitted.phi * base.fit.fitted.unit**2
    b, se = base.parameters.b[0], np.sqrt(np.diag(phi))
    assert (np.abs(found.parameters.b.mean(0) - b) < 0.15 * se).all()
    np.testing.assert_allclose(found.parameters.b.std(0), se, rtol=0.12)
    assert found.diagnostics["rhat"] < 1.02
