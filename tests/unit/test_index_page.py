"""The index page: what it says of every state a trial may be in, and what it never says."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from analysis.reporting.index import SAID, Asked, TrialLine, overview_table, render_index
from data_contracts.standing import MARK

MADE = datetime(2026, 5, 3, 2, 5, tzinfo=UTC)
RUN = "0b0e2c4e-3e19-4589-908e-7117522e09d2"
DONE = TrialLine(
    trial="hackney",
    title="Therapy <in> Hackney",
    outcome="published",
    last_run=datetime(2026, 5, 3, 2, 0, tzinfo=UTC),
    run_id=RUN,
    blinding="unblinded on 2026-05-01 by A. Reader",
    allocation="true",
    queries=Asked({"critical": 3, "warning": 12, "info": 0}, overdue=2),
    headlines=("Hours at 9 months: no clear difference.",),
    result_time=datetime(2026, 5, 3, 2, 0, tzinfo=UTC),
    links={"Report": "hackney/report.html"},
)


def words(html):
    """Return what the page's body says, without its tags, style and script."""
    body = re.sub(r"<(script|style)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_a_trial_is_a_line_and_a_section_with_everything_the_morning_asks_for():
    """Title, last run in UTC, state, allocation, queries by severity, result, pages, run."""
    said = words(render_index([DONE], MADE))
    for wanted in (
        "as of 3 May 2026, 02:05 UTC",
        "Therapy &lt;in&gt; Hackney",
        "Published",
        "3 May 2026, 02:00 UTC",
        "unblinded on 2026-05-01 by A. Reader",
        "15 open queries: 3 critical and 12 warning; 2 overdue",
        "no clear difference",
        RUN,
    ):
        assert wanted in said, wanted


def test_the_same_lines_at_the_same_time_give_the_same_page():
    """Nothing below pipelines reads the clock; an age such as "3 days ago" would be wrong by tomorrow."""
    page = render_index([DONE], MADE)
    assert page == render_index([DONE], MADE)
    assert " ago" not in words(page)


@pytest.mark.parametrize("outcome", SAID)
def test_every_outcome_is_told_by_a_sign_and_a_word(outcome):
    """A colour alone reads neither in grey nor aloud."""
    page = render_index([replace(DONE, outcome=outcome)], MADE)
    light, word = SAID[outcome]
    assert f'<span class="light {light}">{word}</span>' in page


def test_a_file_leads_to_no_run_and_a_served_page_does():
    """Dagster's address is known to the server alone; a dead link is worse than none."""
    kept, served = render_index([DONE], MADE), render_index([DONE], MADE, runs="runs/")
    assert f'href="runs/{RUN}"' in served
    assert "runs/" not in re.sub(r"<script>.*?</script>", "", kept, flags=re.DOTALL)
    assert "srt ui shows it" in words(kept)


def test_a_result_of_shuffled_arms_is_marked():
    """Somebody will copy the sentence."""
    line = replace(DONE, allocation="shuffled", headlines=(f"{MARK} Hours were higher.",))
    said = words(render_index([line], MADE))
    assert f"Allocation shuffled {MARK}" in said


def test_what_is_wrong_is_told_in_full_and_the_other_trials_are_there_all_the_same():
    """A broken trial must not hide the others."""
    broken = TrialLine(
        "broken", "broken", "plan error", trouble=("Its file has 2 mistakes: `srt check broken`.",)
    )
    page = render_index([broken, DONE], MADE)
    assert "<code>srt check broken</code>" in page
    assert "Hours at 9 months" in page


def test_a_trial_without_a_result_has_a_dash_and_what_makes_one():
    """The page is the first a newcomer opens."""
    line = TrialLine("new", "A new trial", "no data", no_result="`srt run new` makes its first report.")
    assert "Result – srt run new makes its first report." in words(render_index([line], MADE))


def test_queries_nobody_could_count_are_no_zero():
    """The query book may be held for a moment."""
    known, unknown = overview_table([DONE, replace(DONE, queries=None)]).groups[0].rows
    assert known.cells[-1].text == "15"
    assert unknown.cells[-1].text == "–"


def test_the_units_own_trials_stand_before_the_shipped_examples():
    """They are what the page is for."""
    table = overview_table([replace(DONE, trial="demo", is_shipped=True), DONE])
    assert [(group.label, group.rows[0].cells[0].detail) for group in table.groups] == [
        ("Trials of this unit", "hackney"),
        ("Shipped examples", "demo"),
    ]


def test_a_page_of_no_trial_at_all_is_a_page():
    """An empty folder of trials is no reason to fail."""
    assert "There is no trial yet." in render_index([], MADE)


def test_a_run_that_differs_from_its_lock_is_loud():
    """As everywhere else."""
    assert "NOT AS LOCKED: the data" in words(
        render_index([replace(DONE, not_as_locked="NOT AS LOCKED: the data")], MADE)
    )
