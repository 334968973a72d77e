"""Each kind of bad input has its own message that says where and what to do; nothing is silent."""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM, BadDataError, MeaninglessRequestError, MixedModelError, TooLittleDataError

FORMULA = "y ~ base + arm*visit"


@pytest.fixture
def trial() -> pd.DataFrame:
    """12 participants, 3 visits, complete."""
    rng = np.random.default_rng(3)
    n, visits = 12, ["m0", "m6", "m12"]
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"p{number}" for number in range(n)], 3),
            "visit": np.tile(visits, n),
            "arm": np.repeat(["UC", "SRT"], 3 * n // 2),
            "base": np.repeat(rng.normal(size=n), 3),
        }
    )
    level = np.repeat(rng.normal(size=n), 3)
    return frame.assign(y=frame["base"] + level + rng.normal(size=len(frame)))


def model(frame: pd.DataFrame, formula: str = FORMULA, **options) -> MMRM:
    return MMRM.from_formula(formula, frame, subject="id", visit="visit", **options)


def refused(error: type, words: str, frame: pd.DataFrame, formula: str = FORMULA, **options) -> None:
    with pytest.raises(error, match=words) as caught:
        model(frame, formula, **options)
    assert isinstance(caught.value, MixedModelError)
    assert not any(str(person) in str(caught.value) for person in frame["id"].dropna().unique())


def test_unknown_column_is_named(trial):
    refused(BadDataError, "unknown column 'weight'", trial, "y ~ weight + arm")
    refused(BadDataError, "unknown column 'site'", trial, group="site")


def test_a_formula_that_cannot_be_read_is_quoted(trial):
    refused(BadDataError, "cannot be read", trial, "y ~ base +* arm")
    refused(BadDataError, "names no outcome", trial, "~ base")


def test_unknown_options_list_the_choices(trial):
    refused(
        BadDataError,
        "covariance='unstructured' is unknown: choose from us, cs",
        trial,
        covariance="unstructured",
    )
    with pytest.raises(BadDataError, match="df='kr' is unknown: choose from kenward-roger"):
        model(trial).fit(df="kr")


def test_duplicate_rows_are_located(trial):
    doubled = pd.concat([trial, trial.iloc[[4]]], ignore_index=True)
    refused(
        BadDataError, r"1 participants have more than one row at a visit \(visits m6; rows 5, 37\)", doubled
    )


def test_a_non_numeric_outcome_is_refused(trial):
    refused(
        BadDataError, "outcome 'y' holds str values, expected numbers", trial.assign(y=trial["y"].astype(str))
    )


def test_infinities_are_located(trial):
    trial.loc[7, "y"] = np.inf
    refused(BadDataError, "column 'y' is infinite in row 8", trial)
    trial.loc[7, "y"] = 0.0
    trial.loc[9, "base"] = -np.inf
    refused(BadDataError, "column 'base' is infinite in row 10", trial)


def test_one_participant_is_too_few(trial):
    refused(TooLittleDataError, "1 participant has observations", trial[trial["id"] == "p0"], "y ~ visit")


def test_one_visit_is_no_repeated_measure(trial):
    refused(
        TooLittleDataError,
        "only visit with observations is 'm0'",
        trial[trial["visit"] == "m0"],
        "y ~ base + arm",
    )


def test_a_visit_without_any_outcome_is_named(trial):
    trial.loc[trial["visit"] == "m12", "y"] = np.nan
    refused(TooLittleDataError, "'y' is missing in every row of visit 'm12'", trial)


def test_a_participant_without_data_is_counted(trial):
    trial.loc[trial["id"] == "p3", "y"] = np.nan
    fitted = model(trial).fit()
    assert fitted.n_subjects == 11
    assert "1 participants have no complete row and are not in the analysis" in fitted.model.notes
    assert "3 rows left out: 'y' is missing" in fitted.summary()


def test_missing_covariates_and_groups_are_counted(trial):
    trial.loc[3, "base"] = np.nan
    trial.loc[6:8, "arm"] = None
    notes = model(trial).notes
    assert "1 rows left out: 'base' is missing" in notes
    assert "3 rows left out: 'arm' is missing" in notes


def test_no_complete_row_is_refused(trial):
    refused(BadDataError, "no row is complete", trial.assign(base=np.nan))


def test_a_constant_outcome_is_refused(trial):
    refused(BadDataError, "the outcome is constant", trial.assign(y=3.5))


def test_an_outcome_fitted_exactly_is_refused(trial):
    refused(BadDataError, "fit the outcome exactly", trial.assign(y=2.0 * trial["base"] + 1.0))


def test_more_parameters_than_data_is_refused(trial):
    few = trial[trial["id"].isin(["p0", "p1", "p6"])]
    with pytest.raises(
        TooLittleDataError, match="9 observations for 7 fixed effects and 6 covariance parameters"
    ):
        model(few).fit()
    refused(TooLittleDataError, "observations for", trial, "y ~ C(id)*visit")


def test_a_group_that_changes_within_a_participant_is_refused(trial):
    trial.loc[4, "arm"] = "SRT"
    refused(BadDataError, "group 'arm' changes within 1 participants", trial, "y ~ base", group="arm")


def test_weights_must_be_positive(trial):
    weights = pd.Series(1.0, trial.index)
    weights[5] = 0.0
    refused(BadDataError, "weights 'w' are not positive in row 6", trial.assign(w=weights), weights="w")


def test_visits_never_seen_together_need_a_structure(trial):
    early = trial["id"].isin(["p0", "p1", "p2", "p6", "p7", "p8"])
    split = trial[(early & (trial["visit"] != "m12")) | (~early & (trial["visit"] != "m0"))]
    refused(TooLittleDataError, "visits 'm0' and 'm12' are never observed in the same participant", split)
    assert model(split, covariance="cs").fit().convergence.ok


def test_an_empty_cell_leaves_its_contrast_not_estimable_and_the_rest_given(trial):
    gone = trial[~((trial["arm"] == "SRT") & (trial["visit"] == "m12"))]
    fit = model(gone).fit()
    table = fit.contrasts("arm", by="visit", reference="UC").set_index("visit")
    assert table.loc["m12", ["estimate", "se", "df", "p"]].isna().all()
    assert table.loc[["m0", "m6"]].notna().all(axis=None)
    assert any("dropped" in note and "visit[T.m12]" in note for note in fit.model.notes)
    with pytest.raises(BadDataError, match="not estimable"):
        fit.f_test({"arm[T.UC]:visit[T.m12]": 1.0})


def test_collinear_columns_are_dropped_by_name(trial):
    fit = model(trial.assign(twice=2.0 * trial["base"] + 1.0), "y ~ base + twice + arm*visit").fit()
    assert any("combination of earlier ones: twice" in note for note in fit.model.notes)
    assert np.isnan(fit.params["twice"])
    assert fit.params.drop("twice").notna().all()
    plain = model(trial).fit()
    np.testing.assert_allclose(fit.params.drop("twice"), plain.params, rtol=1e-10)


def test_kenward_roger_needs_reml(trial):
    with pytest.raises(MeaninglessRequestError, match="Kenward-Roger adjusts a REML fit"):
        model(trial).fit("ml", df="kenward-roger")


def test_a_sandwich_replaces_what_kenward_roger_adjusts(trial):
    with pytest.raises(MeaninglessRequestError, match="robust='CR2' replaces it"):
        model(trial).fit(robust="CR2")


def test_least_squares_means_of_something_else_are_refused(trial):
    fit = model(trial).fit()
    with pytest.raises(BadDataError, match="'site' is not in the formula"):
        fit.emmeans("site")
    with pytest.raises(BadDataError, match="reference 'TAU' is not a level; choose from SRT, UC"):
        fit.contrasts("arm", by="visit", reference="TAU")
    with pytest.raises(BadDataError, match="unknown term 'arm' in a contrast"):
        fit.t_test({"arm": 1.0})


def test_a_given_covariance_must_be_positive_definite(trial):
    with pytest.raises(MeaninglessRequestError, match="not positive definite"):
        model(trial, covariance="cs").fit(theta=np.array([1.0, 2.0]))


def test_a_therapist_in_both_arms_is_not_partially_nested(trial):
    frame = trial.assign(therapist=np.tile(["s", "t", "u"], 12))
    refused(
        BadDataError,
        "3 levels of random effect 'therapist' occur both where",
        frame,
        random={"therapist": "arm == 'SRT'"},
    )


def test_a_random_factor_without_level_is_refused_with_the_way_out(trial):
    frame = trial.assign(therapist=np.where(trial["arm"] == "SRT", "t" + trial["id"].str[-1], None))
    refused(BadDataError, "no level in 18 of the 36 rows it acts on", frame, random=["therapist"])
    assert model(frame, random={"therapist": "arm == 'SRT'"}).fit().convergence.ok


def test_a_random_factor_needs_two_levels_and_less_than_one_per_row(trial):
    refused(BadDataError, "'site' has 1 level", trial.assign(site="a"), random=["site"])
    refused(
        BadDataError, "a level of its own in each of 36 rows", trial.assign(row=range(36)), random=["row"]
    )


def test_a_condition_that_cannot_be_read_is_quoted(trial):
    refused(
        BadDataError,
        "the condition \"armm == 'SRT'\" of random effect 'site'",
        trial.assign(site=trial["base"] > 0),
        random={"site": "armm == 'SRT'"},
    )


def test_participant_and_visit_belong_together(trial):
    with pytest.raises(BadDataError, match="give both for repeated measures"):
        MMRM.from_formula(FORMULA, trial, subject="id")


def test_an_offset_of_1e8_in_the_outcome_costs_nothing(trial):
    """Rounded to 1e-6, so that the shifted outcome is as exact as the other."""
    exact = trial.assign(y=trial["y"].round(6))
    shifted = exact.assign(y=exact["y"] + 2.0**27)
    back = shifted.assign(y=shifted["y"] - 2.0**27)
    one, other = model(back).fit(), model(shifted).fit()
    assert other.llf == pytest.approx(one.llf, abs=1e-9)
    np.testing.assert_allclose(other.bse, one.bse, rtol=1e-10)
    np.testing.assert_allclose(other.params.iloc[1:], one.params.iloc[1:], rtol=1e-8)


def test_random_effects_of_the_participant_come_with_independent_residuals(trial):
    """Beside an unstructured covariance they would not be identified; whoever asks for both is told so."""
    timed = trial.assign(month=trial["visit"].str[1:].astype(float))
    assert model(timed, random={"id": "1 + month"}).covariance == "iid"
    both = model(timed, covariance="us", random={"id": "1"}).fit()
    assert not both.convergence.ok
    assert "random effects of the participant" in both.convergence.reason


def test_maximum_likelihood_has_degrees_of_freedom_without_being_asked(trial):
    """Kenward-Roger is defined under REML only."""
    assert model(trial).fit(method="ml").df.equals(model(trial).fit(method="ml", df="satterthwaite").df)


@pytest.mark.parametrize("formula", ["y ~ quux(base) + arm", "y ~~ arm"])
def test_a_formula_that_cannot_be_used_says_why_in_plain_text(trial, formula):
    """No traceback of the formula library, no colour codes of a terminal."""
    with pytest.raises(BadDataError, match="formula") as caught:
        model(trial, formula)
    assert "\x1b" not in str(caught.value)
