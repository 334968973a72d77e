"""The second route finds what is wrong: each published number, moved, is told; each left alone, agrees."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.derive.recount import disagreements, recount
from analysis.estimators import estimator_named
from analysis.estimators.plan import CHECKED, run_analyses
from analysis.estimators.second_route.compare import second_route_rows
from data_contracts.load import find_trial, load_trial

COMPARED = {
    "primary": "adjusted mean difference", "lmm": "adjusted mean difference", "ancova": "adjusted mean difference",
    "cace": "complier average causal effect", "above_30_hours": "risk difference",
    "disability_level": "common odds ratio", "admissions": "rate ratio", "time_to_admission": "hazard ratio",
    "therapist": "adjusted mean difference",
}  # fmt: skip


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="module")
def analysis_set(trial):
    """A trial of 90 with dropout, therapists, and an event: what every declared analysis needs."""
    rng, n = np.random.default_rng(4), 90
    people = pd.DataFrame({
        "participant": [f"P{i:02d}" for i in range(n)],
        "arm": np.where(np.arange(n) % 2, "SRT", "UC"),
        "site": rng.choice(["Norfolk", "Sussex"], n), "sex": rng.choice(["Female", "Male"], n),
        "structured_activity_hours_baseline": rng.gamma(2, 5, n), "in_randomised": True,
        "therapist": np.where(np.arange(n) % 2, [f"T{k}" for k in rng.integers(0, 6, n)], None),
        "sessions_attended": np.where(np.arange(n) % 2, rng.integers(0, 20, n), 0),
        "admissions": rng.poisson(0.6, n).astype(float), "admissions_days": rng.integers(100, 730, n).astype(float),
        "level": rng.normal(0, 6, n),
    })  # fmt: skip
    people["time_to_admission"] = (people["admissions"] > 0).astype(float)
    people["time_to_admission_days"] = np.ceil(people["admissions_days"] / 20) * 20
    visits = [("m9", 9.0), ("m15", 15.0), ("m24", 24.0)]
    whole = pd.concat([people.assign(visit=code, month=month) for code, month in visits], ignore_index=True)
    hours = 20 + whole["level"] + rng.normal(0, 8, len(whole)) + 6 * (whole["arm"] == "SRT")
    whole["structured_activity_hours"] = hours.where(rng.random(len(whole)) > 0.15)
    whole["above_30_hours"] = (hours >= 26).astype(float).where(whole["structured_activity_hours"].notna())
    whole["disability_level"] = np.digitize(hours, [15, 26]).astype(float)
    whole["arm"] = pd.Categorical(whole["arm"], ["UC", "SRT"])
    whole["visit"] = pd.Categorical(whole["visit"], ["m9", "m15", "m24"], ordered=True)
    return whole


def _found(analysis_set, trial, name):
    analysis = trial.analyses[name]
    return analysis, estimator_named(analysis.estimator)(analysis_set, trial, analysis)


@pytest.mark.parametrize("name", COMPARED)
def test_an_estimate_left_alone_agrees_with_its_second_route(analysis_set, trial, name):
    analysis, found = _found(analysis_set, trial, name)
    rows = second_route_rows(analysis_set, trial, analysis, found)
    assert [row.reason for row in rows if row.status != "ok"] == []
    assert any(row.at == COMPARED[name] for row in rows)


@pytest.mark.parametrize("name", COMPARED)
def test_an_estimate_moved_by_a_tenth_of_its_error_is_told(analysis_set, trial, name):
    """The check would otherwise be one that can't fail."""
    analysis, found = _found(analysis_set, trial, name)
    moved = [replace(r, value=r.value + 0.1 * r.se) if r.statistic == COMPARED[name] else r for r in found]
    rows = second_route_rows(analysis_set, trial, analysis, moved)
    assert any(row.status == "failed" and "standard errors apart" in row.reason for row in rows)


@pytest.mark.parametrize("name", list(COMPARED))
def test_a_standard_error_too_small_by_a_third_is_told(analysis_set, trial, name):
    analysis, found = _found(analysis_set, trial, name)
    moved = [replace(r, se=r.se / 1.5) if r.statistic == COMPARED[name] else r for r in found]
    assert any(row.status == "failed" for row in second_route_rows(analysis_set, trial, analysis, moved))


@pytest.mark.parametrize("statistic", ["residual sd", "correlation", "log-likelihood"])
def test_a_covariance_that_is_no_maximum_is_told(analysis_set, trial, statistic):
    """An optimiser that stopped short gives a plausible estimate with a wrong error."""
    analysis, found = _found(analysis_set, trial, "primary")
    moved = [replace(r, value=r.value * 1.001) if r.statistic == statistic else r for r in found]
    rows = second_route_rows(analysis_set, trial, analysis, moved)
    assert any(row.status == "failed" and "likelihood" in row.reason for row in rows)


def test_every_primary_and_secondary_analysis_of_demo_has_a_second_route(trial):
    from analysis.estimators.second_route.routes import ROUTES

    assert {a.estimator for a in trial.analyses.values() if a.role in CHECKED} <= set(ROUTES)


def test_the_plan_publishes_the_comparison(analysis_set, trial):
    """`results_agree` reads it from the results table."""
    own = trial.model_copy(update={
        "analyses": {"primary": trial.analyses["primary"]}, "events": {}, "families": {},
        "forms": {"participants": trial.forms["participants"], "allocation": trial.forms["allocation"]},
        "outcomes": {"structured_activity_hours": trial.outcomes["structured_activity_hours"]},
    })  # fmt: skip
    table = run_analyses(analysis_set.assign(visit=analysis_set["visit"].astype("object")), own)
    again = table[table["statistic"] == "second route"]
    assert list(again["visit"]) == ["m9", "m15", "m24"]
    assert (again["status"] == "ok").all()


@pytest.fixture(scope="module")
def recorded(trial):
    allocation = pd.DataFrame({
        "participant": ["A", "B", "C"], "arm": ["UC", "SRT", "SRT"], "excluded": ["0", "0", "1"],
        "randomised_on": pd.to_datetime(["2020-01-01"] * 3),
    })  # fmt: skip
    hours = pd.DataFrame({
        "participant": ["A", "A", "B", "B", "C", "X"], "visit": ["baseline", "m9", "m9", "m9", "m9", "m9"],
        "visit_date": pd.to_datetime(["2020-01-01", *["2020-10-01"] * 2, "2020-11-25", *["2020-10-01"] * 2]),
        "structured_activity_hours": [10.0, 20.0, None, 30.0, 5.0, 1.0],
    })  # fmt: skip
    return {"allocation": allocation, "time_use": hours}


def test_the_second_count_by_hand(trial, recorded):
    """B's nearest record at 9 months has no hours, C was excluded, X is nobody."""
    assert recount(recorded, trial) == {
        ("randomised", "UC", ""): 1, ("randomised", "SRT", ""): 2,
        ("observed", "UC", "baseline"): 1, ("observed", "UC", "m9"): 1,
    }  # fmt: skip


def test_a_count_that_differs_is_told(trial, recorded):
    flow = pd.DataFrame(
        {"stage": ["randomised", "observed"], "arm": ["UC", "UC"], "visit": ["", "m9"], "n": [2, 1]}
    )
    assert disagreements(flow, recount(recorded, trial)) == ["randomised in arm UC: 2, counted again 1"]


@pytest.mark.parametrize("covariance", ["cs", "ar1", "toep", "ad", "csh"])
def test_one_sd_for_all_visits_is_moved_as_one(analysis_set, trial, covariance):
    """Moved alone it leaves its structure and may gain: a fallback to compound symmetry would fail the run."""
    analysis = trial.analyses["primary"].model_copy(update={"covariance": covariance, "fallback": ()})
    found = estimator_named("mmrm")(analysis_set, trial, analysis)
    rows = second_route_rows(analysis_set, trial, analysis, found)
    assert {row.status for row in rows} == {"ok"}
    moved = [replace(r, value=r.value * 1.001) if r.statistic == "residual sd" else r for r in found]
    assert any(row.status == "failed" for row in second_route_rows(analysis_set, trial, analysis, moved))


def test_a_second_route_without_a_number_tells_of_no_disagreement(analysis_set, trial, monkeypatch):
    """NaN is never within a tolerance: it was told as "not the same"."""
    from analysis.estimators.second_route import compare

    analysis, found = _found(analysis_set, trial, "ancova")
    route = compare.ROUTES["ancova"]

    def without(*args):
        again = route(*args)
        return replace(again, answers=tuple(replace(one, value=np.nan) for one in again.answers))

    monkeypatch.setattr(compare, "ROUTES", {**compare.ROUTES, "ancova": without})
    rows = second_route_rows(analysis_set, trial, analysis, found)
    assert {(row.status, row.reason) for row in rows} == {("failed", f"{compare.ENDED}: it has no estimate")}
