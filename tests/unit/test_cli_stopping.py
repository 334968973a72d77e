"""Ctrl-C, wherever it falls: 130, soon, and nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines import warm
from pipelines.cli import __main__ as entry
from pipelines.cli import stopping

REPO = Path(__file__).parents[2]
BEFORE = """
import os, signal, sys, threading, time
import pipelines.doctor
from pipelines.cli import stopping

def press():
    os.kill(os.getpid(), signal.SIGINT)

def wait():
    press()
    time.sleep(60)
"""
AFTER = """
from pipelines.cli.__main__ import main
main({words!r})
"""
PLAIN = """
pipelines.doctor.examine = lambda *args, **kwargs: wait()
"""
MADE_AN_ERROR = """
def examine(home, **asked):
    try:
        wait()
    except KeyboardInterrupt:
        raise ImportError from None
pipelines.doctor.examine = examine
"""
SWALLOWED = """
def examine(home, **asked):
    try:
        wait()
    except KeyboardInterrupt:
        return iter(())
pipelines.doctor.examine = examine
"""
IN_AN_IMPORT = """
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            wait()
sys.meta_path.insert(0, Finder())
"""
HANGS = """
def examine(home, **asked):
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass
pipelines.doctor.examine = examine
for after in {presses}:
    threading.Timer(after, press).start()
stopping.PATIENCE = {patience}
"""
TRIED_AGAIN = """
import data_contracts.readers.trial
data_contracts.readers.trial.read_received = lambda *_: wait()
"""


def ended(program, words, tmp_path, within=15):
    """Run a program that ends in a command line; return its exit code, its messages and its seconds."""
    env = {**os.environ, "SRT_HOME": str(tmp_path), "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    begun = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", BEFORE + program + AFTER.format(words=words)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=within + 30,
    )
    return run.returncode, run.stderr, time.monotonic() - begun


def test_an_interrupt_waits_until_the_import_is_over():
    """Amid one it could be lost, or leave a lock behind."""
    done = []
    with pytest.raises(KeyboardInterrupt), warm.uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the import")
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_not_lost_when_the_import_fails():
    """The failure may be its doing."""
    with pytest.raises(KeyboardInterrupt), warm.uninterrupted():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ImportError


def test_a_thread_that_imports_touches_no_signal():
    """Python lets only the main thread."""
    failed = []

    def work():
        try:
            with warm.uninterrupted():
                pass
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failed == []


def test_an_ignored_signal_stays_ignored():
    """`nohup` and shells without jobs start programs so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with warm.uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_made_of_an_interrupt_is_one(monkeypatch, capsys):
    """NumPy, for one, calls an interrupted import an ImportError."""
    monkeypatch.setattr(stopping, "received", lambda: True)
    assert entry._ended_by(ImportError("odd"), None) == 130
    assert "Stopped" in capsys.readouterr().err


@pytest.mark.parametrize("program", [PLAIN, MADE_AN_ERROR, SWALLOWED, IN_AN_IMPORT])
def test_however_it_is_met_the_exit_code_is_130(tmp_path, program):
    """A script's loop shall end with its first command."""
    code, messages, _ = ended(program, ["doctor"], tmp_path)
    assert (code, "Traceback" in messages) == (130, False), messages
    assert "Stopped" in messages


@pytest.mark.parametrize(("presses", "patience"), [([2], 3), ([2, 4], 60)], ids=["once", "twice"])
def test_a_program_that_hangs_is_ended_by_force(tmp_path, presses, patience):
    """Pressed once: after some seconds. Twice: at once."""
    code, messages, seconds = ended(HANGS.format(presses=presses, patience=patience), ["doctor"], tmp_path)
    assert (code, "Traceback" in messages) == (130, False), messages
    assert seconds < 15


@pytest.mark.slow
def test_a_hop_that_dagster_would_try_again_is_not(tmp_path):
    """Dagster takes an interrupt for a passing trouble, waits 20 seconds, and runs on to the end."""
    code, messages, seconds = ended(TRIED_AGAIN, ["run", "demo", "--json"], tmp_path)
    assert (code, "Traceback" in messages) == (130, False), messages
    assert "trying again" not in messages
    assert seconds < 25
    from pipelines.home import Home
    from pipelines.record import recorded

    with recorded(Home(tmp_path), "later") as instance:
        assert [run.status.value for run in instance.get_runs()] == ["FAILURE"]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.3, 0.7, 1.0, 1.5, 2.0, 3.0])
def test_at_any_moment(tmp_path, seconds):
    """The command ends with 130, its children with it, and the next run is well."""
    env = {**os.environ, "SRT_HOME": str(tmp_path), "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pipelines.cli", "run", "demo_null", "--json"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        time.sleep(seconds)
        if run.poll() is not None:
            pytest.skip("a fast machine: the run had ended by then")
        run.send_signal(signal.SIGINT)
        _, messages = run.communicate(timeout=30)
    assert (run.returncode, b"Traceback" in messages) == (130, False), messages.decode()
    deadline = time.monotonic() + 5
    while _group_lives(run.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _group_lives(run.pid)


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
