"""Deviations from the plan: declared and found; the plan clause by clause; estimand cards."""

from dataclasses import replace
from math import nan

import pandas as pd
import pytest

from analysis.estimators.counts import NO_DISPERSION, POISSON
from analysis.estimators.mmrm import method_of
from analysis.estimators.ordinal import FIRTH_AT_CUT
from analysis.estimators.second_route.compare import ENDED
from analysis.reporting.deviations import departures
from analysis.reporting.places import place_of
from analysis.reporting.tables.clauses import clauses_table
from analysis.reporting.tables.deviations import deviations_table
from analysis.reporting.tables.estimand import estimand_table
from analysis.results import Statistic, results_frame
from data_contracts.deviation import Deviation
from data_contracts.load import find_trial, load_trial

LOCK = {"status": "differs", "differs": ["data_hash"], "locked": "2026-02-03T04:05:06+00:00", "by": "Dr A"}
TRIAL = load_trial(find_trial("demo"))
PLAIN = TRIAL.model_copy(update={"deviations": ()})
VERSUS = {"visit": "m9", "contrast": "SRT - UC"}


@pytest.fixture
def found(answered, content):
    """Return a function: the departures of a trial that declares none."""

    def of(results=None, **changes):
        made = content(answered() if results is None else results, **{"trial": PLAIN, **changes})
        return departures(made)

    return of


def test_a_run_to_plan_has_no_departure_and_the_table_says_so(found):
    assert found() == ()
    assert deviations_table((), PLAIN).is_empty
    assert "No deviation was declared" in deviations_table((), PLAIN).empty


def test_a_declared_deviation_is_told_with_clause_reason_and_date(found):
    """It is what people say themselves; it comes first."""
    (one,) = found(trial=TRIAL)
    assert (one.kind, one.clause, one.analysis, one.on) == (
        "declared",
        "SAP 6.19",
        "admissions",
        "2019-11-18",
    )
    (row,) = deviations_table([one], TRIAL).groups[0].rows
    assert [cell.text for cell in row.cells][::4] == ["SAP 6.19", "2019-11-18"]


def test_a_covariance_that_was_fallen_back_on_is_a_departure(found, answered):
    used, reason = method_of(TRIAL.primary_analysis, "toeph"), "covariance us was left: it did not converge"
    (one,) = found(answered(primary={"method": used, "reason": reason}))
    assert one.kind == "fallback"
    assert one.what == "Covariance over visits: heterogeneous Toeplitz in place of unstructured."
    assert one.why == "Unstructured was left: it did not converge."
    assert one.source.startswith("primary/")


def test_poisson_s_model_in_place_of_the_planned_one_is_a_departure(found, answered):
    (one,) = found(answered(admissions={"method": POISSON, "reason": NO_DISPERSION}))
    assert (one.kind, one.clause) == ("fallback", "SAP 6.19")


def test_firth_s_penalty_at_a_cut_of_ordered_levels_is_a_departure(found, answered):
    """The common odds ratio is as planned; what it is judged by is not."""
    flag = "nobody in Usual care was at or above this cut: maximum likelihood has no finite estimate"
    limits = {"se": 1.0, "lower": 0.2, "upper": 9.0}
    cut = Statistic("odds ratio", 2.0, at="severe", method=FIRTH_AT_CUT, reason=flag, **VERSUS, **limits)
    rows = [answered(), results_frame([cut], analysis="disability_level")]
    (one,) = found(pd.concat(rows, ignore_index=True))
    assert (one.kind, one.analysis) == ("fallback", "disability_level")
    assert one.what == "At the cut “severe”: Firth's penalised likelihood in place of maximum likelihood."
    assert one.why.startswith("Nobody in Usual care was at or above this cut")


@pytest.mark.parametrize("status", ["refused", "failed", "not estimable"])
def test_an_analysis_without_an_answer_is_a_departure_with_its_reason(status, found, answered):
    (one,) = found(answered(cace={"status": status, "reason": "no compliers"}))
    assert (one.kind, one.analysis, one.why) == ("not estimated", "cace", "No compliers.")


def test_an_analysis_without_any_row_is_a_departure_too(found, answered):
    """Rows that vanished must not vanish twice."""
    results = answered()
    (one,) = found(results[results["analysis"] != "lmm"])
    assert (one.kind, one.analysis) == ("not estimated", "lmm")


def test_a_difference_with_nothing_to_tip_is_no_departure(found, answered):
    reason = "not significant without a delta"
    assert found(answered(tipping_point={"status": "not estimable", "reason": reason})) == ()


def test_two_computations_that_disagree_are_a_departure(found, answered):
    apart = Statistic("second route", 0.4, status="failed", reason="0.4 SE apart", **VERSUS)
    (one,) = found(pd.concat([answered(), results_frame([apart], analysis="primary")], ignore_index=True))
    assert (one.kind, one.why) == ("second route", "0.4 SE apart")


def test_a_second_route_that_came_to_no_end_is_no_disagreement(found, answered):
    """ "Not the same" would accuse an estimate that nothing speaks against."""
    ended = Statistic("second route", nan, status="failed", reason=f"{ENDED}: singular matrix", **VERSUS)
    (one,) = found(pd.concat([answered(), results_frame([ended], analysis="primary")], ignore_index=True))
    assert one.kind == "no second route"
    assert one.what == "The estimate could not be computed a second way."
    (group,) = deviations_table([one], TRIAL).groups
    assert group.label == "An estimate could not be computed a second way"


@pytest.mark.parametrize("reason", [f"{ENDED}: singular matrix", "0.4 SE apart"])
def test_where_nothing_was_estimated_a_second_route_is_not_told(found, answered, reason):
    """There is no answer to hold it against; that there is none is the departure."""
    results = answered(primary={"status": "not estimable", "reason": "no outcome"})
    route = Statistic("second route", nan, status="failed", reason=reason, **VERSUS)
    told = found(pd.concat([results, results_frame([route], analysis="primary")], ignore_index=True))
    assert [one.kind for one in told] == ["not estimated"]


def test_a_run_that_is_not_as_locked_is_a_departure(found):
    (one,) = found(provenance={"lock": LOCK})
    assert one.kind == "not as locked"
    assert "Dr A" in one.why


def test_records_that_the_analysis_set_leaves_aside_are_departures(found):
    assert [one.kind for one in found(notes=("Sessions: 2 before randomisation.",))] == ["left aside"]


def test_a_report_pooled_over_arms_is_told_of_no_comparison(found, answered):
    """Which comparison failed, and why, can tell of an arm."""
    told = found(
        answered(cace={"status": "refused", "reason": "all of arm SRT complied"}),
        audience="open", trial=TRIAL, notes=("one",), provenance={"lock": LOCK},
    )  # fmt: skip
    assert [one.kind for one in told] == ["declared", "not as locked"]


def test_the_clauses_stand_in_the_order_of_the_plan(answered):
    """As text, 6.10 comes before 6.2."""
    rows = clauses_table(answered(), TRIAL).groups[0].rows
    clauses = [row.cells[0].text for row in rows]
    assert clauses.index("SAP 6.2") < clauses.index("SAP 6.10") < clauses.index("SAP 7.1")
    assert len(clauses) == len(TRIAL.estimands) + len(TRIAL.analyses) + len(TRIAL.families)


def test_a_clause_says_how_it_ended_and_whether_it_was_departed_from(answered, content):
    results = answered(cace={"status": "refused", "reason": "no compliers"})
    told = departures(content(results, trial=TRIAL))
    rows = {row.cells[0].text: row for row in clauses_table(results, TRIAL, told).groups[0].rows}
    assert rows["SAP 6.11"].cells[3].text == "not estimated: no compliers"
    assert rows["SAP 6.1"].cells[3].text == "estimated"
    assert [clause for clause, row in rows.items() if row.cells[0].detail] == ["SAP 6.11", "SAP 6.19"]


def test_without_results_a_clause_leads_nowhere_and_says_nothing_of_its_end():
    """The pooled report has neither the tables nor the right to tell."""
    table = clauses_table(None, TRIAL)
    assert [column.label for column in table.columns] == ["Clause", "What it asks for", "Estimand"]
    assert not any(cell.link for row in table.groups[0].rows for cell in row.cells)


def test_every_analysis_has_a_place():
    """One of an outcome other than the primary, of role sensitivity, stands in the results table alone."""
    places = {name: place_of(a, TRIAL)[1] for name, a in TRIAL.analyses.items()}
    assert all(places.values())
    odd = TRIAL.analyses["lmm"].model_copy(update={"estimand": "loneliness_9_months"})
    assert place_of(odd, TRIAL)[1] == ""


def _card(estimand, results=None, told=()):
    rows = estimand_table(TRIAL.estimands[estimand], TRIAL, results, told).groups[0].rows
    return [(row.cells[0].text, row.cells[1]) for row in rows]


def test_a_card_names_clause_answers_and_the_departures_that_touch_it(answered, content):
    results = answered()
    card = _card("admissions_2_years", results, departures(content(results, trial=TRIAL)))
    words = dict(card)
    assert words["Clause"].text == "SAP 5.11"
    assert words["Answered by"].detail == "rate ratio 8.0 (95% CI 2.0 to 14.0; p = 0.010)"
    assert words["Answered by"].source.startswith("admissions/")
    assert words["Deviation"].text.startswith("Admissions are adjusted for sex alone")
    assert "Deviation" not in dict(_card("loneliness_9_months", results, departures(content(results))))


def test_a_card_tells_the_answer_from_what_supports_it(answered):
    """Twelve analyses answer the primary estimand; one decides."""
    labels = [label for label, _ in _card("activity_9_months", answered())]
    assert labels.count("Answered by") == 1
    assert {"Cross-checked by", "Sensitivity", "Subgroups"} <= set(labels)
    assert "Answered by" in dict(_card("activity_9_months_per_protocol", answered()))


def test_a_card_without_results_shows_the_plan_alone():
    card = _card("activity_9_months")
    assert not any(cell.detail or cell.link or cell.source for _, cell in card)


def test_a_failed_answer_is_said_on_the_card(answered):
    results = answered(primary={"status": "failed", "reason": "did not converge"})
    assert dict(_card("activity_9_months", results))["Answered by"].detail == "failed: did not converge"


def test_a_card_names_the_analysis_of_each_deviation_the_program_found(answered, content):
    """Of a dozen analyses of one estimand, "It was not estimated" says nothing."""
    failed = {"status": "not estimable", "reason": "no outcome"}
    results = answered(primary=failed, lmm=failed)
    card = _card("activity_9_months", results, departures(content(results, trial=PLAIN)))
    assert [cell.text for label, cell in card if label == "Deviation"] == [
        f"{TRIAL.analyses[name].label}: It was not estimated. No outcome." for name in ("primary", "lmm")
    ]


def test_a_deviation_of_the_trial_as_a_whole_touches_no_estimand(found):
    elsewhere = Deviation(clause="Protocol 4.2", what="Recruitment was stopped early.", why="Funding.")
    trial = TRIAL.model_copy(update={"deviations": (elsewhere,)})
    (one,) = found(trial=trial)
    assert not any(one.touches(estimand, trial) for estimand in trial.estimands.values())
    assert replace(one, clause="").touches(trial.primary, trial) is False
