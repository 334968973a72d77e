"""What must not change, or change in a known way, when data are recoded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.mixed import MMRM

FORMULA = "y ~ base*visit + arm*visit"
STRUCTURES = ["us", "csh", "ar1h", "toeph", "adh"]


def trial(seed: int = 7, n: int = 30, missing: float = 0.15) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), 3),
            "visit": np.tile(["a", "b", "c"], n),
            "arm": np.repeat(rng.permutation(["T", "U"] * (n // 2)), 3),
            "base": np.repeat(rng.integers(-20, 20, n), 3).astype(float),
        }
    )
    shared = np.repeat(rng.normal(size=n), 3)
    frame["y"] = 0.1 * frame["base"] + shared + rng.normal(size=3 * n) * np.tile([1.0, 1.2, 1.5], n)
    return frame[rng.random(3 * n) >= missing].reset_index(drop=True)


def fitted(frame: pd.DataFrame, covariance: str = "us", formula: str = FORMULA, **options):
    return MMRM.from_formula(formula, frame, subject="id", visit="visit", covariance=covariance).fit(
        **options
    )


def same(one: pd.DataFrame, other: pd.DataFrame, rtol: float = 1e-7) -> None:
    columns = ["estimate", "se", "df"]
    np.testing.assert_allclose(one[columns], other[columns], rtol=rtol)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), covariance=st.sampled_from(STRUCTURES))
def test_the_order_of_rows_and_the_names_of_participants_do_not_matter(seed, covariance):
    frame, rng = trial(), np.random.default_rng(seed)
    names = rng.permutation(10_000)[: frame["id"].max() + 1]
    shuffled = frame.assign(id=names[frame["id"]]).sample(frac=1.0, random_state=seed % 2**31)
    one, other = fitted(frame, covariance), fitted(shuffled, covariance)
    assert one.llf == pytest.approx(other.llf, abs=1e-9)
    same(one.contrasts("arm", by="visit"), other.contrasts("arm", by="visit"))


@settings(max_examples=15, deadline=None)
@given(
    shift=st.floats(-1e6, 1e6),
    scale=st.floats(1e-6, 1e6),
    covariance=st.sampled_from(STRUCTURES),
)
def test_the_unit_and_origin_of_the_outcome_only_rescale(shift, scale, covariance):
    frame = trial()
    one, other = fitted(frame, covariance), fitted(frame.assign(y=shift + scale * frame["y"]), covariance)
    first, second = one.contrasts("arm", by="visit"), other.contrasts("arm", by="visit")
    precision = 1e-7 + 1e-11 * abs(shift) / scale  # digits the shifted outcome itself has lost
    size = np.abs(first["estimate"]).max()
    np.testing.assert_allclose(second["estimate"] / scale, first["estimate"], atol=precision * size)
    np.testing.assert_allclose(second["se"] / scale, first["se"], rtol=precision)
    np.testing.assert_allclose(second["df"], first["df"], rtol=10 * precision)
    rank, rows = one.model.problem.rank, one.nobs
    assert other.llf + (rows - rank) * np.log(scale) == pytest.approx(one.llf, abs=1e-6 + 1e2 * precision)


@settings(max_examples=10, deadline=None)
@given(shift=st.floats(-1e4, 1e4), scale=st.floats(1e-6, 1e6))
def test_the_unit_and_origin_of_a_covariate_do_not_matter(shift, scale):
    frame = trial()
    one, other = fitted(frame), fitted(frame.assign(base=shift + scale * frame["base"]))
    precision = 1e-6 + 1e-14 * abs(shift) / scale  # digits the shifted covariate itself has lost
    same(one.contrasts("arm", by="visit"), other.contrasts("arm", by="visit"), rtol=precision)
    same(one.emmeans("arm", by="visit"), other.emmeans("arm", by="visit"), rtol=precision)


@pytest.mark.parametrize("formula", ["y ~ base + arm*visit", "y ~ base*visit + arm*visit"])
@pytest.mark.parametrize(("shift", "scale"), [(1e8, 1.0), (0.0, 1e-6), (-1e8, 1.0), (0.0, 1e12)])
def test_an_offset_of_1e8_or_a_covariate_in_1e_minus_6_units_loses_nothing(formula, shift, scale):
    """The integers of `base` stay exact at 1e8, so every digit beyond 1e-8 of a standard error must agree."""
    frame = trial()
    one, other = (
        fitted(frame, formula=formula),
        fitted(frame.assign(base=shift + scale * frame["base"]), formula=formula),
    )
    assert other.model.notes == one.model.notes
    first, second = one.contrasts("arm", by="visit"), other.contrasts("arm", by="visit")
    np.testing.assert_allclose(second["estimate"], first["estimate"], atol=1e-8 * first["se"].min())
    np.testing.assert_allclose(second[["se", "df"]], first[["se", "df"]], rtol=1e-8)


def test_recoding_arms_turns_the_contrasts_sign():
    frame = trial()
    swapped = frame.assign(arm=frame["arm"].map({"T": "U", "U": "T"}))
    one, other = fitted(frame).contrasts("arm", by="visit"), fitted(swapped).contrasts("arm", by="visit")
    np.testing.assert_allclose(one["estimate"], -other["estimate"], rtol=1e-7)
    np.testing.assert_allclose(one[["se", "df"]], other[["se", "df"]], rtol=1e-7)


def test_the_reference_level_in_the_formula_does_not_change_the_means():
    frame = trial()
    recoded = fitted(frame, formula='y ~ base*visit + C(arm, contr.treatment("U"))*visit')
    same(fitted(frame).emmeans("arm", by="visit"), recoded.emmeans("arm", by="visit"))
    sums = fitted(frame, formula="y ~ base*visit + C(arm, contr.sum)*C(visit, contr.sum)")
    same(fitted(frame).emmeans("arm", by="visit"), sums.emmeans("arm", by="visit"))
    pd.testing.assert_frame_equal(
        fitted(frame).type3().loc[["arm:visit"]].reset_index(drop=True),
        sums.type3().iloc[[-1]].reset_index(drop=True),
        rtol=1e-6,
    )


def test_no_main_effect_of_visit_gives_the_same_means():
    """The same space written without main effects; R's emmeans gives something else there."""
    frame = trial()
    nested = fitted(frame, formula="y ~ 0 + base:visit + arm:visit")
    same(fitted(frame).emmeans("arm", by="visit"), nested.emmeans("arm", by="visit"), rtol=1e-6)
    same(fitted(frame).contrasts("arm", by="visit"), nested.contrasts("arm", by="visit"), rtol=1e-6)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_complete_data_equal_least_squares_by_visit(df):
    """Unstructured, all terms by visit, nobody missing: each visit is its own regression with n - 3 df."""
    frame = trial(missing=0.0)
    table = fitted(frame, df=df).contrasts("arm", by="visit", reference="T").set_index("visit")
    for visit, own in frame.groupby("visit"):
        X = np.column_stack([np.ones(len(own)), own["base"], own["arm"] == "U"])
        beta, rss, *_ = np.linalg.lstsq(X, own["y"], rcond=None)
        variance = rss[0] / (len(own) - 3) * np.linalg.inv(X.T @ X)[2, 2]
        assert table.loc[visit, "estimate"] == pytest.approx(beta[2], rel=1e-9)
        assert table.loc[visit, "se"] == pytest.approx(np.sqrt(variance), rel=1e-8)
        assert table.loc[visit, "df"] == pytest.approx(len(own) - 3, rel=1e-6)


def test_g_computation_equals_the_mean_prediction():
    """By hand: set everyone to an arm and a visit, predict, take the mean."""
    fit = fitted(trial())
    people = fit.model.frame.drop_duplicates("id")
    means = fit.emmeans("arm", by="visit", weights="g-computation").set_index(["arm", "visit"])
    for arm, visit in means.index:
        rows = fit.model.design.rows(
            people.assign(
                arm=pd.Categorical([arm] * len(people), ["T", "U"]),
                visit=pd.Categorical([visit] * len(people), ["a", "b", "c"]),
            )
        )
        assert means.loc[(arm, visit), "estimate"] == pytest.approx((rows @ fit.params).mean(), rel=1e-12)


def test_codings_describe_every_column():
    """The description type-3 tests use rebuilds the design formulaic made, with three factors and no main effect."""
    frame = trial().assign(site=lambda d: (d["id"] % 3).map({0: "x", 1: "y", 2: "z"}))
    for formula in ("y ~ base*arm*visit*site", "y ~ 0 + base:visit + arm:visit + site:arm"):
        design = MMRM.from_formula(formula, frame, subject="id", visit="visit", covariance="cs").design
        for name, column, coding in zip(design.names, design.X.T, design.codings, strict=True):
            expected = np.ones(len(frame))
            for variable in coding.numeric:
                expected = expected * frame[variable]
            for factor, levels in coding.levels.items():
                expected = expected * levels[pd.Categorical(frame[factor]).codes]
            np.testing.assert_allclose(column, expected, err_msg=name)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ base*visit + arm*visit",
        'y ~ 0 + base:visit + C(arm, contr.treatment("U")):visit',
        "y ~ C(id, contr.sum) + visit",
        "y ~ np.log(base + 100) + C(base > 0)*visit",
    ],
)
def test_design_rows_are_formulaics(formula):
    """Rows built from the codings, which is fast, are those formulaic builds; transformed variables go to formulaic."""
    frame = trial(n=12)
    model = MMRM.from_formula(formula, frame, subject="id", visit="visit", covariance="cs")
    people = model.frame.drop(columns="__subject__")
    np.testing.assert_allclose(model.design.rows(people), model.design.X, rtol=1e-14)
