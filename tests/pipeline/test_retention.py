"""What is kept of each night, what may go, and what never does."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pandas as pd
import pytest

from assets.landing import data_hash
from data_contracts.errors import StorageError
from data_contracts.operations import Retention
from data_contracts.tables import Tables
from data_contracts.writers.together import ASIDE
from pipelines import audit, lock, locks, retention, snapshots
from pipelines.cli import __main__ as entry
from pipelines.custody import Custody, make_private
from pipelines.custody_records import damage, kept_files, removed_on, restore
from pipelines.deliveries import Delivery, note_deliveries
from pipelines.home import Home
from pipelines.lock import Deed, Standing
from pipelines.retention import carry_out, removals
from pipelines.retention_runs import old_runs
from pipelines.snapshots import as_of, folder_of, keep_snapshot
from pipelines.store import write_tables
from pipelines.tidying import tidied

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = 86400


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path))
    return Home(tmp_path / "home").ready()


def trial(keep_nights=2, keep_days=30):
    return SimpleNamespace(name="ours", retention=Retention(keep_nights=keep_nights, keep_days=keep_days))


def sha(letter):
    return letter * 64


def accept(home, days_ago, letter, bdi=None):
    """Store the accepted records of a night, as a run does: a delivery, its copy, the tables, the snapshot."""
    run_id, time = f"run-{days_ago}", NOW - timedelta(days=days_ago)
    copy = home.custody("ours") / (letter * 2) / sha(letter)
    make_private(copy.parent)
    copy.write_text(letter * 100)
    copy.with_suffix(".json").write_text("{}")
    note_deliveries(
        home.custody("ours"), [Delivery(time.isoformat(), run_id, "bdi", "bdi.sav", sha(letter), 100)]
    )
    facts = {"data_hash": data_hash({"bdi": sha(letter)})}
    frames = {"bdi": pd.DataFrame({"value": [bdi or ord(letter)]}), "arms": pd.DataFrame({"arm": [1]})}
    accepted = home.store("ours", "accepted")
    write_tables(accepted, Tables(frames, facts))
    write_tables(
        home.store("ours", "landing"), Tables({}, {**facts, "files": {"bdi": {"sha256": sha(letter)}}})
    )
    os.utime(accepted / "manifest.json", (time.timestamp(),) * 2)
    return keep_snapshot(accepted, folder_of(home, "ours"), run_id)


def kept(home):
    return [one.run_id for one in snapshots.snapshots(folder_of(home, "ours"))]


def copies(home):
    return sorted(path.name[0] for path in home.custody("ours").glob("??/*") if len(path.name) == 64)


def test_the_records_of_any_kept_night_can_be_had(home):
    """A letter of March is about the data of March."""
    accept(home, 3, "a")
    accept(home, 2, "b")
    folder = folder_of(home, "ours")
    found = as_of(folder, NOW - timedelta(days=2, hours=-1))
    assert found.frames["bdi"]["value"].tolist() == [ord("b")]
    assert as_of(folder, NOW - timedelta(days=2.5)).frames["bdi"]["value"].tolist() == [ord("a")]
    with pytest.raises(StorageError, match="no records as of"):
        as_of(folder, NOW - timedelta(days=4))


def test_a_form_that_did_not_change_costs_nothing(home):
    """Fifty forms, of which two change."""
    accept(home, 3, "a")
    accept(home, 2, "b")
    files = list((folder_of(home, "ours") / "tables").iterdir())
    assert len(files) == 3, "arms once, bdi twice"
    shared = [path for path in files if path.stat().st_nlink == 2]
    assert len(shared) == 2, "the present ones are the store's own files"


def test_a_night_with_the_same_records_is_no_new_snapshot(home):
    """A forced run of the same data."""
    assert accept(home, 3, "a") is not None
    assert accept(home, 2, "a") is None


def test_a_snapshot_is_its_owners_alone(home):
    """It holds what participants answered."""
    one = accept(home, 3, "a")
    folder = folder_of(home, "ours")
    assert (folder / one.name).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_old_nights_go_and_with_them_the_copies_only_they_needed(home):
    """The plan says how long; the last nights stay whatever their age."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c"), (60, "d")):
        accept(home, days, letter)
    found = removals(home, [trial()], NOW)
    assert {one.what: one.number for one in found} == {"nights": 2, "copies": 2}
    assert kept(home) == ["run-90", "run-80", "run-70", "run-60"], "nothing is removed by asking"
    carry_out(home, found)
    assert kept(home) == ["run-70", "run-60"]
    assert copies(home) == ["c", "d"]
    assert removals(home, [trial()], NOW) == []
    assert as_of(folder_of(home, "ours"), NOW).frames["bdi"]["value"].tolist() == [ord("d")]


def test_young_nights_stay_however_many(home):
    """A busy week of deliveries is no reason to forget its first."""
    for days, letter in ((5, "a"), (4, "b"), (3, "c"), (2, "d")):
        accept(home, days, letter)
    assert removals(home, [trial(keep_nights=1)], NOW) == []


def test_what_a_lock_froze_stays_whatever_its_age(home, monkeypatch):
    """The analysis that was published must be repeatable in ten years."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c"), (60, "d")):
        accept(home, days, letter)
    deed = Deed("A", "done", "2026", "line", {"data_hash": data_hash({"bdi": sha("a")})})
    monkeypatch.setattr(lock, "standing", lambda *_: Standing(lock=deed))
    carry_out(home, removals(home, [trial(keep_nights=1)], NOW))
    assert kept(home) == ["run-90", "run-60"]
    assert copies(home) == ["a", "d"]


def test_nothing_goes_where_the_lock_is_in_doubt(home, monkeypatch):
    """A damaged lock may be of these very nights."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c")):
        accept(home, days, letter)

    def damaged(*_):
        raise StorageError("damaged")

    monkeypatch.setattr(lock, "standing", damaged)
    with pytest.raises(StorageError):
        removals(home, [trial(keep_nights=1)], NOW)


def test_the_copy_of_a_delivery_that_was_never_accepted_stays_while_it_is_young(home):
    """Withheld data are mended by looking at the file that was withheld."""
    accept(home, 90, "a")
    copy = home.custody("ours") / "ww" / sha("w")
    make_private(copy.parent)
    copy.write_text("w")
    at = (NOW - timedelta(days=10)).isoformat()
    note_deliveries(home.custody("ours"), [Delivery(at, "withheld", "bdi", "bdi.sav", sha("w"), 1)])
    assert removals(home, [trial()], NOW) == []
    found = removals(home, [trial()], NOW + timedelta(days=40))
    assert [(one.what, one.number) for one in found] == [("copies", 1)]


def test_a_copy_that_is_delivered_again_while_somebody_is_asked_stays(home):
    """What may go is looked at before `srt tidy` asks; the night that comes meanwhile needs its copies."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c")):
        accept(home, days, letter)
    found = removals(home, [trial(keep_nights=1)], NOW)
    assert copies(home) == ["a", "b", "c"]
    accept(home, 0, "a")
    carry_out(home, found)
    assert copies(home) == ["a", "c"]


def test_a_copy_that_was_tidied_away_is_no_damage_and_says_when_it_went(home):
    """`srt files --verify` ended with 7 for ever after the first tidying."""
    for days, letter in ((90, "a"), (70, "c")):
        accept(home, days, letter)
    custody = Custody(home.custody("ours"), "ours", lambda: NOW)
    carry_out(home, removals(home, [trial(keep_nights=1)], NOW))
    assert copies(home) == ["c"]
    assert [p.where for p in damage(custody, kept_files(custody), lambda: None) if "aaaa" in p.where] == []
    with pytest.raises(StorageError, match="srt tidy") as error:
        restore(custody, kept_files(custody, "run-90"), home.root / "out")
    assert error.value.problems[0].found == "removed on 2026-06-01"
    accept(home, 0, "a")
    assert not removed_on(custody, sha("a"))


def test_a_trial_under_way_keeps_its_own(home):
    """Its run may be about to read what would go."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c")):
        accept(home, days, letter)
    found = removals(home, [trial(keep_nights=1)], NOW)
    program = (
        "import sys; from pathlib import Path; from pipelines import locks;"
        "lock = locks.take(Path(sys.argv[1]), 'ours'); print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, str(home.locks)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        assert carry_out(home, found) == []
        other.communicate()
    assert len(carry_out(home, found)) == 2


def test_files_of_killed_writers_go_after_a_day(home):
    """Sooner, somebody may still be writing them."""
    left = home.store("ours", "raw") / ".tmp_x_1"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    now = datetime.now(UTC)
    assert removals(home, [trial()], now) == []
    os.utime(left, (now.timestamp() - 2 * DAY,) * 2)
    carry_out(home, removals(home, [trial()], now))
    assert not left.exists()


def test_a_report_that_a_killed_run_had_not_put_in_place_goes_after_a_day(home):
    """It holds participants' data, and nobody looks there."""
    left = home.reports("ours") / ASIDE / "data" / "analysis_set.sav"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    os.utime(left, (NOW.timestamp() - 2 * DAY,) * 2)
    carry_out(home, removals(home, [trial()], NOW))
    assert not left.exists()


def test_a_large_log_is_numbered_and_the_oldest_goes(home, monkeypatch):
    """A trial that fails each night for a year."""
    monkeypatch.setattr(retention, "LARGEST_LOG", 10)
    for turn in range(6):
        (home.logs / "failures.log").write_text(f"{turn} " * 10)
        carry_out(home, removals(home, [], NOW))
    names = sorted(path.name for path in home.logs.iterdir())
    assert names == [f"failures.log.{number}" for number in (1, 2, 3, 4)]
    assert (home.logs / "failures.log.1").read_text().startswith("5")


def test_old_runs_leave_dagsters_record_and_those_that_made_the_tables_stay(home):
    """The pages of a table name the run that made it."""

    @dg.asset(key=["ours", "raw"])
    def raw():
        pass

    with dg.instance_for_test() as instance:
        made = dg.materialize([raw], instance=instance).run_id
        for number in range(4):
            instance.add_run(dg.DagsterRun("ours", f"run-{number}", status=dg.DagsterRunStatus.SUCCESS))
        later = datetime.now(UTC) + timedelta(days=60)
        (found,) = old_runs(instance, home, [trial(keep_nights=1)], later)
        assert found.number == 3
        found.carry_out()
        left = {run.run_id for run in instance.get_runs()}
        assert left == {made, "run-3"}
        assert old_runs(instance, home, [trial(keep_nights=1)]) == [], "they are young today"


def test_tidying_is_on_record(home):
    """Somebody will ask where a night has gone."""
    for days, letter in ((90, "a"), (80, "b"), (70, "c")):
        accept(home, days, letter)
    tidied(home, removals(home, [trial(keep_nights=1)], NOW))
    (entry_,) = audit.listed(home, "ours")
    assert (entry_.what, entry_.facts) == ("tidied", {"removed": {"nights": 2, "copies": 2}})
    locks.take(home.locks, "ours").release()


def test_srt_tidy_says_what_would_go_and_removes_nothing_unasked(home, capsys, monkeypatch):
    """--dry-run, a question, or --yes."""
    left = home.store("demo", "raw") / ".tmp_x_1"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    os.utime(left, (1, 1))
    assert entry.run_command_line(["tidy", "demo", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["may_go"] == [{"trial": "demo", "what": "half-written files", "number": 1, "bytes": 4}]
    assert entry.run_command_line(["tidy", "demo", "--json"]) == 2, "nobody can be asked"
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert entry.run_command_line(["tidy", "demo"]) == 0
    assert left.exists()
    assert entry.run_command_line(["tidy", "demo", "--yes"]) == 0
    assert not left.exists()
