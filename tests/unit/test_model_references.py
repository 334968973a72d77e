"""What is wrong with a declared model: one problem for each mistake."""

import pytest

from analysis.estimators import ESTIMATORS
from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, find_trial, load_trial
from data_contracts.plan import Analysis

DEMO = (SHIPPED_TRIALS / "demo.toml").read_text(encoding="utf-8")


def problems(tmp_path, table):
    """Return the problems of the demo with one more analysis."""
    head = 'label = "x"\nestimand = "activity_9_months"\nrole = "sensitivity"\n'
    path = tmp_path / "demo.toml"
    path.write_text(f"{DEMO}\n[analyses.odd]\n{head}{table}\n", encoding="utf-8")
    try:
        load_trial(path, ESTIMATORS)
    except PlanError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "table",
    [
        'estimator = "mmrm"',
        'estimator = "mmrm"\ngroup = "arm"\ncovariance = "toeph"\nfallback = []',
        'estimator = "mmrm"\nrandom = ["therapist:arm=SRT", "site"]\ncovariates = ["sex"]',
        'estimator = "mmrm"\nrandom = ["participant:1 + month"]\ncovariance = "cs"\nmethod = "ml"\ndf = "residual"',
        'estimator = "lmm"\ncovariates = ["sex"]\ncovariates_by_visit = ["sex"]',
    ],
)
def test_what_has_a_meaning_is_accepted(tmp_path, table):
    """Every key in some use."""
    assert problems(tmp_path, table) == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('estimator = "mmrm"\ncovariance = "uns"', "analyses.odd.covariance: found 'uns'"),
        ('estimator = "mmrm"\nfallback = ["us", "x"]', "analyses.odd.fallback.1: found 'x'"),
        ('estimator = "mmrm"\ndf = "kr"', "analyses.odd.df: found 'kr'"),
        ('estimator = "mmrm"\nmethod = "ml"', "analyses.odd.df: found 'kenward-roger' with method 'ml'"),
        ('estimator = "mmrm"\ngroup = "armm"', "analyses.odd.group: found 'armm'"),
        ('estimator = "mmrm"\nrandom = ["a:arm=SRT"]', "analyses.odd.random: found 'a' in 'a:arm=SRT'"),
        (
            'estimator = "mmrm"\nrandom = ["therapist:arm=X"]',
            "found 'X' in 'therapist:arm=X', expected one of: SRT, UC",
        ),
        ('estimator = "mmrm"\nrandom = ["site:1 + w"]', "found 'w' in 'site:1 + w'"),
        ('estimator = "mmrm"\nrandom = ["arm=SRT"]', "the random effect 'arm=SRT' can't be read"),
        ('estimator = "mmrm"\ncovariates = ["site"]\nrandom = ["site"]', "can't be both fixed and random"),
        ('estimator = "mmrm"\ncovariates_by_visit = ["sex"]', "covariates_by_visit: found 'sex'"),
        ('estimator = "lmm"\ncovariance = "us"', "would not heed it"),
        ('estimator = "lmm"\nrandom = ["site"]', "would not heed it"),
        ('estimator = "ancova"\ncovariates = ["sex"]\ncovariates_by_visit = ["sex"]', "would not heed it"),
    ],
)
def test_each_mistake_is_one_problem(tmp_path, table, told):
    """It says where, what was found and what was expected."""
    (problem,) = problems(tmp_path, table)
    assert told in problem


def test_a_participant_level_therapist_needs_a_sessions_form(tmp_path):
    """Beat the Blues has no therapists."""
    text = (SHIPPED_TRIALS / "beat_the_blues.toml").read_text(encoding="utf-8")
    path = tmp_path / "beat_the_blues.toml"
    path.write_text(text.replace('covariance = "us"', 'random = ["therapist:arm=BtheB"]'), encoding="utf-8")
    with pytest.raises(PlanError, match="found 'therapist' in"):
        load_trial(path, ESTIMATORS)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("us", "toeph", "ar1h", "csh", "cs")),
        ({"covariance": "ar1h"}, ("ar1h", "csh", "cs")),
        ({"covariance": "toep"}, ("toep",)),
        ({"fallback": ()}, ("us",)),
        ({"fallback": ("cs", "us")}, ("us", "cs")),
    ],
)
def test_the_ladder_begins_with_the_declared_covariance(keys, expected):
    """What is declared first, then what is simpler."""
    analysis = Analysis(name="a", label="a", estimand="e", estimator="mmrm", role="primary", **keys)
    assert analysis.covariances == expected


@pytest.mark.parametrize("name", ["demo", "demo_null", "demo_negative", "beat_the_blues"])
def test_shipped_trials_have_mmrm_as_primary_and_the_other_routes_beside_it(name):
    """A second route for each primary result."""
    trial = load_trial(find_trial(name), ESTIMATORS)
    assert trial.primary_analysis.estimator == "mmrm"
    beside = {a.estimator for a in trial.analyses.values() if a.role == "cross-check"}
    assert beside == {"lmm", "ancova"}
