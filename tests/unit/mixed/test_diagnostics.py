"""Predictions, residuals, influence and likelihood-ratio tests, each by another road."""

import pickle

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM, MeaninglessRequestError
from analysis.mixed.gram import RowCodes, patterns, sum_grams

FORMULA = "y ~ base + arm*visit"
THERAPIST = {"therapist": "arm == 'SRT'"}


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    """40 participants, 3 visits, 5 sites, some values missing."""
    rng = np.random.default_rng(5)
    n = 40
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"p{number}" for number in range(n)], 3),
            "visit": np.tile(["m0", "m6", "m12"], n),
            "arm": np.repeat(["UC", "SRT"], 3 * n // 2),
            "base": np.repeat(rng.normal(size=n), 3),
            "site": np.repeat(rng.choice(list("abcde"), n), 3),
            "therapist": np.repeat(rng.choice(list("uvwxyz"), n), 3),
            "weight": rng.uniform(0.5, 2.0, 3 * n),
        }
    )
    frame["month"] = frame["visit"].str[1:].astype(float)
    frame.loc[frame["arm"] == "UC", "therapist"] = None
    site = frame["site"].map(dict(zip("abcde", rng.normal(size=5), strict=True)))
    frame["y"] = frame["base"] + site + np.repeat(rng.normal(size=n), 3) + rng.normal(size=3 * n)
    return frame[rng.random(3 * n) > 0.15].reset_index(drop=True)


def fitted(frame, formula=FORMULA, method="reml", df="satterthwaite", **options):
    return MMRM.from_formula(formula, frame, subject="id", visit="visit", **options).fit(method, df=df)


def mixed_model_equations(fit, Z: np.ndarray, G: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Henderson's equations solved outright: coefficients, and the prediction variances."""
    X, y = fit.model.design.X, fit.model.design.y
    both = np.column_stack([X, Z])
    left = both.T @ both / sigma
    left[X.shape[1] :, X.shape[1] :] += np.linalg.inv(G)
    inverse = np.linalg.inv(left)
    solution = inverse @ both.T @ y / sigma
    return solution[X.shape[1] :], np.diag(inverse)[X.shape[1] :]


def test_blups_of_shared_and_own_effects_solve_hendersons_equations(trial):
    fit = fitted(trial, covariance="iid", random={"id": "1 + month", "site": "1"})
    table = fit.blups()
    frame, variances = fit.model.frame, fit.random_effects_variances
    people, sites = sorted(set(frame["id"]), key=lambda one: int(one[1:])), list("abcde")
    own = np.concatenate(
        [[frame["id"] == one, (frame["id"] == one) * frame["month"]] for one in people]
    ).T.astype(float)
    shared = np.stack([frame["site"] == one for one in sites]).T.astype(float)
    small = np.array([[variances.iloc[0], variances.iloc[1]], [variances.iloc[1], variances.iloc[2]]])
    small = small + 1e-9 * np.eye(2)  # the fit may be singular, which the outright solution cannot be
    G = np.zeros((2 * len(people) + 5,) * 2)
    G[:-5, :-5] = np.kron(np.eye(len(people)), small)
    G[-5:, -5:] = variances.iloc[3] * np.eye(5)
    estimate, variance = mixed_model_equations(fit, np.column_stack([own, shared]), G, fit.theta.iloc[0])
    np.testing.assert_allclose(table["estimate"], estimate, atol=1e-6)
    np.testing.assert_allclose(table["se"], np.sqrt(variance), atol=1e-4)
    assert table["component"].unique().tolist() == ["id", "site"]


def test_blups_of_therapists_in_one_arm(trial):
    fit = fitted(trial, covariance="us", random=THERAPIST)
    table = fit.blups()
    assert table["level"].tolist() == sorted(trial["therapist"].dropna().unique())
    assert (table["se"] <= np.sqrt(fit.random_effects_variances.iloc[0]) + 1e-12).all()


def test_residuals_are_outcome_less_prediction_also_with_weights(trial):
    for weights in (None, "weight"):
        fit = fitted(trial, weights=weights)
        expected = fit.model.design.y - fit.model.design.X @ fit.params.to_numpy()
        np.testing.assert_allclose(fit.residuals(), expected, atol=1e-10)


def test_influence_is_the_change_on_leaving_a_participant_out(trial):
    """theta is kept, so the model without the participant is fitted at the same theta."""
    fit = fitted(trial)
    table = fit.influence("id")
    for person in ("p0", "p17", "p39"):
        rest = MMRM.from_formula(FORMULA, trial[trial["id"] != person], subject="id", visit="visit")
        change = rest.fit(df="satterthwaite", theta=fit.theta.to_numpy()).params - fit.params
        np.testing.assert_allclose(table.loc[person, fit.params.index], change, atol=1e-10)
    assert table["leverage"].sum() == pytest.approx(len(fit.params))


def test_influence_is_refused_where_participants_are_not_independent(trial):
    with pytest.raises(MeaninglessRequestError, match="make them dependent"):
        fitted(trial, random=["site"]).influence("id")


def test_likelihood_ratio_of_nested_models(trial):
    small, large = (fitted(trial, covariance=name) for name in ("cs", "us"))
    test = large.lrt(small)
    assert test == small.lrt(large)
    assert test.df == 4
    assert test.statistic == pytest.approx(2 * (large.llf - small.llf))
    fixed = fitted(trial, "y ~ base + visit", "ml").lrt(fitted(trial, method="ml"))
    assert fixed.df == 3


def test_likelihood_ratios_without_meaning_are_refused(trial):
    fit = fitted(trial)
    with pytest.raises(MeaninglessRequestError, match="different fixed effects"):
        fit.lrt(fitted(trial, "y ~ base + visit"))
    with pytest.raises(MeaninglessRequestError, match="REML and the other by ML"):
        fit.lrt(fitted(trial, method="ml"))
    with pytest.raises(MeaninglessRequestError, match="observations"):
        fit.lrt(fitted(trial.iloc[:-6], covariance="cs"))
    with pytest.raises(MeaninglessRequestError, match="as many parameters"):
        fit.lrt(fitted(trial))


def test_a_recoded_design_spans_the_same_space_and_may_be_compared(trial):
    other = fitted(trial, "y ~ base + C(arm, contr.sum)*C(visit, contr.sum)", covariance="cs")
    assert fitted(trial).lrt(other).df == 4


def test_grams_add_subtract_and_pickle():
    """Two halves make the whole, and the whole less one half is the other."""
    rng = np.random.default_rng(1)
    subject, visit = np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20)
    kept = rng.random(60) > 0.2
    subject, visit = subject[kept], visit[kept]
    columns = rng.normal(size=(kept.sum(), 4))

    def total(rows):
        people = np.unique(subject[rows], return_inverse=True)[1]
        codes = RowCodes(people, visit[rows], np.zeros(rows.sum(), dtype=np.intp), people.max() + 1, 3, 1)
        return sum_grams(columns[rows], patterns(codes), 3, 1)

    first = subject < 11
    whole, half, rest = total(first | True), total(first), pickle.loads(pickle.dumps(total(~first)))
    for sums in (half + rest, rest + half):
        assert sums.counts == whole.counts
        for key, own in whole.sums.items():
            np.testing.assert_allclose(sums.sums[key], own, atol=1e-12)
    assert (whole - half).counts == rest.counts


def test_more_visits_than_bits_in_a_word():
    """70 visits: patterns are told apart beyond the first 32 and 64."""
    rng = np.random.default_rng(2)
    has = rng.random((30, 70)) > 0.5
    has[1], has[2] = has[0], has[0]
    has[2, 69] = ~has[2, 69]
    subject, visit = np.nonzero(has)
    codes = RowCodes(subject, visit, np.zeros(len(subject), dtype=np.intp), 30, 70, 1)
    found = patterns(codes)
    assert sum(len(one.rows) for one in found) == 30
    assert len(found) == 29
    for one in found:
        for rows in one.rows:
            assert len(set(subject[rows])) == 1
            np.testing.assert_array_equal(visit[rows], one.visits)
            np.testing.assert_array_equal(np.flatnonzero(has[subject[rows[0]]]), one.visits)


def test_a_fallback_is_taken_in_order_and_its_reason_kept():
    """One participant fewer than visits need: us is singular, a simpler structure is found."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(5), 6),
            "visit": np.tile(np.arange(6), 5),
            "x": np.repeat(rng.normal(size=5), 6),
        }
    )
    frame["y"] = np.repeat(rng.normal(size=5), 6) + rng.normal(size=30)
    model = MMRM.from_formula("y ~ 1", frame, subject="id", visit="visit")
    fit = model.fit(df="satterthwaite", fallback=("toeph", "ar1h", "csh", "cs"))
    assert fit.convergence.ok
    assert fit.covariance_structure != "us"
    assert fit.failed_attempts["us"]
    assert "covariance us was left" in fit.summary()
