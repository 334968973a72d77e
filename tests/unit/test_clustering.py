"""Clustering in one arm: share of variance at a visit, design effect; therapy as it was delivered."""

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.clustering import cluster_sizes, design_effect
from analysis.estimators.delivery import describe_delivery
from analysis.mixed import MMRM, MeaninglessRequestError
from data_contracts.load import find_trial, load_trial
from data_contracts.random_effect import random_effect


@pytest.fixture(scope="module")
def clustered():
    rng, n = np.random.default_rng(11), 120
    therapist = np.arange(n) % 12
    arm = np.where(therapist < 6, "A", "B")
    level = rng.normal(0, 2, 12)[therapist] * (arm == "B")
    own = rng.normal(0, 2, n)
    return pd.DataFrame(
        [
            {"id": f"{i:03d}", "visit": f"v{k}", "arm": arm[i], "therapist": f"T{therapist[i]}",
             "acts": arm[i] == "B", "y": k + level[i] + own[i] + rng.normal(0, 1 + k * (arm[i] == "B"))}
            for i in range(n) for k in (1, 2)
        ]
    )  # fmt: skip


def _fit(frame, covariance, **options):
    model = MMRM.from_formula(
        "y ~ arm * visit", frame, subject="id", visit="visit", covariance=covariance,
        random={"therapist": ["1 | acts == True"]}, **options,
    )  # fmt: skip
    return model.fit()


def test_with_one_variance_the_share_at_a_visit_is_the_share(clustered):
    fit = _fit(clustered, "ar1")
    at = fit.icc(visit="v1")
    assert at.iloc[0].to_dict() == pytest.approx(fit.icc().iloc[0].to_dict(), rel=1e-10)


def test_the_share_is_of_the_arm_and_visit_asked_for(clustered):
    """Variances differ by arm and visit, so does the share; its SE is that of numeric derivatives."""
    fit = _fit(clustered, "us", group="arm")
    theta = fit.theta
    own, residual = theta["therapist variance"], theta["B variance(v2)"]
    found = fit.icc(visit="v2", group="B").loc["therapist"]
    assert found["icc"] == pytest.approx(own / (own + residual), rel=1e-12)
    slope = np.zeros(len(theta))
    slope[list(theta.index).index("therapist variance")] = residual / (own + residual) ** 2
    slope[list(theta.index).index("B variance(v2)")] = -own / (own + residual) ** 2
    unit = fit.fitted.unit**2
    variance = slope @ (fit.fitted.theta_covariance * unit**2) @ slope
    assert found["se"] == pytest.approx(variance**0.5, rel=1e-9)
    assert 0 < found["lower"] < found["icc"] < found["upper"] < 1


def test_an_unknown_visit_is_named(clustered):
    with pytest.raises(MeaninglessRequestError, match="there is no visit 'v9'"):
        _fit(clustered, "us").icc(visit="v9")


def test_clusters_are_counted_where_the_effect_acts():
    rows = pd.DataFrame({
        "participant": ["a", "a", "b", "c", "d", "e"],
        "arm": ["SRT", "SRT", "SRT", "SRT", "UC", "SRT"],
        "therapist": ["T1", "T1", "T1", "T2", "T9", None],
    })  # fmt: skip
    assert cluster_sizes(rows, random_effect("therapist:arm=SRT")).to_dict() == {"T1": 2, "T2": 1}


@pytest.mark.parametrize(("sizes", "expected"), [([5, 5, 5], 1.4), ([1, 1], 1.0), ([2, 6], 1.4)])
def test_the_design_effect_grows_with_unequal_clusters(sizes, expected):
    """By hand, icc 0.1: equal fives 1 + 4 x 0.1; two and six count as (4 + 36) / 8 = 5 each."""
    assert design_effect(pd.Series(sizes), 0.1) == pytest.approx(expected, abs=1e-12)


@pytest.fixture(scope="module")
def delivered():
    trial = load_trial(find_trial("demo"))
    people = pd.DataFrame({
        "participant": list("abcdef"), "visit": "m9", "in_randomised": [True] * 5 + [False],
        "arm": ["SRT", "SRT", "SRT", "UC", "UC", "SRT"], "sessions_attended": [0, 8, 16, 0, 0, 20],
        "therapist": [None, "T1", "T1", None, None, "T2"],
        "discontinuation_reason": ["Moved away", None, None, None, None, None],
        "event_ended_therapy_day": [30.0, None, None, None, None, None],
        "event_readmission_day": [None, 12.0, None, 40.0, None, 3.0],
    })  # fmt: skip
    return describe_delivery(people, trial)


def _found(rows):
    return {(row.arm, row.statistic, row.at): row.value for row in rows}


def test_sessions_are_described_where_there_is_therapy_and_within_the_population(delivered):
    found = _found(delivered["sessions"])
    assert found["SRT", "total", ""] == 24
    assert found["SRT", "mean", ""] == 8
    assert not any(arm == "UC" for arm, *_ in found)


def test_an_adequate_dose_and_the_caseload_are_counted(delivered):
    dose, caseload = _found(delivered["adequate dose"]), _found(delivered["participants per therapist"])
    assert dose["SRT", "count", "at least 8 sessions"] == 2
    assert dose["SRT", "percent", "at least 8 sessions"] == pytest.approx(200 / 3)
    assert caseload["SRT", "count", "therapists"] == 1
    assert caseload["SRT", "maximum", ""] == 2


def test_reasons_for_ending_and_events_are_listed_by_arm(delivered):
    assert _found(delivered["ended therapy early"])["SRT", "count", "Moved away"] == 1
    admitted = _found(delivered["event: readmission"])
    assert (admitted["SRT", "count", ""], admitted["UC", "count", ""]) == (1, 1)
    assert admitted["UC", "percent", ""] == 50
