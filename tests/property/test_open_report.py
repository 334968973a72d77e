"""The open report says the same whoever is in which arm: its bytes don't change when the allocation does.

The whole way from the records to the page, on the demonstration trial, judged by the real rules. With a participant's
arm go the sessions, the therapist and whatever else tells it, as when a trial is blinded.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest

from analysis.derive.analysis_set import build_analysis_set
from analysis.estimators.plan import run_analyses
from analysis.reporting.audiences.open import pooled_rows
from analysis.reporting.content import ReportContent
from analysis.reporting.document import make_report
from analysis.reporting.html import render_html
from analysis.reporting.word import render_word
from assets.checked import _findings
from data_contracts.blinding import blinded
from data_contracts.judge import judge
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.operations import Blinding, Disclosure
from data_contracts.readers.trial import read_trial
from data_contracts.suites import rules_of
from data_contracts.verdict import verdict_of
from pipelines.landing_data import write_simulated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning"),
]
PROVENANCE = {
    "time": datetime(2026, 1, 1, tzinfo=UTC), "run_id": "r", "triggered_by": "a person", "plan_hash": "p",
    "data_hash": "d", "code_version": "c", "seed": 1, "packages": {}, "sources": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def trial():
    return load_trial(SHIPPED_TRIALS / "demo.toml").model_copy(update={"blinding": Blinding()})


@pytest.fixture(scope="module")
def contents(trial, tmp_path_factory):
    """Return what reports are made of under three allocations; free text, which names arms, is empty in all."""
    landing = tmp_path_factory.mktemp("landing")
    write_simulated(load_trial(SHIPPED_TRIALS / "demo.toml"), landing)
    true = read_trial(landing, trial)
    return [content_of(blinded(true, trial, key).forms, trial) for key in (b"one", b"two", b"three")]


def content_of(forms, trial):
    findings = judge(forms, trial, rules_of(trial), today=datetime(2020, 1, 1, tzinfo=UTC).date())
    verdict = verdict_of(forms, trial, findings)
    derived = build_analysis_set(verdict.accepted, trial)
    results = run_analyses(derived.frame, trial, derived.course)
    queries = pd.DataFrame(columns=["form", "severity", "state", "n", "oldest_days"])
    return ReportContent(
        trial, results, verdict.counts, _findings(verdict), queries, PROVENANCE, tuple(derived.notes)
    )


def as_open(content, small_cells=5):
    trial = content.trial.model_copy(update={"report": Disclosure(small_cells=small_cells)})
    return make_report(replace(content, trial=trial, audience="open"))


def test_the_allocations_differ_and_so_do_the_effects(contents):
    """Equal reports of equal allocations would show nothing."""
    found = {
        c.results.loc[c.results["role"].eq("primary") & c.results["contrast"].ne(""), "value"].iloc[0]
        for c in contents
    }
    assert len(found) == 3


@pytest.mark.parametrize("small_cells", [5, 0], ids=["small cells hidden", "all counts shown"])
def test_the_open_report_is_the_same_for_every_allocation(contents, small_cells):
    """Byte for byte, the page and the Word document: whatever would differ would tell something of the arms."""
    first, *others = (as_open(content, small_cells) for content in contents)
    page, word = render_html(first), render_word(first)
    assert len(page) > 50_000
    for other in others:
        assert render_html(other) == page
        assert render_word(other) == word


def test_no_row_that_changes_with_the_allocation_is_among_those_that_may_pass(contents, trial):
    """A row left out of every table today may be shown tomorrow."""
    first, *others = (pooled_rows(content.results, trial) for content in contents)
    assert len(first) > 300
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_other_pooled_rows_do_change_so_that_the_list_of_what_may_pass_is_needed(contents):
    """Rows over both arms are not all blind: residuals are of a model with the arm in it."""
    pooled = [c.results[c.results["arm"].eq("") & c.results["role"].eq("descriptive")] for c in contents[:2]]
    changed = {
        name
        for name in set(pooled[0]["analysis"])
        if not pooled[0]
        .query("analysis == @name")["value"]
        .reset_index(drop=True)
        .equals(pooled[1].query("analysis == @name")["value"].reset_index(drop=True))
    }
    assert "residuals" in changed
