"""Leaving each participant out on the Grams held against the slow road: fitting the data without them."""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM
from analysis.mixed.errors import MeaninglessRequestError

FORMULA = "y ~ base + arm*C(visit)"
TOLERANCE = 1e-7  # both roads stop at a scaled gradient of 1e-8
N = 20


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """20 participants, 3 visits, the last or the last two lost to dropout in every fourth."""
    rng = np.random.default_rng(5)
    visits = np.arange(3)
    base, arm = rng.normal(10, 2, N), np.arange(N) % 2
    noise = rng.normal(size=(N, 3)) * np.array([1.0, 1.2, 1.5]) + 1.5 * rng.normal(size=N)[:, None]
    y = 5.0 + 0.5 * base[:, None] + 0.4 * arm[:, None] * visits + noise
    stays = np.where(np.arange(N) % 4 == 1, 1 + np.arange(N) // 4 % 2, 3)
    person, visit = np.nonzero(visits < stays[:, None])
    frame = pd.DataFrame(
        {"id": person + 100, "visit": visit + 1, "arm": np.array(["UC", "SRT"])[arm[person]]}
    )
    frame["site"] = np.array(["a", "b"])[person // 2 % 2]
    frame["weight"] = 1.0 + 0.5 * (visit == 1)
    return frame.assign(base=base[person], y=y[person, visit], month=6.0 * visit)


def model(data: pd.DataFrame, **options: object) -> MMRM:
    return MMRM.from_formula(**{"formula": FORMULA, "subject": "id", "visit": "visit", **options}, data=data)


def brute_force(data: pd.DataFrame, method: str, **options: object) -> pd.DataFrame:
    fits = {
        person: model(data[data["id"] != person], **options).fit(method, df="residual")
        for person in data["id"].unique()
    }
    assert all(fit.convergence.ok for fit in fits.values())
    return pd.DataFrame({person: pd.concat([fit.params, fit.theta]) for person, fit in fits.items()}).T


LAYOUTS = {
    "us": {"covariance": "us"},
    "ar1h": {"covariance": "ar1h"},
    "ar1 by arm": {"covariance": "ar1", "group": "arm"},
    "cs with weights": {"covariance": "cs", "weights": "weight"},
    "sp_exp": {"covariance": "sp_exp", "times": "month"},
    "participant intercept": {"random": ["id"]},
    "an outcome far from zero": {"covariance": "us", "formula": "I(y + 1e6) ~ base + arm*C(visit)"},
    "a collinear column": {"covariance": "csh", "formula": "y ~ base + I(2*base) + arm*C(visit)"},
}


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_leaving_out_equals_fitting_the_data_without_the_participant(
    trial: pd.DataFrame, layout: str, method: str
):
    """Same participants in the same order; within the rounding of two searches."""
    options = LAYOUTS[layout]
    left_out = model(trial, **options).fit(method).leave_one_out()
    expected = brute_force(trial, method, **options)
    assert (left_out["status"] == "converged").all()
    assert list(left_out.index) == list(expected.index)
    assert left_out.index.name == "id"
    np.testing.assert_allclose(left_out[expected.columns], expected, rtol=TOLERANCE, atol=1e-9)


def test_the_jackknife_is_the_spread_of_the_refits(trial: pd.DataFrame):
    """By its formula, from the slow road's refits."""
    fit = model(trial).fit()
    expected = brute_force(trial, "reml")[list(fit.params.index)]
    found = fit.jackknife()
    np.testing.assert_allclose(
        found["se"], np.sqrt((N - 1) ** 2 / N * expected.var(ddof=1)), rtol=TOLERANCE
    )  # (n-1)/n times the sum of squares, which is n-1 variances
    np.testing.assert_allclose(found["bias"], (N - 1) * (expected.mean() - fit.params), atol=1e-6)
    assert (found["n"] == N).all()
    assert (found["n_failed"] == 0).all()


def test_a_participant_on_whom_a_column_depends_is_a_row_of_nan(trial: pd.DataFrame):
    """The only one of a site: the reason is in the row, the others are as ever, and the jackknife counts it."""
    alone = trial.assign(site=np.where(trial["id"] == 103, "c", trial["site"]))
    fit = model(alone, formula="y ~ site + arm*C(visit)").fit()
    left_out = fit.leave_one_out()
    values = left_out.drop(columns="status")
    assert left_out.loc[103, "status"].startswith("not estimable")
    assert values.loc[103].isna().all()
    assert values.drop(index=103).notna().all(axis=None)
    table = fit.jackknife()
    assert (table["n_failed"] == 1).all()
    assert (table["n"] == N - 1).all()


def test_a_participant_on_whom_a_covariance_depends_is_a_row_of_nan(trial: pd.DataFrame):
    """The only one seen at visits 1 and 3 both: without them `us` has no information on that covariance."""
    other = (trial["visit"] == 3) & (trial["id"] != 100)
    pairs = trial[~other | trial["id"].isin([102, 104, 106])]
    pairs = pairs[~((pairs["visit"] == 1) & pairs["id"].isin([102, 104, 106]))]
    fit = model(pairs, formula="y ~ base + C(visit)").fit(df="residual")
    assert "never observed in the same participant" in fit.leave_one_out().loc[100, "status"]


def test_parameters_given_by_the_user_stay_as_given(trial: pd.DataFrame):
    """Then the exact change of the coefficients is that of `influence`."""
    theta = model(trial).fit().theta.to_numpy()
    fit = model(trial).fit(theta=theta)
    left_out = fit.leave_one_out()
    assert (left_out["status"] == "fixed").all()
    change = left_out[list(fit.params.index)] - fit.params
    np.testing.assert_allclose(change, fit.influence("id")[list(fit.params.index)], atol=1e-9)


@pytest.mark.parametrize(
    "options", [{"random": ["site"]}, {"subject": None, "visit": None, "random": ["site"]}]
)
def test_random_effects_that_participants_share_are_refused(trial: pd.DataFrame, options: dict[str, object]):
    """One participant cannot be subtracted from sums that hold them beside others."""
    fit = model(trial, covariance="iid", **options).fit(df="residual")
    with pytest.raises(MeaninglessRequestError, match="leave_one_out"):
        fit.leave_one_out()
