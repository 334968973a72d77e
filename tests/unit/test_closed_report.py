"""The closed report: arms by letters, A less B, and nothing that tells which of them is the therapy."""

import dataclasses
import hashlib
import math
from html import unescape

import numpy as np
import pandas as pd
import pytest

from analysis.estimators.disposition import DISPOSITION
from analysis.reporting.audiences import closed_sections
from analysis.reporting.audiences.closed import closed_content, coded_rows
from analysis.reporting.audiences.coded import (
    ARM,
    DIGITS,
    Words,
    coded_trial,
    draw_letters,
    left_out,
    tells_nothing,
)
from analysis.reporting.content import ReportContent
from analysis.reporting.exports.files import results_csv
from analysis.reporting.html import EVERY, render_html
from analysis.reporting.methods.planned import planned_paragraphs
from analysis.reporting.report import FlowChart, Paragraph, Report
from analysis.reporting.sections import flow
from analysis.reporting.table import Table
from analysis.reporting.tables.model_checks import model_checks_table
from analysis.reporting.tables.provenance import facts_table
from analysis.results import Statistic, results_frame
from data_contracts.errors import ContractError, RequestError
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.recruitment import Recruitment

TRIAL = load_trial(SHIPPED_TRIALS / "demo.toml")
ROW = {"role": "secondary", "analysis": "admissions", "outcome": "admissions"}
KEYS = [bytes([n]) * 32 for n in range(40)]


def key_where(letter):
    """Return a key by which the reference arm has a letter."""
    return next(key for key in KEYS if draw_letters(TRIAL, key).of["UC"] == letter)


def contrast(statistic, value, lower, upper, **more):
    return Statistic(
        statistic, value, contrast="SRT - UC", lower=lower, upper=upper, n_by_arm="UC 70, SRT 72", **more
    )


def made(rows, key, **shared):
    letters = draw_letters(TRIAL, key)
    return coded_rows(results_frame(rows, **{**ROW, **shared}), TRIAL, coded_trial(TRIAL, letters), letters)


def test_the_letters_depend_on_the_key_alone():
    """The same for every meeting; half of the keys give either."""
    assert draw_letters(TRIAL, KEYS[0]) == draw_letters(TRIAL, KEYS[0])
    share = np.mean([draw_letters(TRIAL, key).of["UC"] == "A" for key in KEYS])
    assert 0.2 < share < 0.8  # 40 coins lie outside but for 1 in 10,000


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_difference_is_always_a_less_b(letter):
    """A reference that is always the same letter would tell the arms by its sign."""
    (row,) = made(
        [contrast("restricted mean difference", 3.0, 1.0, 5.0, se=1.0)], key_where(letter)
    ).itertuples()
    sign = -1 if letter == "A" else 1
    assert (row.contrast, row.value, row.se) == ("A - B", sign * 3.0, 1.0)
    assert sorted([sign * row.lower, sign * row.upper]) == [1.0, 5.0]
    assert row.lower < row.value < row.upper
    assert row.n_by_arm == ("A 70, B 72" if letter == "A" else "A 72, B 70")


def test_a_ratio_the_other_way_round_is_its_inverse_with_the_same_relative_error():
    """A rate ratio of 2 with SRT against UC is one of 0.5 the other way; the error of its logarithm stays."""
    (row,) = made([contrast("rate ratio", 2.0, 1.25, 4.0, se=0.5, p_value=0.02)], key_where("A")).itertuples()
    assert (row.value, row.lower, row.upper, row.p_value) == (0.5, 0.25, 0.8, 0.02)
    assert row.se / row.value == pytest.approx(0.5 / 2.0)


def test_turning_every_effect_gives_the_rows_of_the_other_key():
    """Letters apart, a report by one key and by another are mirror images, in the same order."""
    rows = [
        contrast("rate ratio", 2.0, 1.25, 4.0, se=0.5), contrast("log-rank", 3.0, np.nan, np.nan),
        Statistic("total", 10.0, arm="UC"), Statistic("count", 4.0, arm="UC"),
        Statistic("total", 12.0, arm="SRT"), Statistic("count", 6.0, arm="SRT"), Statistic("dispersion", 1.5),
    ]  # fmt: skip
    a, b = made(rows, key_where("A")), made(rows, key_where("B"))
    place = ["statistic", "arm", "contrast"]
    assert a[place].equals(b[place]), "the order says nothing"
    swapped = b.assign(arm=b["arm"].map({"A": "B", "B": "A", "": ""}))
    of_arms = lambda rows: rows[rows["arm"].ne("")].set_index(["statistic", "arm"])["value"].sort_index()  # noqa: E731
    assert of_arms(a).equals(of_arms(swapped))
    assert (
        a.query("statistic == 'rate ratio'")["value"].item()
        * b.query("statistic == 'rate ratio'")["value"].item()
        == 1
    )


def test_what_was_observed_beside_a_comparison_is_told_by_letter():
    """The committee sees the numbers behind an effect: mean and SD, events and the time they happened in."""
    names = ("observed mean", "observed sd", "count", "total", "rate", "follow-up")
    rows = [Statistic(name, 5.0, arm=arm, n=70) for name in names for arm in ("UC", "SRT")]
    told = made(rows, KEYS[0])
    assert sorted(zip(told["statistic"], told["arm"], strict=True)) == sorted(
        (name, letter) for name in names for letter in "AB"
    )


def test_the_order_is_that_of_a_plan_with_the_arms_the_other_way_round():
    """In the results the reference arm stands first: by letters it must not."""
    blocks = {arm: [Statistic(s, 1.0, arm=arm) for s in ("total", "count", "rate")] for arm in ("UC", "SRT")}
    first = made([*blocks["UC"], *blocks["SRT"]], KEYS[0])
    second = made([*blocks["SRT"], *blocks["UC"]], KEYS[0])
    assert first.equals(second)


@pytest.mark.parametrize("name", ["imputed_j2r", "imputed_mar", "tipping_point", "cace", "ended_therapy_j2r"])
def test_analyses_that_tell_the_therapy_are_left_out_and_named(name):
    """Who reads "after dropout as if in arm B" knows that B is usual care."""
    assert not tells_nothing(TRIAL.analyses[name], TRIAL)
    rows = made(
        [contrast("adjusted mean difference", 1.0, 0.0, 2.0)], KEYS[0], analysis=name, role="sensitivity"
    )
    assert rows.empty
    label = TRIAL.analyses[name].label
    named = left_out(TRIAL)
    assert (label in named) is not Words(TRIAL).has(label)
    assert ARM not in " ".join(named), "one whose label names an arm is called by its kind"
    assert "; ".join(named) in closed_sections.said(closed_content(content(), KEYS[0]))


@pytest.mark.parametrize(
    ("analysis", "outcome", "at"),
    [
        ("disposition", "received therapy", "at least one session"), ("disposition", "no therapy", "no session"),
        ("populations", "per_protocol", ""), ("therapy delivered", "sessions", ""),
        ("populations", "randomised", "moved from SRT"),
    ],
)  # fmt: skip
def test_descriptions_that_tell_the_therapy_are_left_out(analysis, outcome, at):
    """Nobody in usual care receives therapy."""
    rows = [Statistic("count", 4.0, arm=arm, at=at) for arm in ("UC", "SRT")]
    assert made(rows, KEYS[0], analysis=analysis, outcome=outcome, role="descriptive").empty


def test_no_text_of_the_coded_plan_names_an_arm():
    """Labels are shown all over the report; names of things, such as a column, are not."""
    coded = coded_trial(TRIAL, draw_letters(TRIAL, KEYS[0]))
    words = Words(TRIAL)
    shown = [coded.title, coded.description, *(arm.label for arm in coded.arms)]
    for part in (
        coded.forms,
        coded.analyses,
        coded.estimands,
        coded.populations,
        coded.outcomes,
        coded.moderators,
    ):
        shown += [one.label for one in part.values()]
    shown += [e.treatment for e in coded.estimands.values()]
    shown += [event.event for e in coded.estimands.values() for event in e.intercurrent_events]
    assert [text for text in shown if words.has(text)] == []
    assert not any(arm.therapy or arm.values for arm in coded.arms)


def test_a_code_counts_as_it_is_spelt_and_a_label_in_any_case():
    """`srt run` is the program; "usual care" is the arm, however it is written."""
    words = Words(TRIAL)
    assert (
        words.masked("SRT, srt run, USUAL care, SRT+UC; a truce") == "[arm], srt run, [arm], [arm]; a truce"
    )


def test_a_plan_whose_primary_analysis_tells_the_therapy_is_refused():
    """Without it there is nothing to show, with it the letters are no secret."""
    primary = TRIAL.primary_analysis.model_copy(update={"group": "arm"})
    trial = TRIAL.model_copy(update={"analyses": {**TRIAL.analyses, "primary": primary}})
    with pytest.raises(RequestError, match="by letters"):
        coded_trial(trial, draw_letters(trial, KEYS[0]))


def test_with_three_arms_each_has_a_letter_and_contrasts_are_those_given():
    """No direction is common to all three, so that the plan's stays; the reference is one of the letters."""
    third = TRIAL.arms[1].model_copy(update={"code": "CBT", "label": "CBT"})
    trial = TRIAL.model_copy(update={"arms": (*TRIAL.arms, third)})
    letters = draw_letters(trial, KEYS[0])
    assert sorted(letters.of.values()) == ["A", "B", "C"]
    assert letters.contrast("CBT - UC") == f"{letters.of['CBT']} - {letters.of['UC']}"
    assert not letters.is_turned
    assert coded_trial(trial, letters).reference_arm.code == letters.of["UC"]


FINDINGS = ["rule", "form", "severity", "effect", "message", "passed", "n_failed", "n_checked"]
COUNTS = pd.DataFrame({
    "form": ["participants", "sessions"], "rows_in": [9, 90], "accepted": [8, 90], "quarantined": [1, 0],
})  # fmt: skip
MADE_BY = {
    "plan_hash": "p" * 64, "data_hash": "d" * 64, "code_version": "c" * 16, "time": "2026-01-01T10:00:00+00:00",
    "python": "3.11", "platform": "Linux", "packages": {"numpy": "2"}, "run_id": "a run", "triggered_by": "Dr C",
    "reason": "SRT meeting 2", "sources": [{"form": "sessions", "sha256": "x"}],
}  # fmt: skip


def content(rows=(), trial=TRIAL, **more):
    """Return the whole content, as a run on the true allocation has it."""
    results = results_frame(rows or [contrast("rate ratio", 2.0, 1.0, 4.0)], **ROW)
    findings, queries = pd.DataFrame(columns=FINDINGS), pd.DataFrame(columns=["form", "state", "n"])
    given = {"counts": COUNTS, "findings": findings, "queries": queries, "provenance": MADE_BY}
    return ReportContent(trial, results, **{**given, **more})


def shown(section, of):
    """Return the text of a section's paragraphs and tables."""
    blocks = list(section(of))
    texts = [block.text for block in blocks if isinstance(block, Paragraph)]
    for table in (block for block in blocks if isinstance(block, Table)):
        cells = [cell.text for group in table.groups for row in group.rows for cell in row.cells]
        texts += [table.empty] if table.is_empty else [*cells, *table.notes]
    return " ".join(texts)


def test_an_unequal_ratio_is_not_said():
    """Nor that it was 1 to 1: "2:1" beside the letters would tell the therapy, "1:1" would be untrue."""
    for ratio, blocks in (({"SRT": 2, "UC": 1}, ()), ({"SRT": 2, "UC": 2}, TRIAL.randomisation.block_sizes)):
        planned = TRIAL.randomisation.model_copy(update={"ratio": ratio})
        trial = TRIAL.model_copy(update={"randomisation": planned})
        coded = coded_trial(trial, draw_letters(trial, KEYS[0]))
        assert (coded.randomisation.ratio, coded.randomisation.block_sizes) == ({}, blocks)
    (design, *_) = planned_paragraphs(coded)
    assert "1:1" in design.text


def test_the_model_checks_have_no_column_for_what_is_left_out():
    """A column of dashes, and a note that explains it, would say that nothing was compared."""
    fit = Statistic("residual sd", 19.3)
    results = results_frame([fit], role="primary", analysis="primary", outcome=TRIAL.primary.outcome)
    of = closed_content(dataclasses.replace(content(), results=results), KEYS[0])
    table = next(iter(closed_sections.model_checks(of)))
    headings = [column.label for column in table.columns]
    assert headings == [
        "Analysis",
        "Verdict",
        "Observations",
        "Participant SD",
        "Residual SD",
        "Log-likelihood",
    ]
    assert all(len(row.cells) == len(headings) for group in table.groups for row in group.rows)
    assert "Second route" not in " ".join(table.notes)
    assert len(table.notes) == 2


def test_the_content_has_no_links_and_no_files():
    """The files of the closed report stand alone; the listings beside the final report name arms."""
    closed = closed_content(content(links={"a": "b"}), KEYS[0])
    assert closed.audience == "closed"
    assert not closed.links
    assert closed.provenance["sources"] == []
    assert "are not listed here" in shown(closed_sections.provenance, closed)


@pytest.mark.parametrize("letter", ["A", "B"])
def test_no_digit_or_sign_tells_that_an_effect_was_turned(letter):
    """1 / 3.0000001 has a tail that 0.3333333 has not, and minus nothing is written -0.0."""
    rows = [contrast("rate ratio", 1.2345678, 0.5, 3.1415926, se=0.123456789),
            contrast("risk difference", 0.0, -0.123456789, 0.123456789, p_value=0.987654321)]  # fmt: skip
    found = made(rows, key_where(letter))
    numbers = [x for name in ("value", "se", "lower", "upper", "p_value") for x in found[name].dropna()]
    assert len(numbers) == 8
    assert all(x == float(f"{x:.6g}") and math.copysign(1, x) * x == abs(x) for x in numbers)
    assert all(math.copysign(1, x) == 1 for x in numbers if x == 0)
    assert b"-0.0," not in results_csv(found)


@pytest.mark.parametrize("statistic", ["second route", "agreement"])
def test_distances_from_a_second_computation_are_left_out(statistic):
    """How far a ratio is from the same found another way is not what its inverse's distance is."""
    rows = [
        contrast("rate ratio", 2.0, 1.0, 4.0),
        contrast(statistic, 1e-9, np.nan, np.nan),
        Statistic(statistic, 1e-9),
    ]
    assert made(rows, KEYS[0])["statistic"].tolist() == ["rate ratio"]


def test_two_computations_that_disagree_are_told_without_how_far():
    """The rows are left out; that an estimate is in doubt must not be."""
    sure = closed_content(content(), KEYS[0])
    assert shown(closed_sections.departed, sure).startswith(closed_sections.DECLARED)
    rows = [contrast("rate ratio", 2.0, 1.0, 4.0),
            contrast("second route", 9.0, np.nan, np.nan, status="failed", reason="9.0 apart")]  # fmt: skip
    text = shown(closed_sections.departed, closed_content(content(rows), KEYS[0]))
    assert "computed a second way are not the same" in text
    assert TRIAL.analyses["admissions"].label in text
    assert "9.0" not in text


def test_that_no_deviation_was_declared_is_not_said(monkeypatch):
    """Those declared are left out, since their words may name an arm."""
    monkeypatch.setattr(closed_sections, "departures", lambda _content: ())
    text = shown(closed_sections.departed, closed_content(content(), KEYS[0]))
    assert closed_sections.NO_DEPARTURE in text
    assert closed_sections.DECLARED in text
    assert "No deviation was declared" not in text


def test_it_opens_with_who_must_not_have_it():
    """Beside the shuffled final report, the arms' totals tell the letters."""
    first, *_ = closed_sections.about(closed_content(content(), KEYS[0]))
    assert (first.text, first.mark) == (closed_sections.NEVER_BOTH, "warning")
    assert "final report on the shuffled allocation" in first.text


def test_the_result_is_said_with_the_letters():
    """There is no reference arm for whoever must not know which it is."""
    rows = [contrast("adjusted mean difference", 2.0, 1.0, 3.0, visit=TRIAL.primary.visit, p_value=0.001)]
    results = results_frame(rows, role="primary", analysis="primary", outcome=TRIAL.primary.outcome)
    whole = dataclasses.replace(content(), results=results.assign(gate="rejected"))
    text = shown(closed_sections.about, closed_content(whole, key_where("A")))
    assert "lower, which is worse, with Arm A than with Arm B" in text
    assert "reference" not in text.partition("Analyses left out")[0]


def test_it_counts_the_records_of_forms_that_tell_no_arm_and_says_which_others_there_are():
    """Zero open queries, or no records of sessions, would be untrue."""
    closed = closed_content(content(), KEYS[0])
    text = shown(closed_sections.quality, closed)
    assert TRIAL.forms["participants"].label in text
    assert "90" not in text.split()
    assert "query" not in text
    for form in ("allocation", "sessions"):
        assert closed.trial.forms[form].label in closed_sections.said(closed)
        assert closed.trial.forms[form].label in text


def test_its_provenance_says_whose_arms_and_which_file_its_numbers_are():
    """A reader of the file can tell that it belongs to the page; what anybody wrote as a reason names no arm."""
    closed = closed_content(content(), KEYS[0])
    rows = [row for group in facts_table(closed.provenance, closed.trial).groups for row in group.rows]
    facts = {row.cells[0].text: row.cells[1].text for row in rows}
    assert facts["Allocation"] == "true, arms by letters"
    assert facts["Rows of results-closed.csv"] == str(len(closed.results)) == "1"
    assert facts["results-closed.csv, SHA-256"] == hashlib.sha256(results_csv(closed.results)).hexdigest()
    assert (facts["Started by"], facts["Reason given"]) == ("Dr C", f"{ARM} meeting 2")
    assert (facts["Run"], facts["Python"], facts["Platform"]) == ("a run", "3.11", "Linux")
    assert "not recorded" not in facts.values()


def test_its_title_keeps_the_letters_and_its_footer_names_its_file():
    """Arms a and b are nowhere else."""
    page, final = (render_html(empty_report(audience)) for audience in ("closed", "final"))
    assert "<title>Trial demo: closed report: arms coded A and B</title>" in page
    assert "coded a and b" not in page
    assert "row of results-closed.csv, of six significant digits" in page
    assert "results-closed.csv" not in final
    assert EVERY in unescape(final)


def with_screening(surplus, set_aside):
    """Return the closed content of 142 randomised, and of so many screened that are neither in nor excluded."""
    trial = TRIAL.model_copy(
        update={"recruitment": Recruitment(screened=172 + surplus, excluded={"Declined": 30})}
    )
    sizes = [
        Statistic("count", 70.0, arm="UC"),
        Statistic("count", 72.0, arm="SRT"),
        Statistic("count", 142.0),
    ]
    rows = results_frame(sizes, role="descriptive", analysis=DISPOSITION, outcome="randomised")
    counts = pd.DataFrame(
        [{"form": "allocation", "rows_in": 142 + set_aside, "accepted": 142, "quarantined": set_aside}]
    )
    whole = content(trial=trial, counts=pd.concat([COUNTS[COUNTS["form"] != "allocation"], counts]))
    return closed_content(dataclasses.replace(whole, results=rows), KEYS[0])


def test_records_set_aside_explain_so_many_screened_and_no_more_here_too():
    """The form of allocation is not shown: any number too many would pass for records of it."""
    closed = with_screening(surplus=2, set_aside=2)
    assert "allocation" not in set(closed.counts["form"])
    (chart,) = (block for block in flow(closed) if isinstance(block, FlowChart))
    assert chart.flow.screening.set_aside == 2
    for surplus in (1, 3):
        with pytest.raises(ContractError, match="Screening"):
            list(flow(with_screening(surplus=surplus, set_aside=0)))
    with pytest.raises(ContractError, match="Screening"):
        list(flow(with_screening(surplus=3, set_aside=2)))


def empty_report(audience):
    return Report("Trial demo", audience, "", "", False, {}, (), (), ())


def test_the_percent_of_a_site_s_target_passes():
    """Without it the column is a dash at every site; it depends on no arm."""
    rows = [Statistic("count", 40.0, at="Norfolk"), Statistic("percent", 83.0, at="Norfolk")]
    shared = {"role": "descriptive", "analysis": "recruitment by site", "outcome": "randomised"}
    assert list(made(rows, KEYS[0], **shared)["statistic"]) == ["count", "percent"]


@pytest.mark.parametrize(("event", "n"), [("readmission", 3), ("ended_therapy", 0)])
def test_events_in_no_outcome_pass_by_letters_where_an_outcome_is_made_from_them(event, n):
    """8 admitted among the harms and 7 in the outcome want a word; who ended the therapy would tell who had it."""
    found = [Statistic("count", 1.0, arm=arm, at="after the last dated contact") for arm in ("UC", "SRT", "")]
    shared = {"role": "descriptive", "analysis": "events in no outcome", "outcome": event}
    told = made(found, key_where("A"), **shared)
    assert sorted(told["arm"]) == ["", "A", "B"][:n]


def test_the_log_likelihood_is_shown_with_the_digits_that_it_has():
    """Of six significant digits three decimals show two that are not so."""
    key = KEYS[0]
    letters = draw_letters(TRIAL, key)
    trial = coded_trial(TRIAL, letters)
    answer = contrast("adjusted mean difference", 7.0, 2.0, 12.0)
    rows = results_frame(
        [dataclasses.replace(answer, visit="m9"), Statistic("log-likelihood", -1574.5761)],
        role="primary", analysis="primary", outcome="structured_activity_hours",
    )  # fmt: skip
    coded = coded_rows(rows, TRIAL, trial, letters)
    table = model_checks_table(coded, trial, DIGITS)
    assert [row.cells[5].text for group in table.groups for row in group.rows] == ["\N{MINUS SIGN}1,574.58"]
