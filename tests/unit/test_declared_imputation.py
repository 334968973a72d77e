"""A declared imputation does what the plan says: whose strategy, from which visit on, with which data."""

import numpy as np
import pandas as pd
import pytest

from analysis.estimators import reference_based_mi, tipping_point
from analysis.estimators.imputed import impute, method_of
from analysis.imputation.errors import ImputationError, Refusal
from analysis.reporting.tables.tipping import tipping_tables
from analysis.results import results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Imputation, Tipping


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def analysis_set():
    """Sixty participants, three visits; the first four of the therapy arm end therapy on day 300."""
    rng, n = np.random.default_rng(8), 60
    arm = np.where(np.arange(n) % 2, "SRT", "UC")
    ended = np.where((arm == "SRT") & (np.arange(n) < 8), 300.0, np.nan)
    people = pd.DataFrame({
        "participant": [f"P{i:02d}" for i in range(n)], "arm": pd.Categorical(arm, ["UC", "SRT"]),
        "site": rng.choice(["Norfolk", "Sussex"], n), "sex": rng.choice(["Female", "Male"], n),
        "structured_activity_hours_baseline": rng.gamma(2, 5, n), "in_randomised": True,
        "event_ended_therapy_day": ended, "therapist": np.where(arm == "SRT", [f"T{i % 5}" for i in range(n)], None),
        "level": rng.normal(0, 6, n),
    })  # fmt: skip
    visits = [("m9", 9.0, 274.0), ("m15", 15.0, 457.0), ("m24", 24.0, 731.0)]
    whole = pd.concat([people.assign(visit=v, month=m, days_since_randomisation=d) for v, m, d in visits])
    hours = 20 + whole["level"] + 5 * (whole["arm"] == "SRT") + rng.normal(0, 6, len(whole))
    leaves = rng.integers(1, 9, n)  # the visit from which some are no longer seen
    gone = np.tile(leaves, 3) <= np.repeat([1, 2, 3], n)
    gone &= ~np.tile(np.isfinite(ended), 3)
    whole["structured_activity_hours"] = hours.where(~gone)
    return whole.reset_index(drop=True)


def _analysis(trial, estimator="reference_based_mi", tipping=None, **imputation):
    update = {"estimator": estimator, "imputation": Imputation(**imputation), "tipping": tipping}
    return trial.analyses["primary"].model_copy(update=update)


def _difference(rows, visit="m24"):
    return next(r for r in rows if r.statistic == "adjusted mean difference" and r.visit == visit)


def test_missing_at_random_is_near_the_mixed_model_and_says_how_it_was_done(trial, analysis_set):
    rows = reference_based_mi.estimate(analysis_set, trial, _analysis(trial))
    row = _difference(rows)
    assert row.status == "ok"
    assert row.n_by_arm == "UC 30, SRT 30"
    assert row.method.startswith("missing at random; conditional-mean imputation; jackknife standard error")
    imputed = {(r.arm, r.visit): r.value for r in rows if r.statistic == "imputed"}
    missing = analysis_set[analysis_set["structured_activity_hours"].isna()]
    assert imputed == {
        (arm, visit): len(missing[(missing["arm"] == arm) & (missing["visit"] == visit)])
        for arm, visit in imputed
    }


def test_reference_based_strategies_stand_with_both_standard_errors(trial, analysis_set):
    """Rubin's and the jackknife's answer different questions; a reader must see which and how far apart."""
    rows = reference_based_mi.estimate(analysis_set, trial, _analysis(trial, strategy="j2r"))
    assert {r.at for r in rows if r.statistic == "other standard error"} == {"rubin"}
    drawn = _analysis(trial, strategy="j2r", route="approxbayes", se="rubin", m=20)
    rows = reference_based_mi.estimate(analysis_set, trial, drawn)
    assert {r.at for r in rows if r.statistic == "other standard error"} == {"jackknife"}
    assert all(r.value > 0 for r in rows if r.statistic == "monte-carlo error")


def test_a_declared_event_counts_from_the_first_visit_after_it(trial, analysis_set):
    """Day 300 lies after the visit at 9 months (day 274): the visits from 15 months on are affected."""
    found = impute(analysis_set, trial, _analysis(trial, by_event={"ended_therapy": "j2r"}))
    place = found.outcomes.index_of()
    assert {int(found.events.first[place[f"P{i:02d}"]]) for i in (1, 3, 5, 7)} == {1}
    assert {found.events.strategies[place[f"P{i:02d}"]] for i in (1, 3, 5, 7)} == {"j2r"}
    others = [k for who, k in place.items() if who not in {"P01", "P03", "P05", "P07"}]
    assert {found.events.strategies[k] for k in others} == {"mar"}


def test_what_was_seen_after_the_event_is_used_or_set_aside_as_declared(trial, analysis_set):
    """Retrieved drop-outs: four participants with two visits each."""
    used = impute(analysis_set, trial, _analysis(trial, by_event={"ended_therapy": "j2r"}))
    aside = impute(
        analysis_set, trial, _analysis(trial, by_event={"ended_therapy": "j2r"}, after_event="set aside")
    )
    assert aside.outcomes.is_missing.sum() == used.outcomes.is_missing.sum() + 8
    hypothetical = _analysis(trial, by_event={"ended_therapy": "mar"}, after_event="set aside")
    assert (
        impute(analysis_set, trial, hypothetical).outcomes.is_missing.sum() == aside.outcomes.is_missing.sum()
    )


def test_a_dropout_before_the_event_keeps_its_own_strategy(trial, analysis_set):
    gone = analysis_set.assign(structured_activity_hours=analysis_set["structured_activity_hours"].mask(
        analysis_set["participant"] == "P01"
    ))  # fmt: skip
    found = impute(gone, trial, _analysis(trial, strategy="cir", by_event={"ended_therapy": "j2r"}))
    k = found.outcomes.index_of()["P01"]
    assert (int(found.events.first[k]), found.events.strategies[k]) == (0, "cir")


def test_an_arm_may_have_a_strategy_of_its_own(trial, analysis_set):
    found = impute(analysis_set, trial, _analysis(trial, by_arm={"SRT": "j2r"}))
    by_arm = {found.outcomes.arms[a]: found.events.strategies[k] for k, a in enumerate(found.outcomes.arm)}
    assert by_arm == {"UC": "mar", "SRT": "j2r"}


def test_a_cluster_is_left_out_as_a_whole_and_said(trial, analysis_set):
    one = _difference(reference_based_mi.estimate(analysis_set, trial, _analysis(trial)))
    clustered = _analysis(trial, cluster="therapist")
    other = _difference(reference_based_mi.estimate(analysis_set, trial, clustered))
    assert other.value == pytest.approx(one.value, rel=1e-9)
    assert other.se != pytest.approx(one.se, rel=1e-3)
    assert "by therapist" in method_of(clustered)


def test_whoever_has_no_baseline_is_left_out_and_counted(trial, analysis_set):
    without = analysis_set.copy()
    without.loc[without["participant"] == "P10", "structured_activity_hours_baseline"] = np.nan
    row = _difference(reference_based_mi.estimate(without, trial, _analysis(trial)))
    assert row.n == 59
    assert "1 participants without a baseline or a covariate are left out" in row.reason


def test_an_arm_never_seen_at_a_visit_is_refused_in_words(trial, analysis_set):
    at = (analysis_set["arm"] == "SRT") & (analysis_set["visit"] == "m24")
    gone = analysis_set.assign(structured_activity_hours=analysis_set["structured_activity_hours"].mask(at))
    row = _difference(reference_based_mi.estimate(gone, trial, _analysis(trial)))
    assert row.status in {"refused", "failed"}
    who = (
        "no participant of SRT plus usual care has the outcome at 24 months, its baseline and every covariate"
    )
    assert row.reason == f"{who}: nothing to impute from"


def test_a_refusal_of_several_parts_is_one_reason():
    """Their full stops stood before the semicolons."""
    parts = [Refusal("arm", "nothing", "something", "Do this."), Refusal("visit", "nothing", "something")]
    reason = reference_based_mi._why(ImputationError("The table can't be imputed from.", parts))
    assert reason.startswith("the table can't be imputed from: arm")
    assert "Do this; visit" in reason
    assert not reason.endswith(".")


def test_the_tipping_delta_is_where_p_is_five_per_cent(trial, analysis_set):
    """Found by root finding, and the grid at that delta would show p = 0.05."""
    analysis = _analysis(trial, "tipping_point", Tipping(deltas=(-20, 0), reference_deltas=(0, 5)))
    own = trial.model_copy(update={
        "estimands": {**trial.estimands, "activity_9_months": trial.primary.model_copy(update={"visit": "m24"})}
    })  # fmt: skip
    strong = analysis_set.assign(structured_activity_hours=analysis_set["structured_activity_hours"] + np.where(
        analysis_set["arm"] == "SRT", 3.0, 0.0
    ))  # fmt: skip
    rows = tipping_point.estimate(strong, own, analysis)
    point = next(r for r in rows if r.statistic == "tipping delta")
    assert point.value < 0
    assert point.p_value == pytest.approx(0.05, abs=1e-8)
    again = _analysis(trial, "tipping_point", Tipping(deltas=(point.value, 0)))
    grid = [
        r for r in tipping_point.estimate(strong, own, again) if r.statistic == "delta-adjusted difference"
    ]
    assert grid[0].p_value == pytest.approx(0.05, abs=1e-8)
    plain = _difference(reference_based_mi.estimate(strong, own, _analysis(trial)))
    assert grid[1].value == pytest.approx(plain.value, rel=1e-10)
    assert grid[1].se == pytest.approx(plain.se, rel=1e-10)


def test_the_table_of_deltas_reads_as_planned(trial, analysis_set):
    analysis = _analysis(trial, "tipping_point", Tipping(deltas=(-5, 0, 5), reference_deltas=(-2.5, 0)))
    own = trial.model_copy(
        update={
            "analyses": {
                "primary": trial.analyses["primary"],
                "tipping_point": analysis.model_copy(update={"name": "tipping_point"}),
            }
        }
    )
    rows = tipping_point.estimate(analysis_set, own, analysis)
    (table,) = tipping_tables(results_frame(rows, analysis="tipping_point", outcome="x"), own)
    assert [column.label for column in table.columns[1:]] == ["−2.5", "0"]
    assert [line.cells[0].text for line in table.groups[0].rows] == ["−5", "0", "+5"]
    assert all("p " in cell.detail for line in table.groups[0].rows for cell in line.cells[1:])


def test_a_gap_just_before_an_event_leaves_the_event_its_strategy(trial, analysis_set):
    """Missed at 9 months, ended therapy, seen at 24 and set aside: the gap is at random, what follows is not."""
    who = "P01"
    here = analysis_set["participant"] == who
    frame = analysis_set.copy()
    frame.loc[here & (frame["visit"] == "m9"), "structured_activity_hours"] = np.nan
    declared = {"strategy": "mar", "by_event": {"ended_therapy": "j2r"}, "after_event": "set aside"}
    found = impute(frame, trial, _analysis(trial, **declared))
    number = found.outcomes.index_of()[who]
    assert np.isnan(found.outcomes.y[number]).all()
    assert list(found.events.is_mar[number]) == [True, False, False]


def test_a_second_standard_error_that_fails_leaves_the_first(trial, analysis_set, monkeypatch):
    """Few participants: the bootstrap beside a jackknife finds no estimates; the answer stands without it."""
    from analysis import imputation

    def none(*_, **__):
        raise imputation.NotEstimableError("The imputation model does not converge in bootstrap samples.")

    monkeypatch.setattr(imputation, "both_errors", none)
    rows = reference_based_mi.estimate(analysis_set, trial, _analysis(trial, strategy="j2r"))
    assert _difference(rows).status == "ok"
    (other,) = (r for r in rows if r.statistic == "other standard error")
    assert (other.status, other.reason) == (
        "failed",
        "The imputation model does not converge in bootstrap samples.",
    )
