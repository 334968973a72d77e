"""MMRM held against R's mmrm 0.3.18 and emmeans 1.8.4-1: estimates, standard errors and degrees of freedom."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM

HERE = Path(__file__).parent
FEV = "FEV1 ~ RACE + SEX + ARMCD*AVISIT"
BTHEB = "bdi ~ pre + drug + length + treatment*visit"


def keys(name: str, part: str) -> list[str]:
    return list(json.loads((HERE / name).read_text())[part])


def relative(ours, theirs) -> float:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))


def agrees(frame: pd.DataFrame, theirs: list[list[float]]) -> None:
    """Estimates and standard errors to 1e-6 relative, df to 1e-5: both optima are at a gradient below 1e-8."""
    estimate, se, df = np.array(theirs).T
    assert relative(frame["estimate"], estimate) < 1e-6
    assert relative(frame["se"], se) < 1e-6
    assert relative(frame["df"], df) < 1e-5


def held_against(fit, theirs: dict, factor: str, by: str, reference: str) -> None:
    assert fit.convergence.ok
    assert fit.convergence.gradient_norm < 1e-8
    assert abs(fit.llf - theirs["llf"]) < 1e-8
    agrees(pd.DataFrame({"estimate": fit.params, "se": fit.bse, "df": fit.df}), theirs["coef"])
    means = fit.emmeans(factor, by=by).sort_values([by, factor])
    agrees(means, theirs["lsmeans"])
    agrees(fit.contrasts(factor, by=by, reference=reference), theirs["contrasts"])
    num, den, statistic = np.array(theirs["type3"]).T
    tests = fit.type3()
    assert tests["numerator_df"].tolist() == num.tolist()
    assert relative(tests["denominator_df"], den) < 1e-5
    assert relative(tests["F"], statistic) < 1e-6


@pytest.mark.parametrize("key", keys("fev_mmrm.json", "full"))
def test_every_structure_method_and_sandwich_agrees_with_r(fev, numbers, key):
    """One model, all structures by REML and ML, weighted, by arm, with every df method and sandwich mmrm has."""
    structure, method, df, robust = key.split("|")
    model = MMRM.from_formula(
        FEV,
        fev,
        subject="USUBJID",
        visit="AVISIT",
        covariance=structure.removesuffix("_grp"),
        group="ARMCD" if structure.endswith("_grp") else None,
        weights="WEIGHT" if method.endswith("_weighted") else None,
    )
    fit = model.fit(method.removesuffix("_weighted"), df=df, robust=robust or None)
    theirs = numbers("fev_mmrm.json")["full"][key]
    held_against(fit, theirs, "ARMCD", "AVISIT", "PBO")
    if "proportional" in theirs:
        means = fit.emmeans("ARMCD", by="AVISIT", weights="proportional").sort_values(["AVISIT", "ARMCD"])
        agrees(means, theirs["proportional"])


@pytest.mark.parametrize("key", keys("btheb.json", "mmrm"))
def test_beat_the_blues_agrees_with_r(btheb, numbers, key):
    """Real data with dropout; this one needs no file beside the repository."""
    structure, method, df, _ = key.split("|")
    model = MMRM.from_formula(
        BTHEB,
        btheb,
        subject="subject",
        visit="visit",
        covariance=structure.removesuffix("grp"),
        group="treatment" if structure.endswith("grp") else None,
    )
    theirs = numbers("btheb.json")["mmrm"][key]
    held_against(model.fit(method, df=df), theirs, "treatment", "visit", "TAU")


@pytest.mark.parametrize("key", keys("fev_mmrm.json", "small"))
def test_small_model_agrees_with_r(fev, numbers, key):
    """The model SAS and mmrm are compared on; `ad` has two optima there, and R's is the better one."""
    structure, df = key.split("|")
    model = MMRM.from_formula(
        "FEV1 ~ ARMCD",
        fev,
        subject="USUBJID",
        visit="AVISIT",
        covariance=structure.removesuffix("_grp"),
        group="ARMCD" if structure.endswith("_grp") else None,
    )
    fit = model.fit(df=df)
    llf, estimate, se, degrees = numbers("fev_mmrm.json")["small"][key]
    assert abs(fit.llf - llf) < 1e-8
    ours = [fit.params.iloc[1], fit.bse.iloc[1], fit.df.iloc[1]]
    assert relative(ours[:2], [estimate, se]) < 1e-6
    assert relative(ours[2], degrees) < 1e-5


@pytest.mark.parametrize("structure", keys("fev_mmrm.json", "sas"))
def test_kenward_roger_is_what_sas_reports(fev, numbers, structure):
    """Natural parameters, observed information: SAS's values, and R's numeric differentiation of the same."""
    theirs = numbers("fev_mmrm.json")["sas"][structure]
    name = {"arh1": "ar1h"}.get(structure, structure)
    model = MMRM.from_formula("FEV1 ~ ARMCD", fev, subject="USUBJID", visit="AVISIT", covariance=name)
    full, linear = model.fit(df="kenward-roger"), model.fit(df="kenward-roger-linear")
    expected = model.fit(df="kenward-roger", information="expected")
    # SAS stops earlier: 3e-5 on estimates, 1.5e-4 on standard errors, 4e-4 on df
    estimate, se, df = theirs["sas_kr"]
    assert relative(full.params.iloc[1], estimate) < 3e-5
    assert relative(full.bse.iloc[1], se) < 1.5e-4
    assert relative(full.df.iloc[1], df) < 4e-4
    assert relative(linear.bse.iloc[1], theirs["sas_krlin"][1]) < 1.5e-4
    # numeric second derivatives of R's: 3e-6 on standard errors, 2e-4 on df
    assert relative(full.bse.iloc[1], theirs["se_kr_obs"]) < 3e-6
    assert relative(full.df.iloc[1], theirs["df_obs"]) < 2.1e-4
    assert relative(linear.bse.iloc[1], theirs["se_krlin_obs"]) < 3e-6
    # the expected information needs first derivatives only
    assert relative(expected.bse.iloc[1], theirs["se_kr_exp"]) < 1e-7
    assert relative(expected.df.iloc[1], theirs["df_exp"]) < 1e-7


@pytest.mark.parametrize("df", ["kenward-roger", "kenward-roger-linear", "satterthwaite"])
def test_a_paired_t_test_is_exact(shared, numbers, df):
    """Two visits, no missing value: the unstructured model is the paired t-test, standard error 0.388959 on 9 df."""
    sleep = shared("sleep.csv")
    fit = MMRM.from_formula("extra ~ C(group)", sleep, subject="ID", visit="group").fit(df=df)
    theirs = numbers("fev_mmrm.json")["sleep"]
    assert fit.params.iloc[1] == pytest.approx(theirs["est"], rel=1e-12)
    assert fit.bse.iloc[1] == pytest.approx(theirs["se"], rel=1e-9)
    assert fit.df.iloc[1] == pytest.approx(theirs["df"], rel=1e-7)


def test_the_better_of_two_optima_is_returned_and_the_other_named(fev):
    """FEV1 ~ ARMCD with ante-dependence: -1915.729 is the maximum, -1917.657 a trap."""
    model = MMRM.from_formula("FEV1 ~ ARMCD", fev, subject="USUBJID", visit="AVISIT", covariance="ad")
    fit = model.fit()
    assert fit.llf == pytest.approx(-1915.729, abs=1e-3)
    assert fit.convergence.other_optima == pytest.approx((-1917.657,), abs=1e-3)
    assert "-1917.657" in fit.summary()


def test_aic_counts_fixed_effects_under_ml_as_sas_does(fev, numbers):
    """R's mmrm leaves them out under ML too, where likelihoods of different fixed effects are compared."""
    model = MMRM.from_formula(FEV, fev, subject="USUBJID", visit="AVISIT")
    theirs = numbers("fev_mmrm.json")["full"]
    reml, ml = model.fit(df="satterthwaite"), model.fit("ml", df="satterthwaite")
    assert reml.aic == pytest.approx(theirs["us|reml|satterthwaite|"]["aic"], abs=1e-8)
    assert reml.bic == pytest.approx(theirs["us|reml|satterthwaite|"]["bic"], abs=1e-8)
    assert ml.aic == pytest.approx(theirs["us|ml|satterthwaite|"]["aic"] + 2 * 11, abs=1e-8)


def test_covariance_over_visits_agrees_with_r(fev, numbers):
    """The fitted matrices, one and by arm."""
    one = MMRM.from_formula(FEV, fev, subject="USUBJID", visit="AVISIT").fit().covariance
    theirs = numbers("fev_mmrm.json")["full"]
    assert relative(one, theirs["us|reml|satterthwaite|"]["covariance"]) < 1e-6
    arms = MMRM.from_formula(FEV, fev, subject="USUBJID", visit="AVISIT", group="ARMCD").fit().covariance
    for arm, matrix in theirs["us_grp|reml|satterthwaite|"]["covariance"].items():
        assert relative(arms[arm], matrix) < 1e-6
