"""A reader that goes away, such as `head`, is no error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


def unread(tmp_path, *words, stream="stdout"):
    """Run a command one of whose streams has lost its reader; return its code and the other stream."""
    reader, writer = os.pipe()
    os.close(reader)
    own = {"SRT_HOME": str(tmp_path), "SRT_TRIALS": str(tmp_path / "trials"), "PYTHONPATH": str(REPO)}
    env = {**os.environ, **own}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    command = [sys.executable, "-m", "pipelines.cli", *words]
    try:
        ended = subprocess.run(command, env=env, text=True, check=False, **pipes)
    finally:
        os.close(writer)
    return ended.returncode, ended.stderr if stream == "stdout" else ended.stdout


@pytest.mark.parametrize("words", [["trials"], ["trials", "--json"], ["--help"], ["--version"]])
def test_stdout_without_a_reader(tmp_path, words):
    """The reader has what it wanted: 0, and not a word."""
    assert unread(tmp_path, *words) == (0, "")


@pytest.mark.parametrize("words", [["report", "nosuchtrial"], ["report", "nosuchtrial", "--json"]])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_an_error_keeps_its_exit_code(tmp_path, words, stream):
    """A script still learns how the command went."""
    assert unread(tmp_path, *words, stream=stream)[0] == 3


def test_progress_that_nobody_reads_does_not_end_the_work(tmp_path):
    """`srt run demo 2>&1 | head -2` must not leave half a run; here what it begins with."""
    code, out = unread(tmp_path, "new-trial", "hackney", stream="stderr")
    assert code in {0, 3}, out
    code, _ = unread(tmp_path, "simulate", "demo", stream="stderr")
    assert code == 0
    assert unread(tmp_path, "simulate", "demo", stream="stderr")[0] == 0  # says so on stderr
