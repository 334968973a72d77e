"""The estimator "mmrm": what its rows say, by invented data whose truths are known."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.estimators import ESTIMATORS, estimator_named
from analysis.estimators.agreement import agreement_rows
from analysis.estimators.mmrm import COVARIANCES, DEGREES_OF_FREEDOM, estimate, method_of
from analysis.mixed.covariance import STRUCTURES
from analysis.mixed.inference import METHODS
from analysis.results import STATISTICS, Statistic
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Covariance, DegreesOfFreedom

TRIAL = load_trial(find_trial("demo"))
HOURS = "structured_activity_hours"
VISITS = ("m9", "m15", "m24")


def invented(n=80, *, therapist_sd=0.0, seed=1):
    """Return an analysis set: half per arm, a participant's level, six therapists in the SRT arm."""
    rng = np.random.default_rng(seed)
    arms = np.repeat(["UC", "SRT"], n // 2)
    levels, baseline = rng.normal(0, 5, n), rng.normal(12, 5, n)
    therapist = rng.integers(0, 6, n)
    shift = np.where(arms == "SRT", rng.normal(0, therapist_sd or 1, 6)[therapist] * bool(therapist_sd), 0)
    people = pd.DataFrame(
        {"participant": [f"P{i:03d}" for i in range(n)], "arm": pd.Categorical(arms, ["UC", "SRT"]),
         "site": pd.Categorical(rng.choice(["Norfolk", "Sussex"], n)), "sex": rng.choice(["Female", "Male"], n),
         "therapist": np.where(arms == "SRT", [f"T{t}" for t in therapist], None), "in_randomised": True,
         f"{HOURS}_baseline": baseline, "level": levels + baseline + shift}
    )  # fmt: skip
    visits = pd.DataFrame({"visit": ["baseline", *VISITS], "month": [0.0, 9.0, 15.0, 24.0]})
    frame = people.merge(visits, how="cross")
    frame["visit"] = pd.Categorical(frame["visit"], ["baseline", *VISITS], ordered=True)
    effect = 6.0 * ((frame["arm"] == "SRT") & (frame["visit"] == "m9"))
    frame[HOURS] = frame["level"] + effect + rng.normal(0, 4, len(frame))
    seen = rng.random(len(frame)) > 0.15
    return frame.assign(**{HOURS: frame[HOURS].where(seen)}).drop(columns="level")


def estimated(frame, **changed):
    """Return the rows of demo's primary analysis with some of its keys changed."""
    return estimate(frame, TRIAL, TRIAL.primary_analysis.model_copy(update=changed))


def of(rows, statistic):
    """Return the rows of one statistic."""
    return [row for row in rows if row.statistic == statistic]


def test_the_plans_choices_are_the_engines():
    """A structure a plan can name is one the engine has, and the report has words for it."""
    assert set(Covariance.__args__) <= set(STRUCTURES)
    assert set(Covariance.__args__) == set(COVARIANCES)
    assert set(DegreesOfFreedom.__args__) == set(METHODS) == set(DEGREES_OF_FREEDOM)


def test_mmrm_is_an_estimator_a_plan_can_name():
    """One line in the table of estimators."""
    assert "mmrm" in ESTIMATORS
    assert estimator_named("mmrm") is estimate


def test_every_statistic_is_in_the_closed_list():
    """A report looks its numbers up by these names."""
    rows = estimated(invented(), random=("therapist:arm=SRT",))
    assert {row.statistic for row in rows} <= set(STATISTICS)


def test_each_visit_has_means_a_difference_and_a_residual_sd():
    """And each pair of visits its correlation."""
    rows = estimated(invented())
    assert [(r.arm, r.visit) for r in of(rows, "adjusted mean")] == [
        (a, v) for v in VISITS for a in ("UC", "SRT")
    ]
    assert [r.visit for r in of(rows, "adjusted mean difference")] == list(VISITS)
    assert [r.visit for r in of(rows, "residual sd")] == list(VISITS)
    assert [r.contrast for r in of(rows, "correlation")] == ["m9, m15", "m9, m24", "m15, m24"]
    assert {r.status for r in rows} == {"ok"}
    assert {r.confidence for r in of(rows, "adjusted mean difference")} == {0.95}


def test_the_difference_is_found_and_its_limits_are_students():
    """The true effect at 9 months is 6; the limits are those of t with the row's own degrees of freedom."""
    from scipy import stats

    row = of(estimated(invented(400)), "adjusted mean difference")[0]
    assert row.value == pytest.approx(6, abs=3 * row.se)
    assert row.upper - row.value == pytest.approx(stats.t.ppf(0.975, row.df) * row.se, rel=1e-9)
    assert row.p_value == pytest.approx(2 * stats.t.sf(abs(row.value) / row.se, row.df), rel=1e-6)


def test_a_covariance_by_group_gives_each_arm_its_own():
    """The arm of a standard deviation says whose it is."""
    rows = of(estimated(invented(), group="arm"), "residual sd")
    assert [(r.arm, r.visit) for r in rows] == [(a, v) for a in ("UC", "SRT") for v in VISITS]
    assert len({round(r.value, 9) for r in rows}) == 6


def test_therapists_in_one_arm_widen_only_what_concerns_that_arm():
    """The partially nested model: controls have no therapist."""
    frame = invented(200, therapist_sd=6.0, seed=3)
    plain, nested = estimated(frame), estimated(frame, random=("therapist:arm=SRT",))
    (sd,) = of(nested, "random effect sd")
    assert sd.contrast == "therapist"
    assert 2 < sd.value < 15
    before, after = ({r.arm: r.se for r in of(rows, "adjusted mean")} for rows in (plain, nested))
    assert after["SRT"] > 1.5 * before["SRT"]
    assert after["UC"] < 1.05 * before["UC"]


def test_participants_without_a_therapist_are_kept_and_counted():
    """Who never came had no therapist: the effect does not act on them, and the row says so."""
    frame = invented(120, therapist_sd=3.0)
    gone = ["P100", "P101"]
    frame.loc[frame["participant"].isin(gone), "therapist"] = None
    rows = estimated(frame, random=("therapist:arm=SRT",))
    assert "2 participants of SRT plus usual care have no therapist" in rows[0].reason
    assert rows[0].n == len(
        frame.dropna(subset=[HOURS])[lambda f: f["visit"] != "baseline"]["participant"].unique()
    )


def test_without_any_therapist_recorded_there_are_no_levels_to_speak_of():
    """ "0 level" was said."""
    frame = invented(40).assign(therapist=None)
    (reason,) = {row.reason for row in estimated(frame, random=("therapist:arm=SRT",))}
    assert "has 0 levels, at least 2 are needed" in reason


def test_a_variance_at_zero_is_a_boundary_and_the_fit_stands():
    """Sites that do not differ."""
    rows = estimated(invented(60), covariates=("sex",), random=("site",))
    assert {r.status for r in of(rows, "adjusted mean difference")} == {"boundary"}
    assert "site variance is zero" in rows[0].reason
    assert of(rows, "random effect sd")[0].value == 0


def test_covariates_by_visit_add_their_products():
    """One coefficient per further visit and level; the likelihood knows."""
    ml = {"method": "ml", "df": "satterthwaite"}
    plain, by_visit = (estimated(invented(), covariates_by_visit=names, **ml) for names in ((), ("sex",)))
    assert of(by_visit, "log-likelihood")[0].value > of(plain, "log-likelihood")[0].value


def test_one_effect_over_all_visits_when_the_plan_says_so():
    """treatment_by_visit = false."""
    (row,) = of(estimated(invented(), treatment_by_visit=False), "treatment effect")
    assert (row.visit, row.contrast) == ("", "SRT - UC")


def test_too_little_data_for_one_covariance_falls_back_and_says_so():
    """No participant was seen at both m9 and m24: their covariance cannot be unstructured."""
    frame = invented(120)
    late = frame["participant"].isin(sorted(frame["participant"].unique())[::2])
    frame.loc[late & (frame["visit"] == "m9"), HOURS] = np.nan
    frame.loc[~late & (frame["visit"] == "m24"), HOURS] = np.nan
    rows = estimated(frame)
    row = of(rows, "adjusted mean difference")[0]
    assert row.status == "ok"
    assert "fallen back on from unstructured" in row.method
    assert "covariance us was left" in row.reason
    assert {r.status for r in estimated(frame, fallback=())} == {"refused"}


def test_data_the_engine_refuses_are_told_not_raised():
    """A reason in each row of the comparison; the rest of the plan still runs."""
    frame = invented(40)
    frame.loc[frame["visit"].isin(["m15", "m24"]), HOURS] = np.nan
    rows = estimated(frame)
    assert {(r.statistic, r.status) for r in rows} == {("adjusted mean difference", "refused")}
    assert "at least 2" in rows[0].reason
    assert math.isnan(rows[0].value)


def test_an_empty_cell_is_not_estimable_and_the_rest_is_given():
    """No observation of one arm at one visit: its mean and difference have a reason, the others a number."""
    frame = invented(80)
    frame.loc[(frame["arm"] == "SRT") & (frame["visit"] == "m24"), HOURS] = np.nan
    rows = estimated(frame)
    by_visit = {r.visit: r for r in of(rows, "adjusted mean difference")}
    assert by_visit["m24"].status == "not estimable"
    reason = (
        "no participant of SRT plus usual care has the outcome at 24 months, its baseline and every covariate"
    )
    assert by_visit["m24"].reason == reason  # not that columns can't be told apart
    unseen = [r for r in of(rows, "adjusted mean") if r.status != "ok"]
    assert [(r.arm, r.visit, r.reason) for r in unseen] == [("SRT", "m24", reason)]
    assert math.isfinite(by_visit["m9"].value)
    assert {r.status for r in of(rows, "adjusted mean") if r.arm == "UC"} == {"ok"}


def test_an_arm_without_observations_is_not_estimable():
    """Before the arm's first follow-up."""
    frame = invented(40)
    frame.loc[frame["arm"] == "SRT", HOURS] = np.nan
    assert {r.status for r in estimated(frame)} == {"not estimable"}


def test_participants_in_any_order_give_the_same_rows():
    """Nothing hangs on the order of the records."""
    frame = invented(60)
    one, other = estimated(frame), estimated(frame.sample(frac=1, random_state=2))
    assert [r.value for r in other] == pytest.approx([r.value for r in one], rel=1e-8)


def test_method_names_covariance_random_effects_and_df():
    """The sentence under the report's table."""
    analysis = TRIAL.primary_analysis.model_copy(update={"random": ("site",), "group": "arm", "method": "ml"})
    assert method_of(analysis) == (
        "mixed model for repeated measures, unstructured covariance over visits, by arm, random effects site, "
        "maximum likelihood, Kenward-Roger degrees of freedom"
    )


def comparison(value, *, status="ok"):
    """Return a difference at the primary visit, of SE 2."""
    return Statistic(
        "adjusted mean difference", value, visit="m9", contrast="SRT - UC", se=2.0, status=status, n=10
    )


def test_agreement_is_the_distance_in_the_primarys_standard_errors():
    """5 and 4 with an SE of 2 lie half an SE apart."""
    found = {"primary": [comparison(5.0)], "ancova": [comparison(4.0)]}
    (row,) = agreement_rows(found, TRIAL, TRIAL.analyses["ancova"])
    assert (row.statistic, row.value, row.visit, row.contrast) == ("agreement", 0.5, "m9", "SRT - UC")


def test_only_cross_checks_with_an_estimate_have_an_agreement():
    """A sensitivity analysis asks something else; a refused one says nothing."""
    found = {"primary": [comparison(5.0)], "ancova": [comparison(math.nan, status="refused")],
             "therapist": [comparison(5.0)]}  # fmt: skip
    assert not list(agreement_rows(found, TRIAL, TRIAL.analyses["ancova"]))
    assert not list(agreement_rows(found, TRIAL, TRIAL.analyses["therapist"]))
