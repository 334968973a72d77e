"""A file read in batches gives what the same rows in memory give, or a message that says what to do."""

import pickle

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import (
    MMRM,
    BadDataError,
    GramSum,
    MeaninglessRequestError,
    TooLittleDataError,
    layout_of,
    layout_of_parquet,
    sum_parquet,
)

FORMULA = "y ~ base*visit + sex + arm*visit"


def trial(n: int = 60, seed: int = 4) -> pd.DataFrame:
    """Visits, arm, sex, sites, therapists in one arm, 15 % of outcomes missing."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "id": [f"p{number}" for number in rng.permutation(n)],
            "arm": rng.permutation(["UC", "SRT"] * (n // 2)),
            "sex": rng.choice(["f", "m"], n),
            "site": rng.choice(["s1", "s2", "s10"], n),
            "base": rng.normal(50.0, 10.0, n).round(3),
            "level": rng.normal(size=n),
        }
    )
    people["therapist"] = np.where(people["arm"] == "SRT", rng.choice(list("tuvw"), n), None)
    visits = pd.DataFrame({"visit": ["m0", "m6", "m12"], "month": [0.0, 6.0, 12.0]})
    frame = people.merge(visits, how="cross")
    frame["weight"] = rng.uniform(0.5, 2.0, len(frame))
    noise = rng.normal(size=len(frame)) * (1.0 + frame["month"] / 12.0)
    frame["y"] = (
        0.2 * frame["base"] + frame["level"] + noise + (frame["arm"] == "SRT") * frame["month"]
    ).round(6)
    frame.loc[(rng.random(len(frame)) < 0.15) & (frame["month"] > 0), "y"] = np.nan
    return frame.drop(columns="level")


@pytest.fixture
def write(tmp_path):
    def written(frame: pd.DataFrame, name: str = "rows.parquet", rows: int = 50) -> str:
        path = tmp_path / name
        frame.to_parquet(path, row_group_size=rows)
        return str(path)

    return written


def both(frame: pd.DataFrame, path: str, formula: str = FORMULA, **options):
    fit = {name: options.pop(name) for name in ("method", "df") if name in options}
    options = {"subject": "id", "visit": "visit", **options}
    streamed = MMRM.from_parquet(path, formula, batch_rows=37, **options).fit(**fit)
    return streamed, MMRM.from_formula(formula, frame, **options).fit(**fit)


def same(streamed, whole, rtol: float = 1e-10) -> None:
    assert streamed.convergence.ok
    assert streamed.model.notes == whole.model.notes
    assert streamed.llf == pytest.approx(whole.llf, rel=1e-12)
    for name in ("params", "bse", "df"):
        pd.testing.assert_series_equal(getattr(streamed, name), getattr(whole, name), rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(streamed.theta, whole.theta, rtol=1e-7, atol=1e-9)
    pd.testing.assert_frame_equal(streamed.type3(), whole.type3(), rtol=1e-9)


def same_means(streamed, whole) -> None:
    for weights in ("equal", "proportional"):
        one, other = (fit.emmeans("arm", by="visit", weights=weights) for fit in (streamed, whole))
        pd.testing.assert_frame_equal(one, other, rtol=1e-10)
    one, other = (fit.contrasts("arm", by="visit", reference="UC") for fit in (streamed, whole))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite", "residual"])
def test_a_streamed_fit_is_the_fit_in_memory(write, df):
    frame = trial()
    streamed, whole = both(frame, write(frame), df=df)
    same(streamed, whole)
    same_means(streamed, whole)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        (FORMULA, {"group": "arm"}),
        (FORMULA, {"weights": "weight", "covariance": "toeph"}),
        ("y ~ arm*visit + base:visit", {}),
        ("y ~ 0 + arm:visit + base", {"covariance": "csh"}),
        ("y ~ visit + base:visit", {"method": "ml", "df": "satterthwaite"}),
        ("y ~ base*month*arm + np.log(base)", {"covariance": "ar1h"}),
        ("y ~ C(month)*C(arm, contr.treatment('UC')) + I(base**2)", {"covariance": "us"}),
        ("y ~ base", {"covariance": "cs"}),
        ("y ~ 0 + base", {"covariance": "cs"}),
    ],
)
def test_formulas_groups_and_weights(write, formula, options):
    """Also where the design cannot make the constant, or a product stands without what it is a product of."""
    frame = trial()
    same(*both(frame, write(frame), formula, **options))


@pytest.mark.parametrize(
    ("random", "covariance"),
    [
        (["site"], "us"),
        ({"therapist": "arm == 'SRT'"}, "us"),
        ({"site": "1 + month"}, "cs"),
        (["site:sex"], "cs"),
        ({"id": "1 + month"}, "iid"),
        ({"id": "1", "therapist": "arm == 'SRT'"}, "diag"),
    ],
)
def test_random_effects(write, random, covariance):
    frame = trial(120)
    streamed, whole = both(frame, write(frame), random=random, covariance=covariance, df="satterthwaite")
    pd.testing.assert_series_equal(streamed.params, whole.params, rtol=1e-6)
    pd.testing.assert_series_equal(
        streamed.random_effects_variances, whole.random_effects_variances, rtol=1e-5, atol=1e-6
    )
    assert streamed.llf == pytest.approx(whole.llf, abs=1e-8)
    if "id" not in random:
        pd.testing.assert_frame_equal(streamed.blups(), whole.blups(), rtol=1e-4, atol=1e-6)


def test_independent_rows_need_neither_participant_nor_visit(write):
    frame = trial().dropna(subset="y")
    options = {"subject": None, "visit": None, "covariance": "iid", "random": ["site"], "df": "satterthwaite"}
    streamed, whole = both(frame, write(frame), "y ~ base + arm", **options)
    pd.testing.assert_series_equal(streamed.bse, whole.bse, rtol=1e-6)


def test_integer_identifiers_categoricals_and_several_files(write):
    """A categorical keeps its order of levels; a participant may begin in one file and end in the next."""
    frame = trial()
    frame["id"] = frame["id"].str[1:].astype(int)
    frame["visit"] = pd.Categorical(frame["visit"], ["m12", "m0", "m6"])
    paths = [write(frame.iloc[:100], "a.parquet"), write(frame.iloc[100:], "b.parquet")]
    streamed, whole = both(frame, paths)
    same(streamed, whole)
    same_means(streamed, whole)


def test_an_offset_of_1e8_or_units_of_1e_minus_6_lose_nothing(write):
    """2 ** 27 is added exactly, so the digits that are there are the same."""
    frame = trial()
    exact = frame.assign(y=(frame["y"] * 2**20).round() / 2**20, base=frame["base"].round())
    moved = exact.assign(y=exact["y"] + 2.0**27, base=(exact["base"] + 2.0**27) * 2.0**-20)
    one, other = both(exact, write(exact))[0], both(moved, write(moved))[0]
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9)
    first, second = one.contrasts("arm", by="visit"), other.contrasts("arm", by="visit")
    np.testing.assert_allclose(first["estimate"], second["estimate"], atol=1e-8 * first["se"].min())
    np.testing.assert_allclose(first[["se", "df"]], second[["se", "df"]], rtol=1e-9)
    assert other.params["base"] * 2.0**-20 == pytest.approx(one.params["base"], rel=1e-8)


def test_a_centre_far_from_the_mean_is_corrected_by_a_second_reading(write):
    """The sampled rows, first, middle and last, do not show where most values lie."""
    frame = trial(120)
    far = frame.assign(base=frame["base"] + 1e9, y=frame["y"].to_numpy())
    rows = pd.concat([far.iloc[:3].assign(base=0.0), far.iloc[3:]], ignore_index=True)
    path = write(rows, rows=3)
    same(*both(rows, path, "y ~ arm*visit + base", df="satterthwaite"), rtol=1e-7)


def test_levels_without_a_complete_row_are_left_out(write):
    frame = trial()
    frame["sex"] = np.where(frame["y"].isna(), "x", frame["sex"])
    same(*both(frame, write(frame)))


def test_collinear_columns_and_empty_cells_are_dropped_by_name(write):
    frame = trial().assign(twice=lambda rows: 2.0 * rows["base"] + 1.0)
    frame = frame[~((frame["arm"] == "SRT") & (frame["visit"] == "m12"))]
    streamed, whole = both(frame, write(frame), "y ~ base + twice + arm*visit")
    same(streamed, whole)
    one, other = (fit.contrasts("arm", by="visit", reference="UC") for fit in (streamed, whole))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    assert one["estimate"].isna().sum() == 1


def test_participants_must_stand_together(write):
    frame = trial().sort_values("visit")
    with pytest.raises(
        BadDataError, match="60 participants lie apart, in several batches: sort the file by 'id'"
    ):
        MMRM.from_parquet(write(frame), FORMULA, subject="id", visit="visit", batch_rows=60)


def refused(error: type, words: str, path: str, formula: str = FORMULA, **options) -> None:
    with pytest.raises(error, match=words):
        MMRM.from_parquet(path, formula, batch_rows=20, **{"subject": "id", "visit": "visit", **options})


def test_bad_input_has_the_messages_of_the_engine(write):
    frame = trial()
    refused(BadDataError, "unknown column 'weightt'", write(frame), weights="weightt")
    refused(BadDataError, "holds str values", write(frame.assign(y="a")))
    refused(BadDataError, "the outcome is constant", write(frame.assign(y=1.0)))
    refused(BadDataError, "fit the outcome exactly", write(frame.assign(y=2.0 * frame["base"])))
    refused(BadDataError, "no row .* is complete", write(frame.assign(y=np.nan)))
    refused(
        TooLittleDataError,
        "missing in every row of visit 'm6'",
        write(frame.assign(y=frame["y"].where(frame["visit"] != "m6"))),
    )
    refused(TooLittleDataError, "only visit", write(frame[frame["visit"] == "m0"]), "y ~ arm")
    refused(
        BadDataError,
        "group 'sex' changes within",
        write(frame.assign(sex=frame["visit"])),
        "y ~ arm",
        group="sex",
    )
    refused(
        BadDataError,
        "not positive in row 8",
        write(frame.assign(y=0.0, weight=frame["weight"].where(frame.index != 7, 0.0))),
        weights="weight",
    )


def test_infinities_and_duplicates_are_located_by_their_row_in_the_file(write):
    frame = trial()
    frame.loc[150, "base"] = np.inf
    refused(BadDataError, "column 'base' is infinite in row 151", write(frame, rows=1000))
    frame = trial().assign(y=1.0)
    doubled = pd.concat([frame.iloc[:100], frame.iloc[[99]], frame.iloc[100:]])
    refused(BadDataError, r"more than one row at a visit \(visits m0; rows 100, 101\)", write(doubled))


def test_what_a_stream_cannot_know_is_refused(write):
    path = write(trial())
    refused(MeaninglessRequestError, r"scale\(base\) depends on all rows", path, "y ~ scale(base) + arm")
    refused(
        MeaninglessRequestError,
        "differ between participants",
        path,
        "y ~ arm",
        random={"id": "1 + base"},
        covariance="iid",
    )
    frame = trial().assign(therapist="t", site=np.where(trial()["arm"] == "SRT", "s1", trial()["site"]))
    refused(
        BadDataError,
        "1 level of random effect 'site' occurs both",
        write(frame),
        random={"site": "arm == 'SRT'"},
    )


def test_what_needs_rows_is_refused_and_named(write):
    fit = MMRM.from_parquet(write(trial()), FORMULA, subject="id", visit="visit").fit()
    own = MMRM.from_parquet(
        write(trial()), FORMULA, subject="id", visit="visit", random=["id"], covariance="iid"
    )
    for ask in (
        fit.residuals,
        lambda: fit.influence("id"),
        lambda: fit.model.fit(robust="CR2", df="satterthwaite"),
        lambda: fit.model.fit(df="between-within"),
        lambda: fit.emmeans("arm", weights="g-computation"),
        own.fit().blups,
    ):
        with pytest.raises(MeaninglessRequestError, match="in memory"):
            ask()
    with pytest.raises(MeaninglessRequestError, match="values of 'base' were summed"):
        fit.emmeans("base")
    assert "observations of 60 participants" in fit.summary()


def test_likelihood_ratio_of_streamed_models(write):
    path = write(trial())
    cs, us = (
        MMRM.from_parquet(path, FORMULA, subject="id", visit="visit", covariance=name).fit()
        for name in ("cs", "us")
    )
    assert us.lrt(cs).df == 4


def test_workers_share_one_layout_and_their_pickled_sums_add(write):
    frame = trial()
    path, roles = write(frame), {"subject": "id", "visit": "visit"}
    layout = layout_of_parquet(path, FORMULA, **roles)
    parts = [frame.iloc[:90], frame.iloc[90:]]
    sums = [GramSum.of(part, pickle.loads(pickle.dumps(layout))) for part in parts]
    total = sum(pickle.loads(pickle.dumps(one)) for one in sums)
    whole = MMRM.from_formula(FORMULA, frame, **roles).fit()
    same(MMRM.from_grams(total).fit(), whole)
    same(MMRM.from_grams(sum_parquet(path, layout)).fit(), whole)
    with pytest.raises(MeaninglessRequestError, match="different layouts"):
        _ = total + GramSum.of(frame, layout_of(frame, "y ~ arm*visit", **roles))
    with pytest.raises(BadDataError, match="30 participants lie apart"):
        MMRM.from_grams(total + sums[0])
    with pytest.raises(
        BadDataError, match="column 'arm' has levels that the layout does not know in 169 rows"
    ):
        GramSum.of(frame.assign(arm="other"), layout)


def test_rows_without_participant_empty_batches_and_spatial_times(write):
    frame = trial()
    frame.loc[[5, 17], "id"] = None
    frame.loc[30:120, "y"] = np.nan
    streamed, whole = both(
        frame, write(frame, rows=20), "y ~ base + arm*month", visit="month", covariance="sp_exp"
    )
    same(streamed, whole)


def test_empty_files_are_refused(write):
    refused(BadDataError, "hold no rows", write(trial().iloc[:0].astype({"y": float})), "y ~ arm")
