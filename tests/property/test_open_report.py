"""The open report says the same whoever is in which arm: its bytes don't change when the allocation does.

The whole way from the records to the page, on the demonstration trial, judged by the real rules. With a participant's
arm go the sessions, the therapist and whatever else tells it, as when a trial is blinded.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from analysis.derive.analysis_set import build_analysis_set
from analysis.estimators.plan import run_analyses
from analysis.reporting.audiences.counted import relations
from analysis.reporting.audiences.hidden import shown_as, suppressed
from analysis.reporting.audiences.open import open_content, pooled_rows
from analysis.reporting.audiences.patterns import class_of
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


def ends(weights, low, high, bounds, at):
    """Return the least and the greatest that a count can be: of whole numbers, in one programme for all of them."""
    n = len(bounds[0])
    found = []
    for direction in (1, -1):
        aim = np.zeros(n)
        aim[at] = direction
        best = milp(
            aim,
            constraints=LinearConstraint(weights, low, high),
            bounds=Bounds(*bounds),
            integrality=np.ones(n),
        )
        found.append(round(best.x[at]))
    return tuple(found)


def told_by_the_whole(found, trial, threshold):
    """Yield each hidden small count with its sign and the range of an intruder who sets up one programme of all."""
    counts, signs = found.counts.values, found.signs
    names, most = list(counts), 10_000
    limits = {
        "small": (1, threshold - 1),
        "large": (threshold, most),
        "withheld": (1, most),
        "unseen": (0, most),
    }
    bounds = np.array(
        [limits[signs[n]] if n in signs else (counts[n], counts[n]) for n in names], dtype=float
    ).T
    known = [r for r in relations(found.counts, trial) if r.holds(counts)]
    weights = np.array([[r.weights.get(n, 0) for n in names] for r in known], dtype=float)
    low = np.array([0 if r.is_sum else -np.inf for r in known])
    for at, name in enumerate(names):
        if name in signs and 1 <= counts[name] < threshold:
            yield name, signs[name], ends(weights, low, np.zeros(len(known)), bounds, at)


def records_in(counts):
    columns = ("rows_in", "accepted", "quarantined")
    return {
        f"records/{row.form}/{name}": int(getattr(row, name))
        for row in counts.itertuples()
        for name in (
            columns if row.form in {"participants", "adverse_events", "withdrawals"} else ["accepted"]
        )
        if row.form not in {"allocation", "sessions", "discontinuations"}
    }


@pytest.mark.parametrize("threshold", [5, 10])
def test_no_small_count_of_the_demonstration_trial_can_be_told(contents, trial, threshold):
    """From all that is shown, at the whole trial's own rows: 1 to t - 1 stays possible of each."""
    stated = trial.model_copy(update={"report": Disclosure(small_cells=threshold)})
    found = suppressed(pooled_rows(contents[0].results, stated), records_in(contents[0].counts), stated)
    attacked = list(told_by_the_whole(found, stated, threshold))
    assert len(attacked) > 10
    for name, sign, (low, high) in attacked:
        if sign == "withheld":
            assert high >= threshold, name
        else:
            assert low <= 1, name
            assert high >= threshold - 1, name


def test_the_rows_say_what_was_decided(contents, trial):
    """Otherwise the attack above is one on something else than the report."""
    stated = trial.model_copy(update={"report": Disclosure(small_cells=5)})
    content = replace(contents[0], trial=stated)
    found = suppressed(pooled_rows(content.results, stated), records_in(content.counts), stated)
    shown = open_content(content).results
    refused = shown[shown["status"] == "refused"]
    signs = sorted(shown_as(sign, 5) for name, sign in found.signs.items() if name in found.counts.rows)
    assert sorted(refused["reason"]) == signs
    counted = shown[shown["statistic"].isin(["count", "missing", "total"]) & shown["status"].ne("refused")]
    small = counted[counted["value"].between(1, 4)]
    assert set(small["outcome"]) <= {"excluded", "randomised", "complete"}, "those that are always shown"
    assert set(small["value"]) <= {1.0}


def test_no_rare_pattern_of_visits_follows_from_what_is_shown(contents, trial):
    """By hand, knowing nothing of how the program hides: all 16 patterns, the classes, the visits, complete cases."""
    stated = trial.model_copy(update={"report": Disclosure(small_cells=5)})
    shown = open_content(replace(contents[0], trial=stated)).results
    shown = shown[shown["status"] != "refused"]
    every = list(map("".join, product("X.", repeat=len(trial.visits))))
    rows, sums = [], []
    for row in shown[shown["outcome"].eq("structured_activity_hours")].itertuples():
        place = [v.code for v in trial.visits].index(row.visit) if row.visit else None
        if row.analysis == "missing patterns" and row.statistic == "count":
            rows.append([class_of(p, trial) in row.at.split(" or ") for p in every])
        elif row.analysis == "observed" and row.statistic in {"count", "missing"}:
            rows.append([p[place] == ("X" if row.statistic == "count" else ".") for p in every])
        else:
            continue
        sums.append(row.value)
    for outcome, own in (("complete", ["XXXX"]), ("not analysed", ["X...", "...."])):
        rows.append([p in own for p in every])
        of = shown[shown["outcome"].eq(outcome) & ~shown["at"].str.startswith(("excluded", "not observed"))]
        sums.append(of.loc[of["analysis"].isin(["populations", "disposition"]), "value"].iloc[0])
    weights, bounds = np.array(rows, dtype=float), (np.zeros(16), np.full(16, 154.0))
    true = contents[0].results.query("analysis == 'missing patterns' and statistic == 'count' and arm == ''")
    rare = true[true["value"].between(1, 4)]
    assert len(rare) == 2
    assert len(sums) == 8 + 3 + 2, "visits, classes, complete cases and those without follow-up"
    for row in rare.itertuples():
        low, high = ends(weights, np.array(sums), np.array(sums), bounds, every.index(row.at))
        assert low <= 1
        assert high >= 4
