"""`srt files` and `srt changes`: what a data manager reads, and what goes to files."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from data_contracts.load import find_trial, load_trial
from data_contracts.operations import Blinding
from data_contracts.tables import Tables
from pipelines import store
from pipelines.change_log import ChangeLog
from pipelines.cli import __main__ as entry
from pipelines.cli import changes
from pipelines.custody import Custody
from pipelines.home import Home

FIRST, SECOND = "aaaa1111-run", "bbbb2222-run"
DAY = datetime(2026, 11, 1, 2, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Two nights of one form of the demonstration trial, in custody and in the change log."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    home, plan = Home(tmp_path), load_trial(find_trial("demo"))
    log = ChangeLog(home.nights("demo"), home.store("demo", "accepted"))
    home.landing("demo").mkdir(parents=True)
    for number, (run_id, hours) in enumerate([(FIRST, 12.5), (SECOND, 20.0)]):
        at = DAY + timedelta(days=number)
        source = home.landing("demo") / "time_use.sav"
        source.write_text(f"hours {hours}")
        receive(home, source, run_id, at)
        records = {"participant": ["P-0001"], "visit": ["m9"], "structured_hours": [hours], "words": ["=1+1"]}
        frames = {"time_use": pd.DataFrame(records)}
        log.note(plan, run_id, at, frames)
        store.write_tables(home.store("demo", "accepted"), Tables(frames, {"run": run_id}))
        log.settle()
    return home


def receive(home, source, run_id, at):
    import hashlib

    data = source.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    file = {"name": source.name, "size": len(data), "sha256": sha256, "modified": at.isoformat()}
    custody = Custody(home.custody("demo"), "demo", lambda: at)
    custody.keep(home.landing("demo"), {"time_use": file}, run_id, verify=True)


def srt(capsys, *words, code=0):
    assert entry.run_command_line(list(words)) == code
    return capsys.readouterr()


def test_changes_show_old_and_new_and_whose(home, capsys):
    """One look answers: what changed last night?"""
    out = srt(capsys, "changes", "demo").out
    assert "2026-11-01 02:00 UTC, run aaaa1111-run: 1 record, the first records accepted." in out
    assert "2026-11-02 02:00 UTC, run bbbb2222-run" in out
    (row,) = [line for line in out.splitlines() if "P-0001" in line]
    assert row.split() == ["time_use", "P-0001", "m9", "structured_hours", "12.5", "20"]
    assert "1 change" in out


@pytest.mark.parametrize(
    "words",
    [["--since", "2026-11-03"], ["--night", "aaaa"], ["--form", "allocation"], ["--participant", "P-0002"]],
)
def test_what_is_not_asked_for_is_left_out_and_no_changes_is_said(home, capsys, words):
    """An empty table would look like a failure."""
    assert srt(capsys, "changes", "demo", *words).out.splitlines()[-1] == "No changes."


def test_a_trial_that_never_ran_has_no_changes(home, capsys):
    """No state folder is needed to say so."""
    assert srt(capsys, "changes", "demo_null").out == "No changes.\n"
    assert json.loads(srt(capsys, "changes", "demo_null", "--json").out)["changes"] == []


def test_of_a_blind_trial_it_is_said_which_forms_the_log_is_silent_on(home, capsys, monkeypatch):
    """“No changes” of a night that corrected a session would be taken at its word."""
    plan = load_trial(find_trial("demo"))
    assert "Not told" not in srt(capsys, "changes", "demo").err
    blind = plan.model_copy(update={"blinding": Blinding()})
    monkeypatch.setattr(changes, "load", lambda _: blind)
    told = " ".join(srt(capsys, "changes", "demo", "--night", "aaaa").err.split())
    assert "Not told, as the trial is to be blind: changes in allocation, sessions, discontinuations." in told


def test_changes_as_json_hold_each_cell_with_run_and_time(home, capsys):
    """For programs."""
    said = json.loads(srt(capsys, "changes", "demo", "--night", "bbbb", "--json").out)
    assert said["changes"] == [
        {
            "form": "time_use", "change": "changed", "participant": "P-0001", "visit": "m9",
            "record": "P-0001 · m9", "column": "structured_hours", "old": "12.5", "new": "20",
            "run_id": SECOND, "time": "2026-11-02T02:00:00+00:00",
        }
    ]  # fmt: skip
    assert [night["run_id"] for night in said["nights"]] == [SECOND]


def test_changes_as_csv_are_for_their_owner_and_hold_no_formula(home, capsys, tmp_path):
    """They are opened in a spreadsheet."""
    log = ChangeLog(home.nights("demo"), home.store("demo", "accepted"))
    records = {"participant": ["P-0001"], "visit": ["m9"], "structured_hours": [20.0], "words": ["@sum"]}
    log.note(
        load_trial(find_trial("demo")), "cccc", DAY + timedelta(days=2), {"time_use": pd.DataFrame(records)}
    )
    store.write_tables(home.store("demo", "accepted"), Tables({"time_use": pd.DataFrame(records)}, {}))
    file = tmp_path / "out.csv"
    srt(capsys, "changes", "demo", "--csv", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "'=1+1,'@sum" in file.read_text(encoding="utf-8-sig")
    srt(capsys, "changes", "demo", "--csv", str(file), code=7)
    srt(capsys, "changes", "demo", "--csv", str(file), "--force")
    assert len(list(tmp_path.glob("out*.csv"))) == 2


def test_an_unknown_night_or_form_is_told_with_what_there_is(home, capsys):
    """A typo is not an empty answer."""
    assert "0 runs" in srt(capsys, "changes", "demo", "--night", "zzzz", code=3).err
    assert "time_use" in srt(capsys, "changes", "demo", "--form", "timeuse", code=2).err


def test_files_show_what_arrived_when_and_for_which_runs(home, capsys):
    """The auditor's first question."""
    out = srt(capsys, "files", "demo").out
    rows = [line.split() for line in out.splitlines() if "time_use.sav" in line]
    assert [row[:4] for row in rows] == [
        ["2026-11-01", "02:00", "time_use", "time_use.sav"],
        ["2026-11-02", "02:00", "time_use", "time_use.sav"],
    ]
    assert "2 files" in out
    said = json.loads(srt(capsys, "files", "demo", "--night", "aaaa", "--json").out)
    assert [file["runs"] for file in said["files"]] == [[FIRST]]


def test_verify_finds_an_altered_copy_and_leaves_with_7(home, capsys):
    """One changed byte, years later."""
    assert "all whole" in srt(capsys, "files", "demo", "--verify").out
    copy = next(p for p in home.custody("demo").glob("??/*") if not p.suffix)
    copy.chmod(0o600)
    copy.write_bytes(copy.read_bytes().replace(b"5", b"6").replace(b"0", b"1"))
    told = srt(capsys, "files", "demo", "--verify", "--json", code=7)
    assert "other contents" in told.err
    srt(capsys, "files", "demo", "--verify", code=7)


def test_a_nights_files_are_copied_out(home, capsys, tmp_path):
    """What the night of the first saw."""
    srt(capsys, "files", "demo", "--night", "aaaa", "--to", str(tmp_path / "out"))
    assert (tmp_path / "out" / "time_use.sav").read_text() == "hours 12.5"
    assert os.listdir(tmp_path / "out") == ["time_use.sav"]  # noqa: PTH208
    srt(capsys, "files", "demo", "--to", str(tmp_path / "other"), code=2)
