"""The engine held against an oracle that builds V in full and differentiates numerically."""

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
    """24 participants, 3 visits, a fifth of the values missing, two arms with different variances."""
    rng = np.random.default_rng(20)
    n, visits = 24, 3
    arm = np.repeat(["A", "B"], n // 2)
    base = rng.normal(10, 2, n)
    shared = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), visits),
            "visit": np.tile(np.arange(1, visits + 1), n),
            "arm": np.repeat(arm, visits),
            "base": np.repeat(base, visits),
        }
    )
    noise = rng.normal(size=(n, visits)) * np.array([1.0, 1.3, 1.7]) + 1.2 * shared[:, None]
    frame["y"] = (0.5 * base[:, None] + (arm == "B")[:, None] * np.arange(visits) + noise).ravel()
    return frame[rng.random(len(frame)) > 0.2].reset_index(drop=True)


def oracle_of(model: MMRM):
    """The same model with V in full: rows of one participant share their structure's block."""
    frame, structure = model.frame, STRUCTURES[model.covariance](len(model.visits))
    at = frame["visit"].map({visit: number for number, visit in enumerate(model.visits)}).to_numpy()
    same = frame["__subject__"].to_numpy()[:, None] == frame["__subject__"].to_numpy()
    group = np.zeros(len(frame), dtype=int)
    if len(model.groups) > 1:
        group = (
            frame["arm"]
            .map({name: number for number, name in enumerate(model.groups)})
            .astype(int)
            .to_numpy()
        )

    def V(theta: np.ndarray) -> np.ndarray:  # noqa: N802
        blocks = [structure.evaluate(own).value for own in theta.reshape(len(model.groups), -1)]
        full = np.stack([block[np.ix_(at, at)] for block in blocks])
        return np.where(same, full[group, np.arange(len(at))], 0.0)

    return dense.Dense(model.design.X, model.design.y, V)


CASES = [(name, None) for name in STRUCTURES] + [("us", "arm"), ("ar1h", "arm"), ("sp_exp", "arm")]


@pytest.mark.parametrize(("structure", "group"), CASES)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_likelihood_estimates_and_optimum_are_the_oracles(trial, structure, group, method):
    """Log-likelihood to 1e-9; at the optimum the oracle's numerical gradient is zero to its own error."""
    model = MMRM.from_formula(FORMULA, trial, subject="id", visit="visit", covariance=structure, group=group)
    fit = model.fit(method, df="residual")
    oracle, theta = oracle_of(model), fit.theta.to_numpy()
    assert fit.convergence.ok
    assert fit.llf == pytest.approx(oracle.log_likelihood(theta, reml=method == "reml"), abs=1e-9)
    np.testing.assert_allclose(fit.params, oracle.beta(theta), rtol=1e-9)
    np.testing.assert_allclose(fit.cov_params(), oracle.phi(theta), rtol=1e-8, atol=1e-12)
    steps = 1e-4 * np.maximum(np.abs(theta), 0.1)
    slope = dense.gradient(lambda at: oracle.log_likelihood(at, reml=method == "reml"), theta, steps)
    np.testing.assert_allclose(slope, 0.0, atol=1e-5)


@pytest.mark.parametrize(("structure", "group"), CASES)
def test_gradient_and_hessian_are_the_oracles_away_from_the_optimum(trial, structure, group):
    """Analytic against numerical, in the outcome's units; 1e-5 is the numerical error."""
    model = MMRM.from_formula(FORMULA, trial, subject="id", visit="visit", covariance=structure, group=group)
    theta = model.fit(df="residual").theta.to_numpy()
    scale = np.array(STRUCTURES[structure](3).is_scale * len(model.groups))
    away = np.where(scale, 1.1 * theta, 0.8 * theta)
    for method in ("reml", "ml"):
        at = model.fit(method, df="residual", theta=away).fitted
        unit = np.where(scale, at.unit**2, 1.0)
        oracle = oracle_of(model)

        def llf(t, oracle=oracle, method=method):
            return oracle.log_likelihood(t, reml=method == "reml")

        steps = 1e-5 * np.maximum(np.abs(away), 0.1)
        np.testing.assert_allclose(
            -0.5 * at.optimum.slopes.gradient / unit, dense.gradient(llf, away, steps), rtol=1e-5, atol=1e-5
        )
        np.testing.assert_allclose(
            -0.5 * at.optimum.slopes.hessian / np.outer(unit, unit),
            dense.hessian(llf, away, 1e-4 * np.maximum(np.abs(away), 0.1)),
            rtol=1e-4,
            atol=1e-4,
        )


@pytest.mark.parametrize("information", ["observed", "expected"])
@pytest.mark.parametrize(("structure", "group"), CASES)
def test_kenward_roger_is_the_papers_formula(trial, structure, group, information):
    """Adjusted standard errors, and lambda F with its df for one and for two contrasts."""
    model = MMRM.from_formula(FORMULA, trial, subject="id", visit="visit", covariance=structure, group=group)
    fit = model.fit(information=information)
    paper = oracle_of(model).kenward_roger(fit.theta.to_numpy(), information=information)
    np.testing.assert_allclose(fit.bse, np.sqrt(np.diag(paper.phi_a)), rtol=1e-5)
    L = np.eye(len(fit.params))
    for rows in (L[4:5], L[4:6], L[[1, 4, 6]]):
        scale, df = paper.scale_and_df(rows)
        estimate = rows @ fit.params.to_numpy()
        wald = estimate @ np.linalg.solve(rows @ paper.phi_a @ rows.T, estimate) / len(rows)
        test = fit.f_test(rows)
        assert test.denominator_df == pytest.approx(df, rel=1e-4)
        assert test.statistic == pytest.approx(scale * wald, rel=1e-5)
    single = fit.f_test(L[4])
    assert single.denominator_df == pytest.approx(fit.df.iloc[4], rel=1e-9)
    assert single.statistic == pytest.approx(fit.tvalues.iloc[4] ** 2, rel=1e-9)
