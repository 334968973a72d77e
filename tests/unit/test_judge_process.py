"""The judge in its own process: the same findings, clear errors, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from data_contracts.errors import ContractError, StorageError
from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.judge import judge
from data_contracts.judge_process import Judge
from data_contracts.load import find_trial, load_trial
from data_contracts.rules import Finding
from data_contracts.spec import Trial
from data_contracts.suites import rules_of

pytestmark = [
    pytest.mark.slow,  # importing Great Expectations in the child
    pytest.mark.filterwarnings(r"ignore:module 'sre_\w+' is deprecated:DeprecationWarning"),
]
SECRET = "P-4711"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running() -> Iterator[Judge]:
    with Judge.start() as child:
        yield child


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load_trial(find_trial("beat_the_blues"))


@pytest.fixture
def forms() -> dict[str, ReadForm]:
    """Return three forms, one with a participant nobody knows and one with a score out of range."""
    frames = {
        "participants": pd.DataFrame({"participant": ["1", "2"], "drug": ["0", "1"], "length": ["0", "1"]}),
        "allocation": pd.DataFrame({"participant": ["1", SECRET], "arm": ["TAU", "BtheB"]}),
        "bdi": pd.DataFrame({"participant": ["1", "1"], "visit": ["pre", "m2"], "bdi": [10.0, 64.0]}),
    }
    return {name: _read(name, frame) for name, frame in frames.items()}


def _read(name: str, frame: pd.DataFrame) -> ReadForm:
    values = frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name=ROW))
    unreadable = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
    source = SourceFile(name, "0" * 64, 1, datetime(2024, 1, 1, tzinfo=UTC))
    return ReadForm(name, values, pd.DataFrame(index=values.index), unreadable, source)


def _told(findings: tuple[Finding, ...]) -> list[tuple[object, ...]]:
    return [(f.rule.id, f.passed, f.rows, f.n_checked, f.error) for f in findings]


def test_the_child_finds_what_this_process_finds(
    running: Judge, trial: Trial, forms: dict[str, ReadForm], tmp_path: Path
) -> None:
    """Where the judging is done must not matter; a second question is answered by the same child."""
    here = judge(forms, trial, rules_of(trial))
    assert _told(running.judge(forms, trial, rules_of(trial), tmp_path / "docs")) == _told(here)
    assert _told(running.judge(forms, trial, rules_of(trial), None)) == _told(here)
    assert [f.rule.id for f in here if not f.passed] == [
        "participants.reference.allocation",
        "allocation.reference.participants",
        "bdi.range.bdi",
    ]


def test_the_pages_fetch_nothing_and_hold_no_value(
    running: Judge, trial: Trial, forms: dict[str, ReadForm], tmp_path: Path
) -> None:
    """Great Expectations' own pages name 17 addresses and show what was found."""
    running.judge(forms, trial, rules_of(trial), tmp_path / "docs")
    for page in (tmp_path / "docs").iterdir():
        text = page.read_text(encoding="utf-8")
        assert SECRET not in text
        parser = _Fetched()
        parser.feed(text)
        assert [
            a for a in parser.found if not a.endswith(".html") and not a.startswith(("#", "data:,"))
        ] == []
    assert "Records: 2." in (tmp_path / "docs" / "bdi.html").read_text(encoding="utf-8")


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        self.found += ["a script"] * (tag == "script")


def test_a_folder_that_cannot_be_written_is_a_storage_error(
    running: Judge, trial: Trial, forms: dict[str, ReadForm], tmp_path: Path
) -> None:
    """The child's error arrives as what it is, and the child lives on."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="validation pages"):
        running.judge(forms, trial, rules_of(trial), tmp_path / "file" / "docs")
    assert running.judge(forms, trial, rules_of(trial), None)


def test_an_unexpected_error_comes_back_without_its_text(
    running: Judge, trial: Trial, forms: dict[str, ReadForm]
) -> None:
    """The text of an error may hold a participant's value."""
    del forms["bdi"].values["visit"]
    with pytest.raises(RuntimeError, match="in the process that checks the data") as caught:
        running.judge({"bdi": forms["bdi"]}, trial, [SECRET], None)
    assert SECRET not in str(caught.value)


def test_a_child_that_was_killed_is_told_in_a_sentence(trial: Trial, forms: dict[str, ReadForm]) -> None:
    """Out of memory ends a process so; nothing may be accepted then."""
    child = Judge.start()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(ContractError, match="ended by signal 9"):
        child.judge(forms, trial, rules_of(trial), None)


def test_closing_ends_the_child_even_amid_its_import() -> None:
    """A command that fails early must not wait for an import nobody needs."""
    child = Judge.start()
    begun = time.monotonic()
    child.close()
    assert time.monotonic() - begun < 3
    assert not _is_alive(child.pid)


def test_the_child_ends_when_its_parent_is_killed() -> None:
    """kill -9 gives no chance to clean up: the child sees its input end."""
    program = "import time; from data_contracts.judge_process import Judge"
    program += "; print(Judge.start().pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
