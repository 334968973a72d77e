"""A trial's standing: blinded, locked, unblinded; who may go from one to the other, and what vouches for it."""

import json
import os
import stat

import pytest

from assets.source_version import EVERYTHING, source_version
from data_contracts.errors import RequestError, StorageError
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.operations import Blinding
from data_contracts.standing import MARK, marked, not_as_locked, said_of
from data_contracts.tables import Tables
from pipelines import audit, lock, rights, store
from pipelines.cli import __main__ as entry
from pipelines.home import Home

OPEN = load_trial(SHIPPED_TRIALS / "demo.toml")
TRIAL = OPEN.model_copy(update={"blinding": Blinding()})


@pytest.fixture
def home(tmp_path):
    """Return a state folder with a report of what there is now."""
    home = Home(tmp_path / "home")
    publish(home)
    return home


def publish(home, **other):
    facts = {
        "data_hash": "d1",
        "plan_hash": TRIAL.plan_hash,
        "code_version": source_version(EVERYTHING),
        "estimated": True,
    }
    for hop in ("report", "checked"):
        store.write_tables(home.store("demo", hop), Tables({}, {**facts, **other}))


def of_now(**other):
    return {
        "data_hash": "d1",
        "plan_hash": TRIAL.plan_hash,
        "code_version": source_version(EVERYTHING),
        **other,
    }


def test_a_trial_is_blinded_then_locked_then_unblinded(home):
    """The order ICH asks for: nobody sees the arms before data and plan are settled."""
    assert lock.standing(home, "demo").state_of(TRIAL) == "blinded"
    assert lock.facts_of_run(home, TRIAL, of_now())["allocation"] == "shuffled"
    assert lock.lock(home, TRIAL, "Dr A", "last visit").state_of(TRIAL) == "locked"
    assert lock.facts_of_run(home, TRIAL, of_now())["allocation"] == "shuffled", "a lock shows nobody an arm"
    assert lock.unblind(home, TRIAL, "Dr B", "plan signed").state_of(TRIAL) == "unblinded"
    assert lock.facts_of_run(home, TRIAL, of_now())["allocation"] == "true"
    assert [entry.what for entry in audit.listed(home, "demo")] == ["locked", "unblinded"]


def test_without_a_lock_nobody_is_unblinded(home):
    """A change of the plan after the arms are known is the worst there is."""
    with pytest.raises(RequestError, match="not locked"):
        lock.unblind(home, TRIAL, "Dr B", "curious")
    assert lock.standing(home, "demo").state_of(TRIAL) == "blinded"
    assert audit.listed(home) == [], "what was refused did not happen"


def test_an_open_trial_has_nobody_to_unblind_and_its_arms_are_true(home):
    """Published and invented data say so in the plan."""
    assert lock.facts_of_run(home, OPEN, of_now())["allocation"] == "true"
    with pytest.raises(RequestError, match="not blinded"):
        lock.unblind(home, OPEN, "Dr B", "")


def test_a_lock_is_of_the_last_report_and_of_nothing_else(home):
    """To lock what nobody has looked at freezes a surprise."""
    publish(home, plan_hash="older")
    with pytest.raises(RequestError, match="can't be locked yet"):
        lock.lock(home, TRIAL, "Dr A", "")
    publish(home, withheld=True)
    with pytest.raises(RequestError, match="withheld"):
        lock.lock(home, TRIAL, "Dr A", "")
    with pytest.raises(RequestError, match="no report"):
        lock.lock(Home(home.root / "empty"), TRIAL, "Dr A", "")


def test_a_trial_is_locked_once_and_unlocked_once(home):
    """Each with its line in the log."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    with pytest.raises(RequestError, match="locked already"):
        lock.lock(home, TRIAL, "Dr A", "again")
    lock.unlock(home, TRIAL, "Dr A", "a late form")
    with pytest.raises(RequestError, match="not locked"):
        lock.unlock(home, TRIAL, "Dr A", "again")


@pytest.mark.parametrize("name", ["data_hash", "plan_hash", "code_version"])
def test_a_run_of_something_else_than_was_locked_says_what(home, name):
    """Loudly: in the summary, the report, the tables."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    assert lock.facts_of_run(home, TRIAL, of_now())["lock"]["status"] == "as locked"
    found = lock.facts_of_run(home, TRIAL, of_now(**{name: "other"}))["lock"]
    assert (found["status"], found["differs"]) == ("differs", [name])
    assert "NOT AS LOCKED" in not_as_locked(found)
    assert "Dr A" in not_as_locked(found)


def test_other_packages_are_a_deviation_too(home, monkeypatch):
    """The same program with another linear algebra may give another number."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    monkeypatch.setattr(lock, "packages_hash", lambda: "other")
    assert lock.facts_of_run(home, TRIAL, of_now())["lock"]["differs"] == ["packages_hash"]


def test_after_unblinding_the_lock_it_was_done_under_is_what_runs_are_held_against(home):
    """To take the lock off afterwards does not make another analysis the planned one."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    lock.unblind(home, TRIAL, "Dr B", "plan signed")
    lock.unlock(home, TRIAL, "Dr A", "an error in the data")
    facts = lock.facts_of_run(home, TRIAL, of_now(data_hash="mended"))
    assert (facts["allocation"], facts["lock"]["differs"]) == ("true", ["data_hash"])


def test_a_standing_that_the_audit_log_does_not_vouch_for_is_refused(home):
    """To write a file is easier than to write a line into a chain."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    path = home.audit / "standing" / "demo.json"
    said = json.loads(path.read_text())
    said["unblinding"] = {**said["lock"], "line": "f" * 64}
    path.write_text(json.dumps(said))
    with pytest.raises(StorageError, match="not vouched for"):
        lock.facts_of_run(home, TRIAL, of_now())
    said["unblinding"] = dict(said["lock"])  # the line of the lock is no line of an unblinding
    path.write_text(json.dumps(said))
    with pytest.raises(StorageError, match="not vouched for"):
        lock.facts_of_run(home, TRIAL, of_now())
    path.write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        lock.facts_of_run(home, TRIAL, of_now())


def test_locks_and_reports_are_witnesses_of_the_audit_log(home):
    """A log written anew from beginning to end has a right chain."""
    lock.lock(home, TRIAL, "Dr A", "last visit")
    line = audit.listed(home)[0].hash
    publish(home, audit_line="e" * 64)
    assert lock.witnesses(home) == {line: "the lock of demo", "e" * 64: "the report of demo"}
    (flaw,) = audit.verified(home, lock.witnesses(home))[1]
    assert "the report of demo" in str(flaw)


def test_words_for_a_shuffled_and_for_a_deviating_run():
    """One wording, wherever it is shown."""
    assert marked("A is better.", "shuffled") == f"{MARK} A is better."
    assert marked("A is better.", "true") == "A is better."
    assert not_as_locked({}) == not_as_locked({"status": "as locked"}) == ""
    assert said_of({}) == "not locked"
    lock_of = {"status": "as locked", "locked": "2026-01-31T10:00:00+00:00", "by": "Dr A"}
    assert said_of(lock_of) == "as locked on 2026-01-31 by Dr A"


def test_what_others_can_read_is_found(home):
    """Rights are lost when folders are copied."""
    os.umask(0o077)
    audit.record(home, "locked")
    home.root.chmod(0o700)
    assert rights.permission_problems(home) == []
    (home.audit / "audit.jsonl").chmod(0o644)
    assert rights.permission_problems(home) == [], "a closed folder hides what is in it"
    home.audit.chmod(0o755)
    found = {one.path.name: one.found for one in rights.permission_problems(home)}
    assert found == {"audit": "0755", "audit.jsonl": "0644"}
    home.audit.chmod(0o700)
    home.root.chmod(0o755)
    store_folder = home.root / "store"
    store_folder.chmod(0o755)
    assert [one.path for one in rights.permission_problems(home)] == [store_folder]


def test_new_files_are_their_owners_unless_a_group_is_named(home, monkeypatch):
    """A unit of several people says so by SRT_UMASK."""
    usual = os.umask(0o022)
    try:
        rights.keep_to_owner()
        (home.root / "a").touch()
        monkeypatch.setenv("SRT_UMASK", "027")
        rights.keep_to_owner()
        (home.root / "b").touch()
        modes = [stat.S_IMODE((home.root / name).stat().st_mode) for name in "ab"]
        assert modes == [0o600, 0o640]
        monkeypatch.setenv("SRT_UMASK", "none")
        with pytest.raises(StorageError, match="SRT_UMASK"):
            rights.keep_to_owner()
    finally:
        os.umask(usual)


@pytest.fixture
def srt(home, monkeypatch, tmp_path):
    """Return the command line, on a blinded trial that has a report."""
    text = (SHIPPED_TRIALS / "demo.toml").read_text()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "demo.toml").write_text(text.replace("open_because", "# open_because"))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "own"))
    monkeypatch.setenv("SRT_HOME", str(home.root))
    plan = load_trial(tmp_path / "own" / "demo.toml")
    publish(home, plan_hash=plan.plan_hash)
    return lambda *words: entry.run_command_line(list(words))


def test_the_command_line_locks_and_unblinds_and_asks_first(srt, capsys):
    """Nothing that can't be undone happens by a slip of the hand."""
    assert srt("lock", "demo") == 2, "somebody must sign"
    assert srt("lock", "demo", "--by", "Dr A", "--why", "last visit") == 0
    assert srt("unblind", "demo", "--by", "Dr B", "--why", "plan signed") == 2, "nobody is there to be asked"
    capsys.readouterr()
    assert srt("lock", "demo", "--status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "locked"
    assert srt("unblind", "demo", "--by", "Dr B", "--why", "plan signed", "--yes") == 0
    assert "can't be undone" in capsys.readouterr().err
    assert srt("audit", "demo", "--json") == 0
    assert [e["what"] for e in json.loads(capsys.readouterr().out)["entries"]] == ["locked", "unblinded"]
    assert srt("audit", "--verify") == 0


def test_the_command_line_finds_an_edited_log(srt, home, capsys):
    """With the number of the line, and an exit code for the night's script."""
    assert srt("lock", "demo", "--by", "Dr A", "--why", "last visit") == 0
    path = home.audit / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Dr A", b"Dr Z"))
    capsys.readouterr()
    assert srt("audit", "--verify", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["flaws"][0]["line"]) == ("damaged", 1)


def test_a_pseudonym_is_told_only_of_a_trial_that_has_them(srt, capsys):
    """And never the way back."""
    assert srt("pseudonym", "demo", "P1") == 3
    assert "keeps the identifiers" in capsys.readouterr().err
