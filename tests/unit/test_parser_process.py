"""Claims about the process that parses: what a file does to it stays there. Not here: what a file holds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from data_contracts.errors import ReadError
from data_contracts.readers import parser
from data_contracts.readers.parse_server import Limits
from data_contracts.readers.parser import Parser, shared_parser

CORPUS = Path(__file__).parent.parent / "reference" / "corpus"
CRASHING = (CORPUS / "fuzz" / "crash_del_0bdc5c238e_pspp_utf8.sav").read_bytes()
GOOD = (CORPUS / "sav" / "trial.sav").read_bytes()
SERVE_IN_PARTS = """
import sys
sys.path.insert(0, sys.argv[1])
from data_contracts.readers import parse, parse_server
parse.CHUNK, parse_server.LARGE = 2000, 0
parse_server.serve(int(sys.argv[2]))
"""
SMALL = (CORPUS / "sav" / "raw_be.sav").read_bytes()


@pytest.fixture
def limited(request: pytest.FixtureRequest) -> Iterator[Parser]:
    """Yield a parser with the limits of the test's parameter."""
    with Parser.start(request.param) as running:
        yield running


def n_open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def is_alive(pid: int) -> bool:
    """Return whether a process lives; one that waits to be collected does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_file_that_crashes_the_library_costs_that_file_alone() -> None:
    """One flipped bit ends the process that reads it; the next file is read by the same parser."""
    running = shared_parser()
    with pytest.raises(ReadError, match=r"crashes the library \(signal 11\)"):
        running.parse(CRASHING, "sav", "", "form.sav")
    assert running.parse(GOOD, "sav", "", "form.sav").description.n_rows == 400
    assert shared_parser() is running


@pytest.mark.parametrize("limited", [Limits(seconds=0)], indirect=True)
def test_a_file_that_takes_too_long_is_given_up(limited: Parser) -> None:
    """A damaged file can keep the library busy for ever."""
    with pytest.raises(ReadError, match="took longer than"):
        limited.parse(SMALL, "sav", "", "form.sav")
    assert limited.is_running


@pytest.mark.parametrize("limited", [Limits(memory=2**28)], indirect=True)
def test_a_file_that_takes_too_much_memory_is_given_up(limited: Parser, tmp_path: Path) -> None:
    """The library makes room for 100,000 records of 500 variables, whatever a portable file holds."""
    path = tmp_path / "form.por"
    pyreadstat.write_por(pd.DataFrame({f"v{n}": [1.0] for n in range(500)}), str(path))
    with pytest.raises(ReadError, match="more memory than may be used"):
        limited.parse(path.read_bytes(), "por", "", "form.por")
    assert limited.is_running


@pytest.mark.parametrize("limited", [Limits(cells=1000)], indirect=True)
@pytest.mark.parametrize("name", ["trial.sav", "trial.zsav"])
def test_a_file_that_states_too_many_cells_is_not_read(limited: Parser, name: str) -> None:
    """A third of a megabyte of .zsav can hold 1.7 GB: the header tells before the records are unpacked."""
    with pytest.raises(ReadError, match=r"found 400 records of \d+ bytes each by its header"):
        limited.parse((CORPUS / "sav" / name).read_bytes(), "sav", "", name)


@pytest.mark.skipif(sys.platform != "linux", reason="the system gives no view of a process's limits")
def test_no_core_dump_is_left() -> None:
    """It would hold participants' values."""
    code = (
        "from data_contracts.readers.parse_server import Limits, set_limits; import resource as r\n"
        "hard = r.getrlimit(r.RLIMIT_CORE)[1]; r.setrlimit(r.RLIMIT_CORE, (hard, hard))\n"
        "set_limits(Limits(), 0); print(r.getrlimit(r.RLIMIT_CORE)[0], r.getrlimit(r.RLIMIT_AS)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", str(4 * 2**30)]


def test_a_parser_that_was_killed_is_started_again() -> None:
    """Whatever ended it: the next file must not wait for it."""
    killed = shared_parser()
    os.kill(killed.pid, signal.SIGKILL)
    with suppress(ReadError):  # if the end is not noticed in time, this file pays for it
        killed.parse(GOOD, "sav", "", "form.sav")
    assert shared_parser() is not killed
    assert shared_parser().parse(GOOD, "sav", "", "form.sav").description.n_rows == 400


@pytest.mark.skipif(sys.platform != "linux", reason="the system gives no list of processes as files")
def test_the_parser_ends_with_the_process_that_started_it() -> None:
    """Kill -9 gives no time to tidy up, and a process left behind would hold a file's contents."""
    program = (
        "import os, sys, time; from data_contracts.readers.parser import shared_parser\n"
        "print(shared_parser().pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_alive(pid)
        starter.kill()
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


def test_many_files_leave_no_open_file_behind() -> None:
    """A night reads dozens of files, and a process may open a thousand."""
    running = shared_parser()
    running.parse(GOOD, "sav", "", "form.sav")
    before = n_open_files()
    for _ in range(20):
        running.parse(GOOD, "sav", "", "form.sav")
        with pytest.raises(ReadError):
            running.parse(CRASHING, "sav", "", "form.sav")
    assert n_open_files() <= before + 1


@pytest.mark.parametrize("compress", [False, True])
def test_a_large_file_is_read_in_parts_to_the_last_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compress: bool
) -> None:
    """Several processes share it; the parts come together in order, and a surplus row still shows."""
    path = tmp_path / "form.sav"
    frame = pd.DataFrame({"n": [float(n) for n in range(5003)], "t": [f"t{n % 7}" for n in range(5003)]})
    pyreadstat.write_sav(frame, str(path), compress=compress)
    monkeypatch.setattr(parser, "PROGRAM", SERVE_IN_PARTS)
    with Parser.start() as running:
        parsed = running.parse(path.read_bytes(), "sav", "", "form.sav")
        assert parsed.columns["1"].num_chunks > 2
        assert parsed.columns["0"].to_pylist() == frame["n"].tolist()
        assert parsed.columns["1"].to_pylist() == frame["t"].tolist()
        for stated in (5002, 5004):
            data = bytearray(path.read_bytes())
            data[80:84] = stated.to_bytes(4, "little")
            with pytest.raises(ReadError, match=f"found 5003 records, expected {stated}"):
                running.parse(bytes(data), "sav", "", "form.sav")
