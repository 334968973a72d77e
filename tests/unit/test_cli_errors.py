"""Every error of a command becomes one message and one documented exit code."""

import errno
import io
import json
import os
import sqlite3
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from data_contracts.errors import (
    BusyError,
    ContractError,
    EstimationError,
    PlanError,
    Problem,
    ReadError,
    StorageError,
)
from pipelines.cli import __main__ as entry
from pipelines.cli import data, failures, output

FAMILIES = [
    (PlanError, 3),
    (ReadError, 4),
    (ContractError, 5),
    (EstimationError, 6),
    (StorageError, 7),
    (BusyError, 8),
]


@pytest.fixture
def raising(monkeypatch, tmp_path):
    """Let `srt simulate demo` raise what a test wants."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))

    def let(error):
        def fail(*_args, **_options):
            raise error

        monkeypatch.setattr(data, "fill", fail)
        return entry.run_command_line(["simulate", "demo"])

    return let


@pytest.mark.parametrize(("family", "code"), FAMILIES)
def test_each_family_has_its_exit_code_and_says_what_to_do(raising, capsys, family, code):
    """A script tells the stages apart by the code; a person needs all four parts of the message."""
    problem = Problem("visits.csv", "no file", "one file", "Put the export into the landing folder.")
    assert raising(family("It did not work.", [problem])) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    for part in (
        "It did not work.",
        "visits.csv",
        "no file",
        "one file",
        "Put the export",
        f"exit code {code}",
    ):
        assert part in shown.err


def test_all_problems_of_a_file_are_shown_at_once(raising, capsys):
    """Nobody wants to mend five mistakes in five runs."""
    raising(PlanError("demo.toml has 5 mistakes.", [Problem(f"key {n}", "a", "b") for n in range(1, 6)]))
    shown = capsys.readouterr().err
    assert [f"{n}. key {n}" in shown for n in range(1, 6)] == [True] * 5


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EDQUOT])
def test_trouble_of_the_disk_is_a_storage_error(raising, capsys, number):
    """A full disk is not a fault of the program, and it has a remedy."""
    assert raising(OSError(number, "from the system", "/a/path")) == 7
    shown = capsys.readouterr().err
    assert "Storage error" in shown
    assert "/a/path" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("place", ["", "logs", "landing/demo/a.csv", ".."])
@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.ESTALE, errno.ELOOP])
def test_any_trouble_at_the_state_folder_is_a_storage_error(raising, capsys, tmp_path, number, place):
    """A folder that can't be made, a share that went away."""
    assert raising(OSError(number, "from the system", str((tmp_path / "home" / place).resolve()))) == 7
    shown = capsys.readouterr().err
    assert "SRT_HOME" in shown
    assert "Traceback" not in shown


def test_a_missing_file_elsewhere_is_still_the_programs_fault(raising, tmp_path):
    """It must not be blamed on the disk."""
    assert raising(FileNotFoundError(errno.ENOENT, "none", str(tmp_path / "elsewhere"))) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_a_state_folder_where_none_can_be_made(monkeypatch, capsys):
    """Not even an administrator can make a folder there."""
    monkeypatch.setenv("SRT_HOME", "/proc/foo")
    assert entry.run_command_line(["run", "demo"]) == 7
    assert "/proc/foo" in capsys.readouterr().err


def test_a_state_folder_that_leads_to_itself(monkeypatch, tmp_path, capsys):
    """A link somebody has turned round."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "loop"))
    assert entry.run_command_line(["results"]) == 7
    assert "SRT_HOME" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["tiny", "dmeo"])
def test_an_unknown_trial_says_where_it_was_looked_for(monkeypatch, tmp_path, capsys, name):
    """The folder of SRT_TRIALS is misspelt more often than the trial."""
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("SRT_TRIALS", f"{tmp_path / 'own'}{os.pathsep}/nope")
    assert entry.run_command_line(["check", name]) == 3
    shown = "".join(capsys.readouterr().err.split())  # the terminal may break a path anywhere
    assert f"lookedforin{tmp_path / 'own'};/nope(ofSRT_TRIALS:thereisnosuchfolder);" in shown


def test_a_full_disk_under_the_database_is_a_storage_error_too():
    """Dagster keeps its records in SQLite, which has words of its own for a full disk."""
    wrapped = RuntimeError("run failed")
    wrapped.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert failures.failure_of(wrapped).exit_code == 7


def test_our_error_inside_another_is_found():
    """Dagster wraps what a hop raises; the user shall read the inner message."""
    wrapped = RuntimeError("step failed")
    wrapped.__cause__ = ReadError("bdi.sav is empty.")
    assert failures.failure_of(wrapped).summary == "bdi.sav is empty."


def test_an_unforeseen_error_leaves_its_place_in_a_private_file_and_its_text_nowhere(
    raising, capsys, tmp_path
):
    """An error's text may quote data: where it arose is enough to find the fault."""
    assert raising(ValueError("value of P001")) == 1
    shown = capsys.readouterr().err
    (log,) = (tmp_path / "home" / "logs").glob("*-error.txt")
    assert "ValueError" in log.read_text()
    assert "test_cli_errors.py" in log.read_text()
    assert "value of P001" not in log.read_text() + shown
    assert log.stat().st_mode & 0o077 == 0
    assert log.name in shown


def test_where_no_log_can_be_written_the_place_is_shown(monkeypatch, capsys, tmp_path):
    """Better on the screen than lost."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "file" / "home"))
    assert failures.failure_of(ValueError("odd")).exit_code == 1
    shown = capsys.readouterr().err
    assert "ValueError" in shown
    assert "odd" not in shown


def test_ctrl_c_says_so_and_leaves_with_130(raising, capsys):
    """The shell's convention; no traceback."""
    assert raising(KeyboardInterrupt()) == 130
    assert "Stopped" in capsys.readouterr().err


def test_a_name_that_is_nearly_right_is_suggested(capsys):
    """The commonest mistake at a command line."""
    assert entry.run_command_line(["report", "dmeo"]) == 3
    assert "Did you mean `demo`?" in capsys.readouterr().err


def test_with_json_an_error_is_one_object_on_stdout(capsys):
    """A program that asked for JSON gets JSON, whatever happens."""
    assert entry.run_command_line(["report", "nosuchtrial", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["trial"], told["status"], told["error"]["exit_code"]) == ("nosuchtrial", "plan error", 3)
    assert set(told["error"]["problems"][0]) == {"where", "found", "expected", "remedy"}


@pytest.mark.parametrize(
    "line", [["nosuchcommand"], ["run"], ["run", "demo", "--all"], ["ui", "--port", "80"]]
)
def test_wrong_usage_is_2(capsys, line):
    """As every command of a Unix machine has it."""
    assert entry.run_command_line(line) == 2
    assert capsys.readouterr().err


def test_wrong_usage_with_json_is_an_object_too(capsys):
    """See above."""
    assert entry.run_command_line(["run", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["status"] == "usage error"


def test_no_colour_codes_reach_a_pipe(raising, capsys):
    """Logs of a night must be readable."""
    raising(ReadError("odd"))
    shown = capsys.readouterr()
    assert "\x1b[" not in shown.err + shown.out


def test_a_terminal_without_a_minus_sign_keeps_the_sign():
    """An estimate that lost its sign would say the opposite."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with redirect_stdout(stream):
        output.keep_signs()
        print("\N{MINUS SIGN}0.2 caf\N{LATIN SMALL LETTER E WITH ACUTE}", flush=True)  # noqa: T201
    assert stream.buffer.getvalue() == b"-0.2 caf?\n"
