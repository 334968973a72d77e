"""`srt contract`: the rules of a plan, to read and to take elsewhere."""

import csv
import json
from pathlib import Path

import pytest

from data_contracts.load import find_trial, load_trial
from data_contracts.suites import rules_of
from pipelines.cli import __main__ as entry

# Great Expectations imports modules that Python has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning")


def test_the_rules_are_counted_by_form_and_severity(capsys: pytest.CaptureFixture[str]) -> None:
    """What one wants to know of a contract first."""
    assert entry.run_command_line(["contract", "beat_the_blues"]) == 0
    told = capsys.readouterr().out
    rules = [r for r in rules_of(load_trial(find_trial("beat_the_blues"))) if r.form == "bdi"]
    (line,) = [line for line in told.splitlines() if line.split()[:1] == ["bdi"]]
    counts = [sum(r.severity == s for r in rules) for s in ("critical", "warning", "info")]
    assert line.split()[1:] == [*map(str, counts), str(len(rules))]


def test_every_rule_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Another program may want to show them."""
    assert entry.run_command_line(["contract", "demo", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [r["rule"] for r in told["rules"]] == [r.id for r in rules_of(load_trial(find_trial("demo")))]
    assert all(r["message"] and r["owner"] and r["severity"] for r in told["rules"])


@pytest.mark.slow
def test_the_rules_are_written_with_their_suites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table for a data manager, a project for whoever knows Great Expectations; the same again replaces both."""
    for _ in range(2):
        assert entry.run_command_line(["contract", "beat_the_blues", "--out", str(tmp_path / "out")]) == 0
    assert "rules.csv" in capsys.readouterr().out
    with (tmp_path / "out" / "rules.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(rules_of(load_trial(find_trial("beat_the_blues"))))
    suites = sorted(path.name for path in (tmp_path / "out" / "gx" / "expectations").glob("*.json"))
    assert suites == ["allocation.json", "bdi.json", "participants.json"]


def test_a_folder_that_cannot_be_made_is_a_storage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 7, and the folder's name."""
    (tmp_path / "file").write_text("in the way")
    assert entry.run_command_line(["contract", "demo", "--out", str(tmp_path / "file" / "out")]) == 7
    assert "can't be written" in capsys.readouterr().err
