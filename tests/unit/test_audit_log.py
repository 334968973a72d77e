"""The audit log on disk: who may read it, several writers at once, a writer that was killed."""

import json
import multiprocessing
import stat

import pytest

from data_contracts.errors import StorageError
from pipelines import audit
from pipelines.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_line_says_who_what_when_and_why(home):
    """What ICH E6 asks of an audit trail."""
    audit.record(home, "locked", trial="demo", who="Dr A", why="last visit", data_hash="ab")
    audit.record(home, "run started", trial="other")
    (line,) = audit.listed(home, "demo")
    assert (line.who, line.what, line.why, line.facts) == (
        "Dr A",
        "locked",
        "last visit",
        {"data_hash": "ab"},
    )
    assert line.time.endswith("+00:00"), "UTC"
    assert audit.listed(home)[1].who == audit.login_name()
    assert audit.listed(home, since="2999-01-01") == []
    assert audit.verified(home, {}) == (2, [])


def test_the_log_is_for_its_owner_alone(home):
    """It names people and reasons."""
    audit.record(home, "locked")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.audit.iterdir()}
    assert (modes["audit.jsonl"], modes["head.json"]) == (0o600, 0o600)
    assert stat.S_IMODE(home.audit.stat().st_mode) == 0o700


def write_some(root, n):
    for number in range(n):
        audit.record(Home(root), "wrote", number=number)


def test_processes_that_write_at_once_lose_no_line_and_break_no_chain(home):
    """Two trials' nights begin at the same minute."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_some, args=(home.root, 15)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert audit.verified(home, {}) == (60, [])


def test_after_a_kill_between_line_and_head_the_log_goes_on_whole(home):
    """The line is on the disk, the head says it is not: both are right, and neither is lost."""
    audit.record(home, "one")
    before = (home.audit / "head.json").read_bytes()
    audit.record(home, "two")
    (home.audit / "head.json").write_bytes(before)
    assert audit.verified(home, {}) == (2, [])
    audit.record(home, "three")
    assert audit.verified(home, {}) == (3, [])
    assert [entry.what for entry in audit.listed(home)] == ["one", "two", "three"]


def test_after_a_kill_amid_a_line_the_log_goes_on_without_it(home):
    """Half a line was never acknowledged to anybody."""
    audit.record(home, "one")
    with (home.audit / "audit.jsonl").open("ab") as log:
        log.write(b'{"facts":{},"ha')
    audit.record(home, "two")
    assert audit.verified(home, {}) == (2, [])


def test_lines_lost_or_gone_are_found_even_when_more_were_written_since(home):
    """The chain goes on from the head: a cut is not healed by the next line."""
    for what in ("one", "two", "three"):
        audit.record(home, what)
    path = home.audit / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
    audit.record(home, "four")
    count, flaws = audit.verified(home, {})
    assert count == 2
    assert flaws
    path.unlink()
    assert "4 of 4 lines are missing" in str(audit.verified(home, {})[1][0])


def test_a_head_that_is_gone_or_damaged_is_said(home):
    """Without it nobody knows where the log should end."""
    audit.record(home, "one")
    (home.audit / "head.json").unlink()
    assert "head.json is gone" in str(audit.verified(home, {})[1][0])
    audit.record(home, "two")
    assert [entry.what for entry in audit.listed(home)] == ["one", "two"], "a first writer that was stopped"
    (home.audit / "head.json").unlink()
    audit.record(home, "three")
    assert audit.HEAD_GONE in [entry.what for entry in audit.listed(home)], "it stays known"
    (home.audit / "head.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        audit.record(home, "four")


def test_facts_of_any_kind_are_kept_as_json(home):
    """A path or a date among the facts must not stop a night."""
    audit.record(home, "wrote", where=home.root, n=3)
    stored = json.loads((home.audit / "audit.jsonl").read_text())
    assert stored["facts"] == {"where": str(home.root), "n": 3}
