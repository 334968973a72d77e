"""What each night changed: written before the records, standing once they are stored, never lost or doubled."""

import json
import stat
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from data_contracts.errors import StorageError
from data_contracts.tables import Tables
from pipelines import store
from pipelines.change_log import CHANGES, PENDING, ChangeLog, read_changes

PLAN = SimpleNamespace(
    forms={"scores": SimpleNamespace(name="scores", kind="visits", key=("participant",))},
    blinding=SimpleNamespace(is_declared_open=True),
)
START = datetime(2026, 11, 1, 2, tzinfo=UTC)


class Nights:
    """A trial's nights, one after the other, each of which may be killed at a step."""

    def __init__(self, folder):
        self.accepted = folder / "store" / "small" / "accepted"
        self.folder, self.count = folder / "nights" / "small", 0

    @property
    def log(self):
        return ChangeLog(self.folder, self.accepted)

    def night(self, *scores, killed=""):
        self.count += 1
        frame = pd.DataFrame({"participant": [f"P{i}" for i in range(len(scores))], "score": scores})
        self.log.note(PLAN, f"run-{self.count}", START + timedelta(days=self.count), {"scores": frame})
        if killed == "before the records":
            return
        store.write_tables(self.accepted, Tables({"scores": frame}, {"data_hash": str(scores)}))
        if killed != "after the records":
            self.log.settle()

    def told(self):
        return [
            (night.run_id, row.old, row.new)
            for night, folder in self.log.nights()
            for row in read_changes(folder).itertuples()
        ]


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path)


def test_each_night_that_changed_something_is_a_folder_with_what_it_changed(nights):
    """The data manager asks: since when does it say so?"""
    nights.night(1, 2)
    nights.night(1, 2)
    nights.night(1, 3)
    assert nights.told() == [("run-3", "2", "3")]
    assert [night.run_id for night, _ in nights.log.nights()] == ["run-1", "run-3"]
    first, third = (night for night, _ in nights.log.nights())
    assert (first.counts, first.note) == ({"scores": {"records": 2}}, "the first records accepted")
    assert (third.counts, third.time) == ({"scores": {"changed": 1}}, "2026-11-04T02:00:00+00:00")


def test_a_night_killed_before_its_records_are_stored_is_told_by_the_next_one_alone(nights):
    """Else the change would stand twice, once under a run that changed nothing."""
    nights.night(1, 2)
    nights.night(1, 3, killed="before the records")
    assert nights.told() == []
    nights.night(1, 3)
    assert nights.told() == [("run-3", "2", "3")]


def test_a_night_killed_before_other_records_are_stored_leaves_no_trace(nights):
    """The delivery it saw was replaced before the next night."""
    nights.night(1, 2)
    nights.night(1, 3, killed="before the records")
    nights.night(1, 4)
    assert nights.told() == [("run-3", "2", "4")]


def test_a_night_killed_after_its_records_were_stored_is_not_lost(nights):
    """The records are published: what they changed must be known, at once and ever after."""
    nights.night(1, 2)
    nights.night(1, 3, killed="after the records")
    assert nights.told() == [("run-2", "2", "3")]
    nights.night(1, 3)
    nights.night(1, 5)
    assert nights.told() == [("run-2", "2", "3"), ("run-4", "3", "5")]


def test_the_first_night_may_be_killed_too(nights):
    """There is nothing to compare with before it and after it."""
    nights.night(1, 2, killed="before the records")
    assert nights.log.nights() == []
    nights.night(1, 2, killed="after the records")
    nights.night(1, 3)
    assert [night.run_id for night, _ in nights.log.nights()] == ["run-2", "run-3"]


def test_changes_there_and_back_are_two_nights(nights):
    """What stands is told by time, not by contents: the same state may come twice."""
    for score in (2, 3, 2):
        nights.night(1, score)
    assert nights.told() == [("run-2", "2", "3"), ("run-3", "3", "2")]


def test_a_kill_while_the_changes_are_written_leaves_nothing_that_is_read(nights):
    """The facts come last and make the rest valid."""
    nights.night(1, 2)
    half = nights.folder / f"{PENDING}20261231T000000Z-half"
    half.mkdir()
    (half / CHANGES).write_bytes(b"PAR1")
    assert len(nights.log.nights()) == 1
    nights.night(1, 3)
    assert not half.exists()


def test_records_that_cannot_be_read_stop_no_night_and_are_said(nights):
    """A damaged file of yesterday must not keep today's data from being accepted."""
    nights.night(1, 2)
    (table,) = nights.accepted.glob("*.parquet")
    table.write_bytes(b"damaged")
    nights.night(1, 3)
    assert "could not be read" in nights.log.nights()[-1][0].note


def test_a_disk_that_refuses_is_a_storage_error_before_the_records_are_touched(nights, monkeypatch):
    """The last good records stay, and the next night finds the change."""
    nights.night(1, 2)
    before = (nights.accepted / store.MANIFEST).read_bytes()

    def full(path, _data):
        raise StorageError(f"{path.name}: no space left")

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.change_log.write_atomically", full)
        with pytest.raises(StorageError):
            nights.night(1, 3)
    assert (nights.accepted / store.MANIFEST).read_bytes() == before
    nights.night(1, 3)
    assert nights.told() == [("run-3", "2", "3")]


def test_nobody_else_may_look(nights):
    """Old and new values are participants' data."""
    nights.night(1, 2)
    nights.night(1, 3)
    for path in [nights.folder, *nights.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_is_said_of_a_night_holds_counts_and_no_value(nights):
    """Counts may go to pages and logs; values may not."""
    nights.night(1.5, 2.5)
    nights.night(1.5, 987.125)
    (_, folder) = nights.log.nights()[-1]
    said = (folder / "night.json").read_text()
    assert "987.125" in read_changes(folder)["new"].tolist()
    assert "987.125" not in said
    assert "P1" not in said
    assert json.loads(said)["counts"] == {"scores": {"changed": 1}}


def test_a_damaged_log_is_a_storage_error(nights):
    """Not a traceback."""
    nights.night(1, 2)
    nights.night(1, 3)
    (_, folder) = nights.log.nights()[-1]
    (folder / CHANGES).write_bytes(b"?")
    with pytest.raises(StorageError, match="change log"):
        nights.told()
