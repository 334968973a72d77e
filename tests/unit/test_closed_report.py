"""The closed report: arms by letters, A less B, and nothing that tells which of them is the therapy."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from analysis.reporting.audiences.closed import closed_content, coded_rows, said
from analysis.reporting.audiences.coded import Words, coded_trial, draw_letters, left_out, tells_nothing
from analysis.reporting.content import ReportContent
from analysis.results import Statistic, results_frame
from data_contracts.errors import RequestError
from data_contracts.load import SHIPPED_TRIALS, load_trial

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
    assert Words(TRIAL).masked(TRIAL.analyses[name].label) in left_out(TRIAL)
    assert left_out(TRIAL)[0] in said(TRIAL)


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


def test_the_content_has_no_links_and_no_files():
    """The files of the closed report stand alone; the listings beside the final report name arms."""
    empty = pd.DataFrame(
        columns=["rule", "form", "severity", "effect", "message", "passed", "n_failed", "n_checked"]
    )
    counts = pd.DataFrame(columns=["form", "rows_in", "accepted", "quarantined"])
    results = results_frame([contrast("rate ratio", 2.0, 1.0, 4.0)], **ROW)
    content = ReportContent(
        TRIAL,
        results,
        counts,
        empty,
        empty,
        {"sources": [{"form": "sessions", "sha256": "x"}]},
        links={"a": "b"},
    )
    closed = closed_content(content, KEYS[0])
    assert closed.audience == "closed"
    assert not closed.links
    assert closed.provenance["sources"] == []
    assert re.search(r"Left out.*Tipping point", closed.provenance["left_out"])
    assert dataclasses.replace(content) is not content
