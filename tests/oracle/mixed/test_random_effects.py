"""Random effects by Henderson's equations held against V built in full; us + therapist is in no R package."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM
from analysis.mixed.covariance import STRUCTURES

SPEC = importlib.util.spec_from_file_location("dense", Path(__file__).with_name("dense.py"))
dense = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(dense)

FORMULA = "y ~ base*C(visit) + arm*C(visit)"


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """48 participants of 4 sites, 3 visits at times of their own, one arm treated by 6 therapists, a sixth missing."""
    rng = np.random.default_rng(11)
    n, visits = 48, 3
    treated = np.arange(n) % 2 == 0
    site, therapist = rng.integers(0, 4, n), rng.integers(0, 6, n)
    base = rng.normal(10, 2, n)
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), visits),
            "visit": np.tile(np.arange(1, visits + 1), n),
            "arm": np.repeat(np.where(treated, "SRT", "UC"), visits),
            "site": np.repeat([f"s{number}" for number in site], visits),
            "therapist": np.repeat(np.where(treated, [f"t{number}" for number in therapist], None), visits),
            "base": np.repeat(base, visits),
        }
    )
    frame["month"] = 6.0 * frame["visit"]
    frame["time"] = frame["month"] + rng.integers(-1, 2, len(frame))
    level = 1.2 * rng.normal(size=6)[therapist] * treated + 0.8 * rng.normal(size=4)[site]
    slope = 0.15 * rng.normal(size=n)
    noise = rng.normal(size=(n, visits)) * np.array([1.0, 1.3, 1.7]) + 1.1 * rng.normal(size=n)[:, None]
    trend = slope[:, None] * frame["time"].to_numpy().reshape(n, visits)
    frame["y"] = (0.5 * base[:, None] + level[:, None] + trend + noise).ravel()
    return frame[rng.random(len(frame)) > 1 / 6].reset_index(drop=True)


INTERCEPT = {"id": "1"}
LAYOUTS = {
    "us + therapist in one arm": ("us", None, {"therapist": "arm == 'SRT'"}),
    "us by arm + therapist in one arm": ("us", "arm", {"therapist": "arm == 'SRT'"}),
    "ar1h + site + therapist": ("ar1h", None, {"site": "1", "therapist": "arm == 'SRT'"}),
    "toeph + site with a slope": ("toeph", None, {"site": "1 + month"}),
    "iid + participant intercept + site": ("iid", None, {"id": "1", "site": "1"}),
    "iid by arm + participant intercept and slope": ("iid", "arm", {"id": "1 + month"}),
    "diag + participant intercept and slope at times of their own": ("diag", None, {"id": "1 + time"}),
    "ar1 + participant intercept in one arm + therapist": (
        "ar1",
        None,
        {"id": "1 | arm == 'SRT'", "therapist": "arm == 'SRT'"},
    ),
}


def oracle_of(model: MMRM):
    """V in full: a block per participant, plus Z G0 Z' of every component, from the frame alone."""
    frame, structure = model.frame, STRUCTURES[model.covariance](len(model.visits))
    at = (frame["visit"] - 1).to_numpy()
    same = frame["id"].to_numpy()[:, None] == frame["id"].to_numpy()
    group = np.zeros(len(frame), dtype=int)
    if len(model.groups) > 1:
        group = (frame["arm"].astype(str) == str(model.groups[1])).astype(int).to_numpy()
    layers = []
    for component in sorted(model.data.components, key=lambda one: one.term.key != "id"):
        acts, names = component.level >= 0, component.block.coefficients
        z = (
            np.column_stack([np.ones(len(frame)) if name == "1" else frame[name] for name in names])
            * acts[:, None]
        )
        label = frame[component.term.key].astype(str).to_numpy()
        layers.append((z, label[:, None] == label))

    def V(theta: np.ndarray) -> np.ndarray:  # noqa: N802
        size = len(structure.is_scale) * len(model.groups)
        blocks = [structure.evaluate(own).value for own in theta[:size].reshape(len(model.groups), -1)]
        full = np.stack([block[np.ix_(at, at)] for block in blocks])
        total = np.where(same, full[group, np.arange(len(at))], 0.0)
        position = size
        for z, equal in layers:
            k = z.shape[1]
            small = np.zeros((k, k))
            small[np.tril_indices(k)] = theta[position : position + k * (k + 1) // 2]
            small = small + np.tril(small, -1).T
            total = total + np.where(equal, z @ small @ z.T, 0.0)
            position += k * (k + 1) // 2
        return total

    return dense.Dense(model.design.X, model.design.y, V)


def model_of(trial: pd.DataFrame, layout: str) -> MMRM:
    structure, group, random = LAYOUTS[layout]
    return MMRM.from_formula(
        FORMULA, trial, subject="id", visit="visit", covariance=structure, group=group, random=random
    )


def steps_of(theta: np.ndarray, size: float) -> np.ndarray:
    return size * np.maximum(np.abs(theta), 0.01)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_likelihood_gradient_and_hessian_are_the_oracles(trial, layout, method):
    """At a point away from the optimum: value to 1e-9, derivatives to the error of numerical ones."""
    model = model_of(trial, layout)
    theta = model.fit(method, df="residual").theta.to_numpy()
    correlation = np.array([name.startswith("correlation") for name in model.fit(df="residual").theta.index])
    theta = np.where(correlation, 0.8 * theta, 1.1 * np.where(np.abs(theta) < 1e-3, 0.002, theta))
    fit, oracle = model.fit(method, df="residual", theta=theta), oracle_of(model)

    def llf(at):
        return oracle.log_likelihood(at, reml=method == "reml")

    at = fit.fitted
    unit = np.where(at.likelihood.is_scale, at.unit**2, 1.0)
    assert fit.llf == pytest.approx(llf(theta), abs=1e-9)
    np.testing.assert_allclose(fit.params, oracle.beta(theta), rtol=1e-9)
    np.testing.assert_allclose(fit.cov_params(), oracle.phi(theta), rtol=1e-8, atol=1e-11)
    gradient = dense.gradient(llf, theta, steps_of(theta, 1e-4))
    size = np.abs(gradient).max()
    np.testing.assert_allclose(
        -0.5 * at.optimum.slopes.gradient / unit, gradient, rtol=1e-5, atol=1e-6 * size
    )
    hessian = dense.hessian(llf, theta, steps_of(theta, 1e-3))
    ours = -0.5 * at.optimum.slopes.hessian / np.outer(unit, unit)
    scale = np.sqrt(np.outer(np.abs(np.diag(hessian)), np.abs(np.diag(hessian))))
    np.testing.assert_allclose(ours / scale, hessian / scale, atol=3e-4)


@pytest.mark.parametrize("information", ["observed", "expected"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_kenward_roger_is_the_papers_formula(trial, layout, information):
    """At given parameters, so that a component at the boundary does not hide its terms."""
    model = model_of(trial, layout)
    theta = model.fit(df="residual").theta.to_numpy()
    theta = np.where(np.abs(theta) < 1e-3, 0.05, theta)
    fit = model.fit(information=information, theta=theta)
    paper = oracle_of(model).kenward_roger(theta, information=information)
    np.testing.assert_allclose(fit.bse, np.sqrt(np.diag(paper.phi_a)), rtol=1e-4)
    L = np.eye(len(fit.params))
    for rows in (L[4:5], L[[4, 6]]):
        scale, df = paper.scale_and_df(rows)
        estimate = rows @ fit.params.to_numpy()
        wald = estimate @ np.linalg.solve(rows @ paper.phi_a @ rows.T, estimate) / len(rows)
        test = fit.f_test(rows)
        assert test.denominator_df == pytest.approx(df, rel=1e-3)
        assert test.statistic == pytest.approx(scale * wald, rel=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_optimum_is_one(trial, layout):
    """No component can be moved, within its bounds, to a higher likelihood."""
    model = model_of(trial, layout)
    fit = model.fit(df="residual")
    oracle, theta = oracle_of(model), fit.theta.to_numpy()
    assert fit.convergence.ok
    best = oracle.log_likelihood(theta, reml=True)
    held = fit.theta.index.isin(fit.convergence.at_boundary)
    for move in np.diag(steps_of(theta, 1e-2))[~held]:
        assert oracle.log_likelihood(theta + move, reml=True) < best
        assert oracle.log_likelihood(theta - move, reml=True) < best
    for move in np.diag(steps_of(theta, 1e-2))[held & (theta == 0.0)]:
        assert oracle.log_likelihood(theta + move, reml=True) < best
