"""Secondary outcomes where they are hard: empty cells, no events, one level; families of hypotheses by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimators import counts, ordinal, responder, time_to_event
from analysis.estimators.firth import fit_firth, profile_limits
from analysis.estimators.multiplicity import adjust, with_families
from analysis.estimators.observed import observed_means
from analysis.estimators.survival_curve import kaplan_meier
from analysis.results import Statistic
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Family


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


def _set(n=40, **columns):
    rng = np.random.default_rng(5)
    return pd.DataFrame({
        "participant": [f"P{i}" for i in range(n)],
        "arm": pd.Categorical(np.where(np.arange(n) % 2, "SRT", "UC"), ["UC", "SRT"]),
        "sex": rng.choice(["Female", "Male"], n), "site": "Norfolk", "month": 9.0, "in_randomised": True,
        "structured_activity_hours_baseline": rng.gamma(2, 5, n), **columns,
    })  # fmt: skip


def _rows(estimator, frame, trial, name):
    analysis = trial.analyses[name].model_copy(update={"covariates": ()})
    return estimator.estimate(frame.assign(visit=trial.estimands[analysis.estimand].visit), trial, analysis)


def _one(rows, statistic, arm=""):
    return next(row for row in rows if row.statistic == statistic and row.arm == arm)


def test_firth_of_a_two_by_two_table_adds_half_to_each_cell():
    """A saturated model: 0 of 10 against 4 of 10 gives log((4.5/6.5) / (0.5/10.5))  (Firth 1993)."""
    outcome = np.array([0] * 10 + [1] * 4 + [0] * 6, dtype=float)
    design = np.column_stack([np.ones(20), np.repeat([0.0, 1.0], 10)])
    fit = fit_firth(outcome, design)
    assert fit.converged
    assert fit.beta[1] == pytest.approx(math.log((4.5 / 6.5) / (0.5 / 10.5)), abs=1e-6)


def test_firth_limits_are_where_the_penalised_deviance_is_the_quantile():
    outcome = np.array([0] * 10 + [1] * 4 + [0] * 6, dtype=float)
    design = np.column_stack([np.ones(20), np.repeat([0.0, 1.0], 10)])
    lower, upper, p = profile_limits(outcome, design, 1, 0.95)
    best = fit_firth(outcome, design).log_likelihood
    for limit in (lower, upper):
        assert 2 * (best - fit_firth(outcome, design, {1: limit}).log_likelihood) == pytest.approx(
            3.841459, abs=1e-4
        )
    zero = 2 * (best - fit_firth(outcome, design, {1: 0.0}).log_likelihood)
    assert p == pytest.approx(math.erfc(math.sqrt(zero / 2)), rel=1e-9)
    assert lower < fit_firth(outcome, design).beta[1] < upper


def test_an_empty_cell_is_analysed_with_firth_s_penalty_and_said(trial):
    """ISREP: nobody in paid work in one arm; maximum likelihood would report an infinite odds ratio."""
    frame = _set(above_30_hours=np.where(np.arange(40) % 4 == 1, 1.0, 0.0))
    rows = _rows(responder, frame, trial, "above_30_hours")
    conditional = _one(rows, "conditional odds ratio")
    assert "nobody in Usual care had the outcome" in conditional.reason
    assert 1 < conditional.lower < conditional.value < conditional.upper < math.inf
    assert _one(rows, "percent", "UC").value == 0
    assert 0 < _one(rows, "proportion", "UC").value < 0.2


def test_a_cut_that_nobody_of_an_arm_reached_is_said_as_such(trial):
    """Of severe depression nobody "responds"; and who reads it knows arms by their labels."""
    level = np.where(np.arange(40) % 2, np.arange(40) % 3, np.arange(40) % 4 == 0).astype(float)
    rows = _rows(ordinal, _set(disability_level=level), trial, "disability_level")
    flags = [row.reason for row in rows if row.statistic == "odds ratio"]
    assert flags == ["", flags[1]]
    assert flags[1].startswith("nobody in Usual care was at or above this cut: maximum likelihood")


def test_without_covariates_the_standardised_difference_is_the_observed_one(trial):
    """By hand: proportions, and the binomial variances added."""
    frame = _set(above_30_hours=np.where(np.arange(40) % 5 < 2, 1.0, 0.0))
    analysis = trial.analyses["above_30_hours"].model_copy(update={"covariates": (), "baseline": False})
    rows = responder.estimate(frame.assign(visit="m9"), trial, analysis)
    means = frame.groupby("arm", observed=True)["above_30_hours"].mean()
    row = _one(rows, "risk difference")
    variance = sum(p * (1 - p) / 20 for p in means)
    assert [row.value, row.se] == pytest.approx([means["SRT"] - means["UC"], math.sqrt(variance)], abs=1e-9)


def test_everybody_alike_is_not_estimable_in_words(trial):
    """That nobody of 20 and nobody of 20 responded is what there is to report."""
    rows = _rows(responder, _set(above_30_hours=0.0), trial, "above_30_hours")
    (effect,) = [row for row in rows if row.contrast]
    assert effect.status == "not estimable"
    assert "same outcome" in effect.reason
    seen = {row.arm: (row.value, row.n) for row in rows if row.statistic == "count"}
    assert seen == {"UC": (0, 20), "SRT": (0, 20)}


def test_an_arm_without_events_has_its_rate_and_no_ratio(trial):
    frame = _set(admissions=np.where(np.arange(40) % 4 == 1, 1.0, 0.0), admissions_days=365.25)
    rows = _rows(counts, frame, trial, "admissions")
    assert _one(rows, "rate", "SRT").value == pytest.approx(0.5)
    assert _one(rows, "follow-up", "UC").value == pytest.approx(20)
    ratio = _one(rows, "rate ratio")
    assert ratio.status == "not estimable"
    assert "no event in Usual care" in ratio.reason


def test_days_of_a_form_are_counted_at_their_visit(trial):
    """Days of use in a month: no time followed, so means and a ratio of means; the second route agrees."""
    from analysis.estimators.second_route.compare import second_route_rows

    days = trial.outcomes["admissions"].model_copy(
        update={"event": "", "until_days": None, "form": "time_use", "column": "days", "unit": "days"}
    )
    own = trial.model_copy(update={"outcomes": {**trial.outcomes, "admissions": days}})
    rng = np.random.default_rng(2)
    frame = _set(n=80, admissions=rng.poisson(rng.gamma(2, 3, 80)).astype(float)).assign(visit="m24")
    analysis = own.analyses["admissions"].model_copy(update={"covariates": (), "baseline": False})
    rows = counts.estimate(frame, own, analysis)
    ratio, means = _one(rows, "rate ratio"), frame.groupby("arm", observed=True)["admissions"].mean()
    assert ratio.visit == "m24"
    assert ratio.value == pytest.approx(means["SRT"] / means["UC"], rel=1e-6)
    assert [row.status for row in second_route_rows(frame, own, analysis, rows)] == ["ok"]


def test_values_that_are_no_counts_are_refused(trial):
    rows = _rows(counts, _set(admissions=np.linspace(0, 2, 40), admissions_days=365.25), trial, "admissions")
    assert {row.status for row in rows} == {"refused"}


def test_a_fault_in_one_analysis_leaves_the_rest_of_the_plan_and_quotes_nothing(trial, monkeypatch):
    """The night still answers the other questions, and the row says what to report."""
    from analysis.estimators import plan

    def broken(*_):
        raise KeyError("P017 said no")

    monkeypatch.setattr(plan, "estimator_named", lambda _: broken)
    (row,) = plan._estimate(_set(), trial, trial.analyses["admissions"])
    assert row.status == "failed"
    assert "KeyError in test_secondary_outcomes.py" in row.reason
    assert "P017" not in row.reason


def test_no_event_at_all_leaves_the_rest_of_the_plan_running(trial):
    frame = _set(time_to_admission=0.0, time_to_admission_days=np.linspace(710, 730, 40))
    rows = _rows(time_to_event, frame, trial, "time_to_admission")
    assert _one(rows, "event-free", "UC").value == 1
    assert {_one(rows, name).status for name in ("log-rank", "hazard ratio")} == {"not estimable"}
    assert _one(rows, "restricted mean", "UC").value == 700


def test_two_levels_are_no_ordinal_outcome(trial):
    rows = _rows(
        ordinal, _set(disability_level=np.where(np.arange(40) % 3 == 0, 1.0, 0.0)), trial, "disability_level"
    )
    assert "fewer than three levels" in _one(rows, "common odds ratio").reason


def test_a_curve_and_its_mean_by_hand():
    """Times 2, 4+, 6: survival 2/3 from 2 on, 0 from 6 on; area to 6 is 2 + 4 x 2/3."""
    curve = kaplan_meier(np.array([2.0, 4.0, 6.0]), np.array([1.0, 0.0, 1.0]))
    assert curve.at(3)[0] == pytest.approx(2 / 3)
    mean, se = curve.restricted_mean(6)
    assert mean == pytest.approx(2 + 4 * 2 / 3)
    assert se == pytest.approx((4 * 2 / 3) * math.sqrt(1 / (3 * 2)))


@pytest.mark.parametrize(("method", "gates", "expected"), [
    ("none", [[0.03, 0.01]], [0.03, 0.01]),
    ("holm", [[0.01, 0.04, 0.03]], [0.03, 0.06, 0.06]),
    ("hochberg", [[0.01, 0.04, 0.03]], [0.03, 0.04, 0.04]),
    ("fixed sequence", [[0.01, 0.06, 0.02]], [0.01, 0.06, 0.06]),
    ("gatekeeping", [[0.02], [0.01, 0.03]], [0.02, 0.02, 0.03]),
    ("gatekeeping", [[0.02, 0.04], [0.001]], [0.04, 0.04, 0.04]),
])  # fmt: skip
def test_adjusted_p_values_by_hand(method, gates, expected):
    assert [a.p for a in adjust(gates, method, 0.05)] == pytest.approx(expected, abs=1e-12)


def test_a_closed_gate_leaves_what_follows_untested():
    found = adjust([[0.2], [0.0001]], "gatekeeping", 0.05)
    assert [a.gate for a in found] == ["not rejected", "not tested"]


def test_an_answer_that_could_not_be_had_closes_the_sequence():
    """To leave it out would test the next at a level it has not earned."""
    found = adjust([[0.01, math.nan, 0.01]], "fixed sequence", 0.05)
    assert [a.gate for a in found] == ["rejected", "not rejected", "not tested"]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=8), st.sampled_from(["holm", "hochberg", "fixed sequence"])
)
def test_adjusting_never_lowers_a_p_value_and_hochberg_never_exceeds_holm(p_values, method):
    found = [a.p for a in adjust([p_values], method, 0.05)]
    assert all(a >= p - 1e-12 for a, p in zip(found, p_values, strict=True))
    holm, hochberg = ([a.p for a in adjust([p_values], m, 0.05)] for m in ("holm", "hochberg"))
    assert all(b <= a + 1e-12 for a, b in zip(holm, hochberg, strict=True))


@pytest.mark.parametrize(("method", "theirs"), [("holm", "holm"), ("hochberg", "simes-hochberg")])
def test_adjusted_p_values_are_those_of_statsmodels(method, theirs):
    """Another program; with ties and a p-value of one."""
    from statsmodels.stats.multitest import multipletests

    p_values = [0.04, 0.001, 0.04, 1.0, 0.2, 0.012, 0.0]
    expected = multipletests(p_values, method=theirs)[1]
    assert [a.p for a in adjust([p_values], method, 0.05)] == pytest.approx(list(expected), abs=1e-15)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_rejected_means_an_adjusted_p_value_at_most_alpha(first, second):
    for own in adjust([first, second], "gatekeeping", 0.05):
        assert (own.gate == "rejected") == (own.p <= 0.05)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (responder, "above_30_hours"), (ordinal, "disability_level"), (counts, "admissions"),
        (time_to_event, "time_to_admission"),
    ],
)  # fmt: skip
def test_an_arm_that_a_covariate_tells_apart_is_not_compared(trial, estimator, name):
    """Left out as a combination of the sites, the arm would have no coefficient: a difference of exactly nothing."""
    rng = np.random.default_rng(2)
    frame = _set(
        above_30_hours=rng.integers(0, 2, 40).astype(float), disability_level=rng.integers(0, 3, 40).astype(float),
        admissions=rng.integers(0, 3, 40).astype(float), admissions_days=500.0,
        time_to_admission=rng.integers(0, 2, 40).astype(float), time_to_admission_days=rng.integers(1, 700, 40) * 1.0,
    )  # fmt: skip
    frame["site"] = np.where(frame["arm"] == "SRT", "Norfolk", "Sussex")
    analysis = trial.analyses[name].model_copy(update={"covariates": ("site",)})
    visit = trial.estimands[analysis.estimand].visit
    rows = estimator.estimate(frame.assign(visit=visit), trial, analysis)
    (row,) = [row for row in rows if row.status != "ok"]
    assert (row.status, row.contrast) == ("not estimable", "SRT - UC")
    assert {(other.arm, other.method) for other in rows if other is not row} == {
        ("UC", "observed"),
        ("SRT", "observed"),
    }
    assert row.reason == "the covariates tell SRT plus usual care apart: leave out those that do"


def test_a_curve_is_not_drawn_out_beyond_the_time_an_arm_was_followed(trial):
    """Nobody of SRT had the event within 100 days; at day 700 nothing is known of them, least of all a mean of 700."""
    treated = np.arange(40) % 2 == 1
    frame = _set(
        time_to_admission=np.where(treated, 0.0, (np.arange(40) % 4 == 0) * 1.0),
        time_to_admission_days=np.where(treated, 100.0, 710.0 - np.arange(40)),
    )
    rows = _rows(time_to_event, frame, trial, "time_to_admission")
    shown = {(r.statistic, r.arm): (r.status, r.reason) for r in rows}
    short = ("not estimable", "nobody of arm SRT was followed to day 700")
    assert shown["event-free", "SRT"] == short
    assert shown["restricted mean difference", ""] == short
    assert shown["event-free", "UC"] == ("ok", "")
    assert shown["log-rank", ""] == ("not estimable", "at no event were both arms still followed")


def test_events_of_a_curve_stand_with_the_time_their_arm_was_followed(trial):
    """Followed to the event or to the end: 1 of UC after half a year, the other 19 for two years."""
    year = 365.25
    frame = _set(
        time_to_admission=np.where(np.arange(40) == 0, 1.0, 0.0),
        time_to_admission_days=np.where(np.arange(40) == 0, year / 2, 2 * year),
    )
    rows = _rows(time_to_event, frame, trial, "time_to_admission")
    assert _one(rows, "count", "UC").value == 1
    assert _one(rows, "follow-up", "UC").value == pytest.approx(38.5)
    assert _one(rows, "rate", "UC").value == pytest.approx(1 / 38.5)
    assert _one(rows, "rate", "UC").unit == "events a person-year"
    assert (_one(rows, "count", "SRT").value, _one(rows, "rate", "SRT").value) == (0, 0)


def test_an_arm_that_nobody_is_left_of_has_no_observed_row(trial):
    """A mean of nobody is no number; the other arm is still told."""
    frame = _set(above_30_hours=np.where(np.arange(40) % 2, np.nan, 1.0))
    rows = _rows(responder, frame, trial, "above_30_hours")
    assert {row.arm for row in rows if row.statistic == "percent"} == {"UC"}
    assert "no participant of SRT plus usual care has" in _one(rows, "adjusted mean difference").reason


def _by_visit(**changed):
    """Return three of UC and two of SRT at 9 months; another visit, and one without a baseline, count for nothing."""
    own = {"UC": [2.0, 4.0, 9.0], "SRT": [5.0, 6.0]}
    rows = [(arm, "m9", value, 3.0) for arm, values in own.items() for value in values]
    rows += [("UC", "m15", 70.0, 3.0), ("SRT", "m9", 80.0, math.nan), ("SRT", "m9", math.nan, 3.0)]
    names = ["arm", "visit", "loneliness", "loneliness_baseline"]
    return pd.DataFrame(rows, columns=names).assign(in_randomised=True, sex="Male", site="Norfolk", **changed)


def test_what_was_observed_of_a_mean_is_of_those_analysed_at_the_estimands_visit(trial):
    """By hand: 2, 4 and 9 have the mean 5 and the SD sqrt(26 / 2)."""
    rows = list(observed_means(_by_visit(), trial, trial.analyses["loneliness"]))
    told = {(row.arm, row.statistic): row.value for row in rows}
    assert told["UC", "count"] == 3
    assert told["UC", "observed mean"] == pytest.approx(5)
    assert told["UC", "observed sd"] == pytest.approx(math.sqrt(13))
    assert told["SRT", "observed mean"] == pytest.approx(5.5)
    assert {(row.visit, row.method) for row in rows} == {("m9", "observed")}


def test_of_one_participant_there_is_a_mean_and_no_sd(trial):
    frame = _by_visit()
    frame.loc[frame["loneliness"] == 6, "loneliness"] = math.nan
    rows = list(observed_means(frame, trial, trial.analyses["loneliness"]))
    assert [row.statistic for row in rows if row.arm == "SRT"] == ["count", "observed mean"]


def test_the_plan_puts_what_was_observed_before_what_was_estimated(trial, monkeypatch):
    """Also where the estimator has nothing to say."""
    from analysis.estimators import plan

    monkeypatch.setattr(plan, "estimator_named", lambda _: lambda *_: [])
    rows = plan._estimate(_by_visit(), trial, trial.analyses["loneliness"])
    assert [row.statistic for row in rows] == ["count", "observed mean", "observed sd"] * 2


def _secondary(trial, name, estimator):
    own = {"role": "secondary", "estimator": estimator, "estimand": trial.analyses["loneliness"].estimand}
    return trial.analyses[name].model_copy(update=own)


@pytest.mark.parametrize("estimator", ["cace", "moderator", "tipping_point"])
def test_an_answer_that_is_no_difference_of_means_has_no_observed_means_beside_it(trial, estimator):
    """Their count by arm was read as the number of those who complied."""
    assert list(observed_means(_by_visit(), trial, _secondary(trial, "loneliness", estimator))) == []
    assert list(observed_means(_by_visit(), trial, _secondary(trial, "loneliness", "reference_based_mi")))


def test_a_broken_estimator_leaves_what_was_observed(trial, monkeypatch):
    """What was seen is known whatever a model makes of it."""
    from analysis.estimators import plan

    monkeypatch.setattr(plan, "estimator_named", lambda _: lambda *_: 1 / 0)
    rows = plan._estimate(_by_visit(), trial, trial.analyses["loneliness"])
    seen = [row.statistic for row in rows if row.status == "ok"]
    assert seen == ["count", "observed mean", "observed sd"] * 2
    assert "ZeroDivisionError" in rows[-1].reason


def test_what_was_observed_does_not_take_the_estimate_with_it(trial, monkeypatch):
    """A fault beside the answer must not cost the answer."""
    from analysis.estimators import plan

    answer = Statistic("adjusted mean difference", 1.0)
    monkeypatch.setattr(plan, "estimator_named", lambda _: lambda *_: [answer])
    monkeypatch.setattr(plan, "observed_means", lambda *_: 1 / 0)
    failed, found = plan._estimate(_by_visit(), trial, trial.analyses["loneliness"])
    assert found is answer
    assert (failed.status, failed.statistic) == ("failed", "observed mean")


@pytest.mark.parametrize("name", ["primary", "above_30_hours"])
def test_other_roles_and_kinds_have_their_observed_rows_elsewhere(trial, name):
    assert list(observed_means(_by_visit(), trial, trial.analyses[name])) == []


def test_without_any_event_the_restricted_means_have_no_difference(trial):
    """Both are the horizon itself; an interval from 0 to 0 would be certainty out of no information."""
    frame = _set(time_to_admission=0.0, time_to_admission_days=710.0)
    rows = _rows(time_to_event, frame, trial, "time_to_admission")
    found = _one(rows, "restricted mean difference")
    assert found.status == "not estimable"
    assert "no event in either arm" in found.reason


def test_counts_that_spread_beyond_poisson_s_are_not_given_its_errors(trial, monkeypatch):
    """Where the negative binomial's search fails, its model does not become Poisson's unless nothing is dispersed."""
    fitted = counts._fitted
    monkeypatch.setattr(counts, "_fitted", lambda kind, *a: fitted(kind, *a) if kind == "poisson" else None)
    arm = pd.DataFrame({"one": np.ones(40), "arm[SRT]": np.arange(40) % 2.0})
    days = np.full(40, 365.0)
    spread = np.where(np.arange(40) % 5 == 0, 9.0, 0.0)
    assert counts.fit_counts(spread, days, arm) is None
    assert counts.fit_counts(np.arange(40) % 2 + 1.0, days, arm).dispersion == 0
    assert counts.why_no_fit(spread, arm) == "the model did not converge"  # 72 events are not too few


def _one_came_twice(n, people):
    """Return counts: the first `people` of `n` had an event, the very first of them two."""
    events = np.where(np.arange(n) < people, 1.0, 0.0)
    events[0] = 2.0
    return events, np.arange(n) % 2.0


def test_a_maximum_is_told_by_its_gradient_not_by_the_last_step():
    """Rounding kept statsmodels' steps above its tolerance for ever, and "too few events" was said of 17.

    The numbers are R's: MASS::glm.nb, the SE from numDeriv's second derivatives of the full likelihood.
    """
    events, arm = _one_came_twice(150, 16)
    sex = (np.arange(150) % 3 == 0).astype(float)
    design = pd.DataFrame({"one": 1.0, "sex": sex, "arm[SRT]": arm})
    fit = counts.fit_counts(events, 730 - np.arange(150) % 7.0, design)
    assert fit.beta == pytest.approx([-8.834361962213, 0.336446522342, -0.117861363116], rel=1e-7)
    assert fit.dispersion == pytest.approx(0.0043243370, rel=1e-5)  # so flat that R's own digits end here
    assert fit.log_likelihood == pytest.approx(-54.4423654404, rel=1e-11)
    assert fit.cov_beta[2, 2] ** 0.5 == pytest.approx(0.4860436998, rel=1e-7)


def test_a_dispersion_next_to_nothing_makes_the_model_poisson_s():
    """It was taken for a search that failed."""
    events, arm = _one_came_twice(100, 13)
    fit = counts.fit_counts(events, np.full(100, 730.0), pd.DataFrame({"one": 1.0, "arm[SRT]": arm}))
    assert fit.dispersion == 0
    assert fit.beta[1] == pytest.approx(np.log(6 / 8))  # eight events and six in fifty each


def test_too_few_events_is_said_where_a_term_has_none():
    events, arm = _one_came_twice(100, 13)
    design = pd.DataFrame({"one": 1.0, "site": (np.arange(100) > 20) * 1.0, "arm[SRT]": arm})
    assert counts.fit_counts(events, np.full(100, 730.0), design) is None
    assert counts.why_no_fit(events, design).endswith("too few events for its terms")


@pytest.mark.parametrize(
    ("estimator", "name", "codes", "why"),
    [
        (responder, "above_30_hours", [1.0, 2.0], "values other than 1 (responded) and 0"),
        (ordinal, "disability_level", [1.0, 2.0, 3.0], "values other than 0 to 2"),
    ],
)
def test_codes_that_are_no_levels_are_refused(trial, estimator, name, codes, why):
    """Yes is 1 and no is 2 in many a file: taken as it is, everybody would have responded."""
    frame = _set(**{name: np.resize(codes, 40)})
    assert {(r.status, why in r.reason) for r in _rows(estimator, frame, trial, name)} == {("refused", True)}


def test_an_analysis_without_a_p_value_keeps_its_gate_shut(trial):
    """A tipping point has none: left out of its gate, the next would be tested as if it had been rejected."""
    family = Family(name="f", label="f", method="gatekeeping", gates=(("tipping_point",), ("loneliness",)))
    record = {
        "statistic": "adjusted mean difference",
        "contrast": "SRT - UC",
        "visit": "m9",
        "p_value": 0.001,
    }
    records = [{"analysis": "loneliness", "status": "ok", **record}]
    (found,) = with_families(records, trial.model_copy(update={"families": {"f": family}}))
    assert (found["gate"], found["p_adjusted"]) == ("not tested", 1.0)


def test_an_effect_at_a_level_is_no_answer_of_a_family(trial):
    """The answer of a moderator is its interaction; a level that can't be estimated is not a second hypothesis."""
    family = Family(name="f", label="f", method="holm", analyses=("by_loneliness",))
    shared = {"analysis": "by_loneliness", "contrast": "SRT - UC", "visit": "m9"}
    records = [
        {**shared, "statistic": "interaction test", "status": "ok", "p_value": 0.04},
        {
            **shared,
            "statistic": "adjusted mean difference",
            "status": "not estimable",
            "p_value": float("nan"),
        },
    ]
    found = with_families(records, trial.model_copy(update={"families": {"f": family}}))
    assert (found[0]["p_adjusted"], found[0]["gate"], "gate" in found[1]) == (0.04, "rejected", False)
