"""A factor whose levels are turned and absorbed [RE-14] against the same factor as columns in Henderson's equations."""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM, prepare


@pytest.fixture
def data():
    """Forty people of one to six rows at seven sites, with weights, and residual variances that differ by arm."""
    rng = np.random.default_rng(20261123)
    person = np.repeat(np.arange(40), rng.integers(1, 7, 40))
    arm, size = person % 2, len(person)
    time = rng.integers(0, 4, size).astype(float)
    intercept, slope = rng.normal(0, 1.5, 40), rng.normal(0, 0.7, 40)
    y = 3 + time * 0.4 + arm + intercept[person] + slope[person] * time + rng.normal(0, 1 + arm, size)
    return pd.DataFrame(
        {
            "y": y,
            "time": time,
            "arm": np.array(["UC", "SRT"])[arm],
            "person": person,
            "site": person % 7,
            "weight": rng.uniform(0.5, 2.0, size),
        }
    )


LAYOUTS = {
    "intercept": {"random": ["person"]},
    "slope": {"random": {"person": "1 + time"}},
    "crossed": {"random": {"person": "1 + time", "site": "1"}},
    "in one arm": {"random": {"person": "arm == 'SRT'"}},
    "by group": {"random": ["person"], "group": "arm"},
    "weighted": {"random": {"person": "1 + time"}, "weights": "weight"},
    "slope by group, in one arm": {"random": {"person": "1 + time | arm == 'SRT'"}, "group": "arm"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite", "between-within"])
def test_absorbing_a_factor_changes_no_result(data, layout, df, monkeypatch):
    """The turn is orthogonal: the likelihood and everything derived from it are the same function."""
    fits = []
    for decide in (prepare.absorbable, lambda *_: None):
        monkeypatch.setattr(prepare, "absorbable", decide)
        fits.append(MMRM.from_formula("y ~ time * arm", data, **LAYOUTS[layout]).fit(df=df))
    ours, theirs = fits
    assert ours.model.data.absorbed == "person"
    assert theirs.model.data.absorbed is None
    assert ours.convergence.status == theirs.convergence.status == "converged"
    for name in ("params", "bse", "df", "llf", "aic", "bic"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, err_msg=name)
    same = {"rtol": 1e-7, "atol": 1e-9}
    pd.testing.assert_series_equal(
        ours.theta.sort_index(), theirs.theta.sort_index(), check_exact=False, **same
    )
    np.testing.assert_allclose(ours.residuals(), theirs.residuals(), **same)
    keys = ["component", "level", "coefficient"]
    blups = [fit.blups().sort_values(keys, ignore_index=True) for fit in fits]
    pd.testing.assert_frame_equal(*blups, check_exact=False, **same)


def test_thousands_of_levels_cost_no_columns():
    """Beside the fixed effects there is the outcome alone."""
    person = np.repeat(np.arange(3000), 3)
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"y": rng.normal(size=9000) + rng.normal(size=3000)[person], "person": person})
    fit = MMRM.from_formula("y ~ 1", data, random=["person"]).fit()
    assert fit.convergence.ok
    assert fit.model.problem.grams.width == 2
    assert len(fit.blups()) == 3000
