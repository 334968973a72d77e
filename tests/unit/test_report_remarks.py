"""What stands below a table of answers: flags, compliance, the other standard error, clusters, the tipping delta."""

from math import nan

import pytest

from analysis.estimators.mmrm import method_of
from analysis.reporting.tables.compliers import compliers_table
from analysis.reporting.tables.remarks import remarks
from analysis.reporting.tables.sensitivity import sensitivity_table
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial

VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
LIMITS = {"se": 3.0, "lower": 2.0, "upper": 14.0, "confidence": 0.95, "p_value": 0.01}
WEAK = "weak instrument: first-stage F 6.2, below 10"


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


def _results(trial, **rows):
    records = [
        record
        for name, found in rows.items()
        for record in result_records(
            found, analysis=name, estimand="e", role="sensitivity", clause="", outcome="o", population="p"
        )
    ]
    return results_table(records)


def _of(trial, name, *rows):
    return remarks(_results(trial, **{name: list(rows)}), trial, [trial.analyses[name]])


def _rows(table):
    return [row for group in table.groups for row in group.rows]


def _compliers(trial, reason=""):
    found = {"se": 3.0, "lower": 2.0, "upper": 14.0, "confidence": 0.95, "p_value": 0.01, "n": 143}
    return _results(
        trial,
        cace=[
            Statistic("count", 60.0, visit="m9", arm="SRT", n=71, at="at least 8 sessions"),
            Statistic("percent", 84.5, visit="m9", arm="SRT", n=71, at="at least 8 sessions"),
            Statistic("adjusted mean difference", 8.0, **VERSUS, **found),
            Statistic("first-stage f", 6.2, df=136, reason=reason, **VERSUS),
            Statistic("complier average causal effect", 9.0, reason=reason, **VERSUS, **found),
        ],
    )


def test_a_weak_instrument_is_said_below_the_answers_and_beside_its_f(trial):
    """The row of the table is of status ok: nothing else would say that it is not to be trusted."""
    results = _compliers(trial, WEAK)
    (said,) = remarks(results, trial, [trial.analyses["cace"]])
    assert said.endswith(f"{WEAK}.")
    (first_stage,) = [r for r in _rows(compliers_table(results, trial)) if r.cells[0].text == "First-stage F"]
    assert first_stage.cells[0].detail == WEAK
    assert first_stage.cells[2].text == "6.2"


def test_the_effect_in_compliers_stands_beside_compliance_and_the_effect_as_allocated(trial):
    """Three numbers belong together: who complied, what allocation did, what complying did."""
    rows = {r.cells[0].text: r.cells for r in _rows(compliers_table(_compliers(trial), trial))}
    complied = rows["Complied: SRT plus usual care"]
    assert (complied[1].text, complied[2].text) == ("71", "60 (84%)")
    assert complied[2].source.count("cace/") == 2, "count and percent are two rows"
    assert (rows["As allocated"][2].text, rows["In compliers"][2].text) == ("8.0", "9.0")


def test_another_count_of_an_arm_is_not_taken_for_those_who_complied(trial):
    """Such as everybody observed, which stood there as "72 (0%)" complied."""
    observed = [Statistic("count", 72.0, visit="m9", arm="SRT", n=72)]
    complied = [
        Statistic(name, value, visit="m9", arm="SRT", n=71, at="at least 8 sessions")
        for name, value in (("count", 60.0), ("percent", 84.5))
    ]
    table = compliers_table(_results(trial, cace=[*observed, *complied]), trial)
    rows = {r.cells[0].text: r.cells for r in _rows(table)}
    assert rows["Complied: SRT plus usual care"][2].text == "60 (84%)"
    assert len(_rows(compliers_table(_results(trial, cace=observed), trial))) == 1, "nobody's dose is known"


def test_where_nobodys_dose_is_known_one_row_says_so(trial):
    """A trial without a form of sessions is no fault: no row asks for what there can't be."""
    reason = "the plan has no form of kind sessions: nobody's dose is known"
    refused = Statistic("adjusted mean difference", nan, status="not estimable", reason=reason, **VERSUS)
    (only,) = _rows(compliers_table(_results(trial, cace=[refused]), trial))
    assert only.cells[0].text == "In compliers"
    assert only.cells[2].text == f"not estimable: {reason}"


def test_no_row_of_compliers_speaks_of_the_results_table(trial):
    """ "no such row in the results table" is of the program, not of the trial."""
    effect = Statistic("complier average causal effect", nan, status="refused", reason="all had it", **VERSUS)
    for found in ([], [effect]):
        rows = _rows(compliers_table(_results(trial, cace=found), trial))
        assert [row.cells[0].text for row in rows] == ["In compliers"]
        assert not any("results table" in cell.text for row in rows for cell in row.cells)


def test_an_effect_in_compliers_that_was_refused_is_said_with_the_reason(trial):
    refused = Statistic(
        "complier average causal effect", nan, status="refused", reason="no compliers", **VERSUS
    )
    rows = {r.cells[0].text: r.cells for r in _rows(compliers_table(_results(trial, cace=[refused]), trial))}
    assert "no compliers" in rows["In compliers"][2].text


def test_a_plan_without_compliers_says_so():
    plain = load_trial(find_trial("beat_the_blues"))
    assert compliers_table(_results(plain), plain).empty == "The plan declares no analysis of compliers."


def test_the_penalty_of_an_empty_cell_is_said(trial):
    flag = "nobody in Usual care had the outcome: Firth's penalty is used"
    (said,) = _of(trial, "above_30_hours", Statistic("risk difference", 0.2, reason=flag, **VERSUS, **LIMITS))
    assert said == f"{trial.analyses['above_30_hours'].label}: {flag}."


def test_rubin_s_error_stands_below_the_jackknife_s(trial):
    """One is what the limits rest on; the other is what most papers give."""
    answer = Statistic(
        "adjusted mean difference", 7.0, method="x; jackknife standard error", **VERSUS, **LIMITS
    )
    rows = [answer, Statistic("other standard error", 3.27, at="rubin", **VERSUS)]
    table = sensitivity_table(_results(trial, imputed_j2r=rows), trial)
    labels = [row.cells[0].text for row in _rows(table)]
    at = labels.index("its SE by Rubin's rules")
    own, other = _rows(table)[at - 1].cells, _rows(table)[at].cells
    assert (own[0].text, own[5].detail) == (trial.analyses["imputed_j2r"].label, "jackknife")
    assert (other[5].text, other[5].source.split("/")[-1]) == ("3.27", "rubin")


def test_another_error_that_failed_is_said_with_its_reason(trial):
    rows = [
        Statistic("adjusted mean difference", 7.0, **VERSUS, **LIMITS),
        Statistic(
            "other standard error", nan, at="rubin", status="failed", reason="no draw converged", **VERSUS
        ),
    ]
    table = sensitivity_table(_results(trial, imputed_j2r=rows), trial)
    assert any("no draw converged" in cell.text for row in _rows(table) for cell in row.cells)


def test_each_estimator_of_the_plan_names_how_its_standard_error_was_found(trial):
    """ "SE" alone has four meanings in one table."""
    methods = {
        "primary": method_of(trial.primary_analysis),
        "lmm": "linear mixed-effects model, random intercept per participant, REML",
        "ancova": "analysis of covariance, ordinary least squares",
        "cace": "two-stage least squares, arm as instrument, heteroscedasticity-robust standard error",
    }
    answers = {
        n: "adjusted mean difference" if n != "cace" else "complier average causal effect" for n in methods
    }
    results = _results(
        trial, **{n: [Statistic(answers[n], 7.0, method=m, **VERSUS, **LIMITS)] for n, m in methods.items()}
    )
    told = {
        row.cells[0].text: row.cells[5].detail
        for row in _rows(sensitivity_table(results, trial))
        if len(row.cells) > 5
    }
    assert [told[trial.analyses[name].label] for name in methods] == [
        "Kenward-Roger",
        "model",
        "model",
        "robust to unequal variances",
    ]


def test_an_answer_with_nothing_to_say_has_no_remark(trial):
    assert (
        _of(trial, "primary", Statistic("adjusted mean difference", 7.0, method="m", **VERSUS, **LIMITS))
        == ()
    )


def test_the_tipping_point_has_a_row_in_words(trial):
    """It is no difference of means, and "no such row" would say that it failed."""
    point = Statistic("tipping delta", -18.0, p_value=0.05, at="delta in arm SRT", **VERSUS)
    table = sensitivity_table(_results(trial, tipping_point=[point]), trial)
    rows = [row for group in table.groups for row in group.rows]
    (cell,) = (row.cells[-1] for row in rows if "Tipping" in row.cells[0].text)
    assert "18.0 hours/week lower (worse) than imputed" in cell.text


def test_events_that_are_in_no_outcome_are_told_with_the_answers_they_are_missing_from(trial):
    """An admission after the last visit is known, and yet in no rate: its reader should know how many there are."""
    late = {
        "analysis": "events in no outcome",
        "estimand": "e",
        "role": "descriptive",
        "outcome": "readmission",
    }
    rows = [Statistic("count", n, arm=arm, at="after") for arm, n in (("UC", 0.0), ("SRT", 2.0), ("", 2.0))]
    results = results_table(result_records(rows, **late))
    (said,) = remarks(results, trial, [trial.analyses["admissions"]])
    assert "after the participant's last dated contact (psychiatric admission) are in no outcome" in said
    assert said.endswith("0 in Usual care and 2 in SRT plus usual care.")
    assert remarks(results, trial, [trial.analyses["lmm"]]) == ()
    assert remarks(results_table([]), trial, [trial.analyses["admissions"]]) == ()
