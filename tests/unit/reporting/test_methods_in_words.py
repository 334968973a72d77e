"""The methods in words: a paragraph per analysis, true to the plan and to its rows."""

import math
import re

import pandas as pd
import pytest

from analysis.estimators import ESTIMATORS
from analysis.estimators.counts import POISSON
from analysis.estimators.mmrm import method_of
from analysis.estimators.responder import FIRTH
from analysis.reporting.methods.asked import Asked
from analysis.reporting.methods.paragraphs import FAMILIES, method_text, methods_paragraphs
from analysis.reporting.methods.planned import planned_paragraphs
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Arm

TRIAL = load_trial(find_trial("demo"))  # for the names of its analyses
VERSIONS = {"numpy": "2.4.0", "statsmodels": "0.15.0"}


@pytest.fixture
def paragraph(trial, answered):
    """Return a function: the paragraph of an analysis whose answer is changed as named."""

    def of(name, more=(), **changes):
        asked = Asked(trial, trial.analyses[name], answered(only=name, more=more, **{name: changes}))
        return method_text(asked, {"packages": VERSIONS})

    return of


def test_every_estimator_has_sentences():
    """A new one without them would stop the report of the first trial that declares it."""
    assert set(FAMILIES) == set(ESTIMATORS)


def test_every_analysis_of_the_plan_has_a_paragraph_under_its_label(content, answered):
    """One that is left out was never reviewed."""
    titles = [p.title for p in methods_paragraphs(content(answered()))]
    labels = [analysis.label for analysis in TRIAL.analyses.values()]
    assert [title for title in titles if title in labels] == labels


def test_a_paragraph_names_clause_population_size_and_the_version_of_its_package(paragraph):
    """What a reviewer asks first."""
    said = paragraph("lmm")
    for part in (
        "(SAP 6.9)",
        "147 participants with 386 observed outcomes",
        "“As randomised",
        "statsmodels 0.15.0",
    ):
        assert part in said


@pytest.mark.parametrize("name", list(TRIAL.analyses))
def test_no_number_stands_in_a_paragraph_that_is_not_in_the_plan_or_the_rows(name, paragraph):
    """A text is where an invented number hides best."""
    analysis, plan = TRIAL.analyses[name], TRIAL.model_dump_json()
    known = {"147", "386", "95", "5", *VERSIONS.values()}
    tipping = analysis.tipping
    known |= {str(len(tipping.deltas)), str(len(tipping.reference_deltas))} if tipping else set()
    known |= {str(len(TRIAL.outcomes[TRIAL.estimands[analysis.estimand].outcome].levels))}
    words = re.findall(r"(?<![\w.-])\d+(?:\.\d+)*", paragraph(name))
    assert [word for word in words if word not in known and word not in plan] == []


@pytest.mark.parametrize("name", list(TRIAL.analyses))
def test_what_could_not_be_estimated_is_told_as_planned_only(name, paragraph):
    """ "Was compared" of a model that never ran is a false report."""
    said = paragraph(name, status="refused", reason="too few participants")
    assert "could not be estimated: too few participants." in said
    assert not re.search(r"\b(was|were) (compared|imputed|estimated|judged)\b", said)
    assert "147" not in said


def test_a_covariance_that_was_fallen_back_on_is_told_with_the_reason(paragraph):
    """The plan names an order; which of it was used, and why, belongs in the paper."""
    used = method_of(TRIAL.primary_analysis, "ar1h")
    reason = "covariance us was left: it did not converge; covariance toeph was left: it is singular"
    said = paragraph("primary", method=used, reason=reason)
    assert "with a heterogeneous autoregressive covariance over visits" in said
    assert (
        "unstructured (it did not converge) and heterogeneous Toeplitz (it is singular) could not be fitted"
        in said
    )
    assert "Noted of the fit" not in said


def test_what_a_fit_says_of_itself_is_told(paragraph):
    said = paragraph(
        "therapist", reason="therapist variance is zero; 5 participants have no therapist", status="boundary"
    )
    assert "The fit lay on a boundary" in said
    assert "5 participants have no therapist" in said


@pytest.mark.parametrize(
    ("name", "method", "said"),
    [
        ("admissions", POISSON, "so that Poisson regression was used"),
        ("above_30_hours", FIRTH, "Firth's penalised likelihood was used"),
    ],
)
def test_a_method_that_the_program_takes_by_itself_is_told(name, method, said, paragraph):
    """The label of the analysis still names the other one."""
    assert said in paragraph(name, method=method)
    assert said not in paragraph(name)


def test_a_tipping_point_that_no_conclusion_has_is_no_failure(paragraph):
    """It is the answer of every trial without a difference."""
    said = paragraph("tipping_point", status="not estimable", reason="not significant without a delta")
    assert "no conclusion to tip" in said
    assert "until p reached" not in said
    assert "could not be estimated" not in said
    tried = TRIAL.analyses["tipping_point"].tipping
    assert f"with each of {len(tried.deltas)} values of a constant added in the compared arm" in said
    assert f"and each of {len(tried.reference_deltas)} in the reference arm" in said


def test_of_two_compared_arms_each_is_told_whether_it_tipped(trial):
    """That p reached 5% was said of both where it was true of one."""
    third = Arm(code="CBT", label="Talking therapy")
    own = trial.model_copy(update={"arms": (*trial.arms, third)})
    common = {"visit": "m9", "n": 147, "n_observations": 386}
    nothing = {"value": math.nan, "status": "not estimable", "reason": "not significant without a delta"}
    rows = [
        Statistic("tipping delta", -18.0, contrast="SRT - UC", **common),
        Statistic("tipping delta", contrast="CBT - UC", **nothing, **common),
    ]
    shared = {"analysis": "tipping_point", "role": "sensitivity", "estimand": "activity_9_months"}
    results = results_table(result_records(rows, **shared, allocation="true"))
    said = method_text(Asked(own, own.analyses["tipping_point"], results), {"packages": VERSIONS})
    assert "imputed values of SRT plus usual care until p reached 5% (the tipping point)" in said
    assert "The difference of Talking therapy from the reference arm was not significant as imputed" in said


@pytest.mark.parametrize("name", ["admissions", "time_to_admission"])
def test_who_was_never_heard_of_again_is_told_to_be_left_out_of_events(name, paragraph):
    """151 of 154 stood there without a word."""
    assert "Participants without contact after randomisation were left out." in paragraph(name)
    assert "left out" not in paragraph(name, status="failed", reason="the model did not converge")


def test_how_many_were_left_out_of_events_is_counted_from_the_population(trial, answered):
    counted = Statistic("count", 150.0, n=155)
    own = {"analysis": "populations", "outcome": "randomised", "role": "descriptive", "allocation": "true"}
    rows = pd.concat([answered(only="admissions"), results_table(result_records([counted], **own))])
    said = method_text(Asked(trial, trial.analyses["admissions"], rows), {"packages": VERSIONS})
    assert "3 participants without contact after randomisation were left out." in said  # 150 - 147


def test_the_draws_of_an_imputation_are_told_with_number_and_seed(paragraph):
    """Rubin's rules stand on random numbers; the jackknife beside them on none."""
    other = Statistic("other standard error", 3.3, at="rubin", visit="m9", contrast="SRT - UC")
    said = paragraph("imputed_j2r", more=[other])
    assert f"Rubin's rules over 100 imputations (seed {TRIAL.seed})" in said
    assert "by the jackknife, leaving out one participant at a time" in said


def test_a_report_pooled_over_arms_is_told_nothing_that_was_found(content, answered):
    """How many of the therapy arm had a therapist, or which comparison failed, tells of an arm."""
    titles = {p.title for p in methods_paragraphs(content(answered(), audience="open"))}
    assert titles == {
        "Trial design", "Eligibility", "Outcomes", "Populations", "Hypotheses", "Descriptions", "Software",
    }  # fmt: skip


def test_a_shuffled_allocation_is_said_before_the_methods(content, answered):
    first, *_ = methods_paragraphs(content(answered().assign(allocation="shuffled")))
    assert first.mark == "warning"


def test_the_design_names_arms_ratio_blocks_strata_and_sites(content, answered):
    """Items 9, 11 and 17b of CONSORT point there."""
    (design,) = [p.text for p in methods_paragraphs(content(answered())) if p.title == "Trial design"]
    for part in (
        "Usual care and SRT plus usual care",
        "1:1",
        "blocks of 4 and 6",
        "site and sex",
        "4 sites: Norfolk",
    ):
        assert part in design


def test_a_trial_of_few_declarations_has_a_design_too(content, answered):
    """No sites, no blocks, no eligibility, no families."""
    trial = load_trial(find_trial("beat_the_blues")).model_copy(update={"families": {}, "sites": ()})
    texts = {p.title: p.text for p in methods_paragraphs(content(answered(trial), trial=trial))}
    assert "Eligibility" not in texts
    assert texts["Hypotheses"].startswith(
        "The primary analysis is in no family: it decides, at a two-sided level of 5%"
    )
    assert "P-values of other analyses in no family were not adjusted" in texts["Hypotheses"]


def _planned(trial, title):
    (text,) = (p.text for p in planned_paragraphs(trial) if p.title == title)
    return text


def test_a_primary_analysis_in_a_family_is_not_told_apart_from_it():
    """The gate of the demonstration trial decides; the analyses in no family do not."""
    said = _planned(TRIAL, "Hypotheses")
    assert "The primary analysis is in no family" not in said
    assert "P-values of analyses in no family were not adjusted" in said


def test_several_comparisons_without_a_family_are_said_to_be_unadjusted():
    """Two tests at 5% are more than one, and a reader should see that nobody counted them."""
    plain = load_trial(find_trial("beat_the_blues"))
    coach = Arm(code="Coach", label="Coaching", therapy=True)
    said = _planned(plain.model_copy(update={"arms": (*plain.arms, coach)}), "Hypotheses")
    assert "the p-values of its two comparisons unadjusted" in said


def test_therapy_is_said_to_be_described_only_where_somebody_recorded_it():
    """Beat the Blues has no form of sessions; by letters no arm has therapy."""
    told = "therapy as delivered"
    assert told in _planned(TRIAL, "Descriptions")
    assert told not in _planned(load_trial(find_trial("beat_the_blues")), "Descriptions")
    arms = tuple(arm.model_copy(update={"therapy": False}) for arm in TRIAL.arms)
    assert told not in _planned(TRIAL.model_copy(update={"arms": arms}), "Descriptions")


DROPOUT = "the first visit after the last one at which the outcome was observed"
GAPS = "gaps before it were imputed as missing at random"


@pytest.mark.parametrize("name", ["imputed_j2r", "imputed_cr", "imputed_cir"])
def test_from_when_on_a_reference_based_rule_holds_is_said(name, paragraph):
    """Without a date the event is a visit that was missed; a gap before it is no event."""
    said = paragraph(name)
    assert f"No dated event was declared, so that the event was taken to be {DROPOUT}; {GAPS}." in said


def test_of_a_dated_event_the_dropout_that_came_before_it_is_said(paragraph):
    """Whoever left at 6 months and ended therapy later follows the rule of dropouts."""
    said = paragraph("ended_therapy_j2r")
    label = TRIAL.events["ended_therapy"].label
    assert f"The event was the first visit after the date of “{label}”, but {DROPOUT}" in said
    assert "where that came earlier or there was no such date" in said
    assert "No dated event was declared" not in said


def test_an_imputation_that_is_missing_at_random_throughout_has_no_event(paragraph):
    """The same rule holds before and after any visit."""
    assert DROPOUT not in paragraph("imputed_mar")
