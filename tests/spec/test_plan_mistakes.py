"""What a plan's later sections may not name: each mistake is told with where it is and what was expected."""

import pytest

from analysis.estimators import ESTIMATORS
from data_contracts.errors import PlanError
from data_contracts.load import SHIPPED_TRIALS, load_trial

PLANNED = {
    **ESTIMATORS,
    "reference_based_mi": "",
    "tipping_point": "",
    "cace": "",
    "moderator": "",
    "counts": "",
}
ADDED = """
[analyses.added]
label = "Added"
estimand = "activity_9_months"
estimator = "{estimator}"
role = "sensitivity"
{more}
"""


def _mistakes(tmp_path, text, old="", new=""):
    plan = (SHIPPED_TRIALS / "demo.toml").read_text("utf-8").replace(old, new) + text
    path = tmp_path / "own.toml"
    path.write_text(plan, "utf-8")
    with pytest.raises(PlanError) as raised:
        load_trial(path, PLANNED)
    return str(raised.value)


@pytest.mark.parametrize(
    ("estimator", "more", "said"),
    [
        ("reference_based_mi", "", "analyses.added.imputation: found nothing, expected it"),
        ("tipping_point", "imputation = {}", "analyses.added.tipping: found nothing"),
        ("cace", "", "minimum_sessions: found nothing"),
        ("moderator", "moderator = 'age'", "analyses.added.moderator: found 'age'"),
        ("mmrm", "imputation = {}", "imputation: found a key of another estimator"),
        ("counts", "", "estimand: found an outcome of kind 'continuous' (structured_activity_hours)"),
        (
            "reference_based_mi",
            "imputation = { by_event = { relapse = 'j2r' } }",
            "by_event: found 'relapse'",
        ),
        ("reference_based_mi", "imputation = { by_arm = { CBT = 'j2r' } }", "by_arm: found 'CBT'"),
        ("reference_based_mi", "imputation = { cluster = 'ward' }", "imputation.cluster: found 'ward'"),
        ("reference_based_mi", "imputation = { m = 1 }", "imputation.m"),
        ("reference_based_mi", "imputation = { route = 'bayes' }", "rubin"),
    ],
)
def test_an_analysis_that_cannot_be_done_is_refused_before_anything_runs(tmp_path, estimator, more, said):
    assert said in _mistakes(tmp_path, ADDED.format(estimator=estimator, more=more))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[events.x]\nlabel = "X"\nform = "diary"', "events.x.form: found 'diary'"),
        (
            '[events.x]\nlabel = "X"\nform = "time_use"\nwhere = { mood = ["1"] }',
            "events.x.where: found 'mood'",
        ),
        (
            '[events.x]\nlabel = "X"\nform = "time_use"\ndate = "sport_hours"',
            "events.x.date: found 'sport_hours'",
        ),
        (
            '[outcomes.x]\nlabel = "X"\nkind = "binary"\nof = "mood"\nat_least = 1\nbetter = "lower"',
            "outcomes.x.of",
        ),
        (
            '[outcomes.x]\nlabel = "X"\nkind = "binary"\nof = "loneliness"\nbetter = "lower"',
            "has one of `at_least`",
        ),
        ('[outcomes.x]\nlabel = "X"\nkind = "count"\nevent = "relapse"\nbetter = "lower"', "found 'relapse'"),
        ('[outcomes.x]\nlabel = "X"\nevent = "readmission"\nbetter = "lower"', "goes with kind"),
        (
            '[moderators.x]\nlabel = "X"\nsetting = ""\ncolumn = "sport_hours"',
            "'sport_hours', which is measured after randomisation",
        ),
        (
            '[families.x]\nlabel = "X"\nmethod = "holm"\nanalyses = ["tipping_point"]',
            "which has no p-value",
        ),
        ('[families.x]\nlabel = "X"\nmethod = "holm"\nanalyses = ["mood"]', "the analysis 'mood'"),
        ('[families.x]\nlabel = "X"\nmethod = "holm"\ngates = [["primary"]]', "give `gates` with method"),
        ('[families.x]\nlabel = "X"\nmethod = "holm"\nanalyses = ["primary", "primary"]', "twice"),
    ],
)
def test_a_section_that_names_what_is_not_there_is_refused(tmp_path, text, said):
    assert said in _mistakes(tmp_path, "\n" + text)


def test_an_intercurrent_event_names_a_declared_event(tmp_path):
    """A strategy for an event that no record can show would answer nothing."""
    old = 'event = "change of antipsychotic medication", strategy = "treatment policy"'
    said = _mistakes(tmp_path, "", old, old + ', source = "relapse"')
    assert "intercurrent_events: found 'relapse'" in said


@pytest.mark.parametrize(
    ("estimator", "estimand", "kind"),
    [
        ("responder", "above_30_hours_9_months", "binary"),
        ("ordinal", "disability_level_9_months", "ordinal"),
        ("counts", "admissions_2_years", "count"),
        ("moderator", "activity_9_months", "continuous"),
    ],
)
def test_a_primary_analysis_that_gives_no_difference_of_means_is_refused(tmp_path, estimator, estimand, kind):
    """It got as far as the second count of the flow, and fell over there without a word for the user."""
    added = f"""
[analyses.decisive]
label = "Decisive"
estimand = "{estimand}"
estimator = "{estimator}"
role = "primary"
moderator = "sex"
"""
    said = _mistakes(tmp_path, added if estimator == "moderator" else added.replace('moderator = "sex"', ""))
    assert f"analyses.decisive.estimator: found {estimator!r} for the primary analysis" in said
    assert f"of an outcome of kind {kind!r}" in said
    assert "expected one of: ancova, lmm, mmrm" in said
