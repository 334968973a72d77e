"""Moderators: the interaction first, then the effect at the moderator's values; inside the primary model."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from analysis.estimators import moderator
from analysis.reporting.tables.moderators import value_words
from data_contracts.load import find_trial, load_trial


@pytest.fixture(scope="module")
def trial():
    """The demonstration plan with two follow-ups.

    With everybody seen at both and every effect differing by visit, the mixed model is least squares at each
    visit (Zellner 1962): estimate, standard error and degrees of freedom.
    """
    demo = load_trial(find_trial("demo"))
    return demo.model_copy(update={"visits": demo.visits[:3]})


@pytest.fixture(scope="module")
def analysis_set(trial):
    rng, n = np.random.default_rng(7), 120
    people = pd.DataFrame({
        "participant": [f"P{i}" for i in range(n)],
        "arm": pd.Categorical(np.where(np.arange(n) % 2, "SRT", "UC"), ["UC", "SRT"]),
        "site": rng.choice(["Norfolk", "Sussex"], n),
        "sex": rng.choice(["Female", "Male"], n),
        "concomitant_therapy": pd.Categorical(rng.choice(["No", "Yes"], n, p=[0.6, 0.4])),
        "diagnosis": pd.Categorical(rng.choice(["A", "B", "C"], n)),
        "loneliness_baseline": rng.integers(3, 10, n).astype(float),
        "structured_activity_hours_baseline": rng.gamma(2, 5, n),
        "in_randomised": True, "visit": "m9", "month": 9.0,
    })  # fmt: skip
    treated = (people["arm"] == "SRT").astype(float)
    people["structured_activity_hours"] = (
        15 + treated * (4 + 1.2 * people["loneliness_baseline"]) + rng.normal(0, 6, n)
        + 0.5 * people["structured_activity_hours_baseline"]
    )  # fmt: skip
    later = people.assign(visit="m15", month=15.0)
    later["structured_activity_hours"] = 0.6 * people["structured_activity_hours"] + rng.normal(5, 5, n)
    return pd.concat([people, later], ignore_index=True)


def _analysis(trial, name, **changes):
    own = {"estimator": "moderator", "moderator": name, "covariates_by_visit": ("site", "sex"), **changes}
    return trial.analyses["primary"].model_copy(update=own)


def _rows(analysis_set, trial, name, **changes):
    found = moderator.estimate(analysis_set, trial, _analysis(trial, name, **changes))
    return {(row.statistic, row.at): row for row in found}


def _least_squares(analysis_set, formula):
    frame = analysis_set[analysis_set["visit"] == "m9"].rename(
        columns={"structured_activity_hours": "y", "structured_activity_hours_baseline": "b"}
    )
    return smf.ols(f"y ~ b + site + sex + {formula}", frame.assign(t=(frame["arm"] == "SRT") * 1.0)).fit()


def test_a_linear_interaction_is_that_of_least_squares(trial, analysis_set):
    """1e-6: the engine's optimum is known to a gradient of about 1e-8."""
    row = _rows(analysis_set, trial, "loneliness")["interaction", "per unit"]
    fit = _least_squares(analysis_set, "t * loneliness_baseline")
    name = "t:loneliness_baseline"
    expected = [fit.params[name], fit.bse[name], fit.df_resid, fit.pvalues[name]]
    assert [row.value, row.se, row.df, row.p_value] == pytest.approx(expected, rel=1e-6)


def test_effects_are_at_the_quartiles_of_those_analysed(trial, analysis_set):
    found = _rows(analysis_set, trial, "loneliness")
    fit = _least_squares(analysis_set, "t * loneliness_baseline")
    for value in np.quantile(analysis_set["loneliness_baseline"], [0.25, 0.5, 0.75]):
        contrast = fit.t_test(f"t + {value} * t:loneliness_baseline = 0")
        row = found["adjusted mean difference", f"{value:g}"]
        assert [row.value, row.se] == pytest.approx([contrast.effect.item(), contrast.sd.item()], rel=1e-6)


def test_declared_values_take_the_place_of_quartiles(trial, analysis_set):
    found = _rows(analysis_set, trial, "loneliness", at=(3.0, 9.0))
    assert [at for statistic, at in found if statistic == "adjusted mean difference"] == ["3", "9"]


def test_the_joint_test_of_levels_is_the_partial_f(trial, analysis_set):
    """Three levels: one test with two numerator df, and each level against the first."""
    diagnosis = trial.moderators["concomitant_therapy"].model_copy(update={"column": "diagnosis"})
    own = trial.model_copy(update={"moderators": {**trial.moderators, "diagnosis": diagnosis}})
    found = _rows(analysis_set, own, "diagnosis")
    fit = _least_squares(analysis_set, "t * C(diagnosis)")
    joint = fit.f_test("t:C(diagnosis)[T.B] = 0, t:C(diagnosis)[T.C] = 0")
    (test,) = [row for (statistic, _), row in found.items() if statistic == "interaction test"]
    assert [test.value, test.df, test.p_value] == pytest.approx(
        [joint.fvalue, joint.df_denom, joint.pvalue], rel=1e-6
    )
    assert found["interaction", "B against A"].value == pytest.approx(
        fit.params["t:C(diagnosis)[T.B]"], rel=1e-6
    )
    assert sum(found["adjusted mean difference", level].n for level in "ABC") == len(analysis_set) / 2


def test_the_interaction_stands_before_the_effects(trial, analysis_set):
    """Subgroup effects are read wrongly without it."""
    found = moderator.estimate(analysis_set, trial, _analysis(trial, "concomitant_therapy"))
    assert [row.statistic for row in found][:3] == [
        "interaction",
        "interaction test",
        "adjusted mean difference",
    ]


def test_the_outcome_s_own_baseline_may_be_the_moderator(trial, analysis_set):
    """It is in the model already; it must not stand there twice."""
    hours = trial.moderators["loneliness"].model_copy(update={"outcome": "structured_activity_hours"})
    own = trial.model_copy(update={"moderators": {"hours": hours}})
    row = _rows(analysis_set, own, "hours")["interaction", "per unit"]
    fit = _least_squares(analysis_set, "t + t:b")
    assert [row.value, row.se] == pytest.approx([fit.params["t:b"], fit.bse["t:b"]], rel=1e-6)


@pytest.mark.parametrize("values", [5.0, np.nan])
def test_a_moderator_without_two_values_is_refused_in_words(trial, analysis_set, values):
    found = moderator.estimate(
        analysis_set.assign(loneliness_baseline=values), trial, _analysis(trial, "loneliness")
    )
    assert {row.status for row in found} == {"refused"}
    assert "needs two or more" in found[0].reason


def test_a_moderator_that_no_form_has_is_refused_in_words(trial, analysis_set):
    found = moderator.estimate(
        analysis_set.drop(columns="concomitant_therapy"), trial, _analysis(trial, "concomitant_therapy")
    )
    assert found[0].reason == "no accepted form has the moderator concomitant_therapy"


def test_a_moderator_with_one_level_among_those_with_an_outcome_is_refused(trial, analysis_set):
    """All of the other level dropped out: it has two levels at baseline, and none to compare at the visits."""
    gone = analysis_set["concomitant_therapy"] == "Yes"
    frame = analysis_set.assign(
        structured_activity_hours=analysis_set["structured_activity_hours"].mask(gone)
    )
    found = moderator.estimate(frame, trial, _analysis(trial, "concomitant_therapy"))
    assert {row.status for row in found} == {"refused"}
    assert "one value only among those analysed" in found[0].reason


@pytest.mark.parametrize("level", ["inf", "nan", "Female"])
def test_a_level_that_python_takes_for_a_number_stays_a_word(level):
    """ "inf" may be a site."""
    assert value_words(level, "") == level
