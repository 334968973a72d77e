"""`srt run` and `srt check`: what they print and the code they leave with. The run itself is a fake."""

import json
import sys

import pytest

import pipelines.run
from data_contracts.errors import ContractError, EstimationError, Problem, StorageError
from pipelines.cli import __main__ as entry
from pipelines.cli import data, summary
from pipelines.hops import HopEvent
from pipelines.published import NAMED
from pipelines.run import RunSummary

PRIMARY = {
    "estimand": "activity_9_months",
    "outcome": "hours",
    "visit": "m9",
    "contrast": "SRT - UC",
    "estimate": 8.123456789012345,
    "se": 2.5,
    "df": float("nan"),
    "lower": 3.2,
    "upper": 13.0,
    "p_value": 0.001,
}
FORMS = [{"form": "time_use", "rows_in": 1234, "accepted": 1230, "quarantined": 4}]
QUERIES = {"total": 3, "open": 3, "critical": 0, "warning": 2, "info": 1}
DONE = RunSummary("demo", "run-1", "success", PRIMARY, FORMS, QUERIES, "/s/report.html", "/s/index.html")
WITHHELD = ContractError(
    "The data of demo are withheld.", [Problem("demo", "a wrong arm", "the plan's arms")]
)


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Let a run come to what a test wants; note what it was asked."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    monkeypatch.setattr(data, "ensure_data", lambda _plan: None)
    monkeypatch.setattr(summary, "_show_headline", lambda _plan: print("THE HEADLINE"))  # noqa: T201
    asked = []

    def come_to(result):
        def execute(name, **options):
            asked.append((name, options["force"], options["select"]))
            options["on_hop"](HopEvent("raw", "started"))
            options["on_hop"](HopEvent("raw", "done", 1.25, {"raw": 1234}))
            print("noise of a library")  # noqa: T201
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(pipelines.run, "execute_trial", execute)
        return asked

    return come_to


def test_json_is_one_object_with_the_promised_keys_in_full_precision(runs, capfd):
    """Other programs live on it: no rounding, no NaN, nothing else on stdout, whatever a library prints."""
    runs(DONE)
    assert entry.run_command_line(["run", "demo", "--json"]) == 0
    shown = capfd.readouterr()
    told = json.loads(shown.out)
    assert set(told) == {
        "trial",
        "run_id",
        "status",
        "primary",
        "forms",
        "queries",
        "report",
        "validation_report",
        "allocation",
        "lock",
        "standing_report",
        *NAMED,
    }
    assert told["primary"]["estimate"] == 8.123456789012345
    assert told["primary"]["df"] is None
    assert "noise" in shown.err


def test_check_json_has_the_verdict_and_no_result(runs, capsys):
    """A check analyses nothing."""
    asked = runs(DONE)
    assert entry.run_command_line(["check", "demo", "--json"]) == 0
    assert asked == [("demo", True, "checked")]
    told = json.loads(capsys.readouterr().out)
    keys = {"trial", "run_id", "status", "forms", "queries", "validation_report", "allocation", "lock"}
    assert set(told) == keys


def test_text_goes_to_stdout_and_progress_to_stderr(runs, capsys):
    """`srt run demo > result.txt` keeps the result."""
    runs(DONE)
    assert entry.run_command_line(["run", "demo"]) == 0
    shown = capsys.readouterr()
    assert "1.2 s  1,234 rows" in shown.err
    for part in (
        "THE HEADLINE",
        "1,230 of 1,234 accepted, 4 set aside",
        "3: 2 warning, 1 info",
        "/s/report",
    ):
        assert part in shown.out
        assert part not in shown.err


def test_withheld_data_leave_with_5_and_still_tell_forms_and_queries(runs, capsys):
    """A data manager needs them then most."""
    runs(RunSummary("demo", "run-1", "failed", None, FORMS, QUERIES, None, "/s/index.html", WITHHELD))
    assert entry.run_command_line(["run", "demo", "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "contract failure"
    assert told["forms"] == FORMS
    assert told["error"]["problems"][0]["found"] == "a wrong arm"


@pytest.mark.parametrize("stands", [None, "/s/before.html"])
def test_a_failed_run_says_which_report_stands(runs, capsys, stands):
    """Yesterday's is there, and nobody should have to guess whose it is."""
    failed = RunSummary("demo", "run-1", "failed", error=StorageError("Full."), standing_report=stands)
    runs(failed)
    assert entry.run_command_line(["run", "demo", "--json"]) == 7
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["report"], told["standing_report"]) == ("storage error", None, stands)
    assert entry.run_command_line(["run", "demo"]) == 7
    assert ("before.html (the report of an earlier run)" in capsys.readouterr().out) == bool(stands)


def test_a_comparison_that_cannot_be_estimated_leaves_with_6_and_a_report(runs, capsys):
    """The report says why; a script must not take it for a result."""
    error = EstimationError("The primary comparison could not be estimated.")
    runs(RunSummary("demo", "run-1", "failed", {}, FORMS, QUERIES, "/s/report.html", "/s/index.html", error))
    assert entry.run_command_line(["run", "demo"]) == 6
    assert "/s/report.html" in capsys.readouterr().out


def test_if_changed_asks_for_a_run_that_may_stop_early(runs):
    """What the nights do."""
    asked = runs(DONE)
    entry.run_command_line(["run", "demo", "--if-changed"])
    assert asked == [("demo", False, None)]


def test_the_first_words_come_before_the_slow_imports(runs, monkeypatch, capsys):
    """Four silent seconds look like a program that hangs."""
    runs(DONE)
    monkeypatch.setitem(sys.modules, "pipelines.run", None)
    entry.run_command_line(["run", "demo"])
    assert capsys.readouterr().err.startswith("demo: SRT plus usual care")


def test_all_runs_every_trial_though_one_fails(runs, capsys, monkeypatch, tmp_path):
    """One trial's broken file must not cost the others their night."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "broken.toml").write_text("title = 1")
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "own"))
    monkeypatch.setattr(data, "waits_for_data", lambda plan: plan.name == "demo_null")
    asked = runs(DONE)
    assert entry.run_command_line(["run", "--all", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [name for name, *_ in asked] == ["beat_the_blues", "demo", "demo_negative"]
    assert told["status"] == "failed"
    by_name = {one["trial"]: one["status"] for one in told["trials"]}
    assert (by_name["broken"], by_name["demo_null"]) == ("plan error", "skipped")
