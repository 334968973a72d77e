"""Deliveries into custody: whole, once, and read from there alone, whatever happens meanwhile."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from data_contracts.errors import ReadError, RequestError, StorageError
from data_contracts.manifest import manifest_bytes
from data_contracts.operations import Arrival, Blinding
from data_contracts.readers.careful import UnsettledError
from pipelines import custody as custody_module
from pipelines.custody import Custody
from pipelines.custody_records import damage, kept_files, restore
from pipelines.deliveries import LOG, Delivery, note_deliveries, read_deliveries

hop = import_module("assets.landing")  # the package's own name `landing` is the hop's function
ROOT = Path(__file__).parents[2]
NAMES = {"people": "people.csv", "scores": "July ’26/scörés (1).csv"}


class Place:
    """As much of a place as taking a delivery in asks for, a minute after all was written.

    A pause may let something happen.
    """

    def __init__(self, folder):
        self.folder, self.paused, self.meanwhile = folder, [], lambda: None
        self.later = timedelta(minutes=1)

    def landing(self, _trial):
        return self.folder / "landing"

    def custody(self, trial):
        return Custody(self.folder / "custody" / trial, trial, self.now)

    def published(self, _trial):
        return {}

    def standing(self, _trial, _receipt):
        return {}

    def now(self):
        return datetime.now(UTC) + self.later

    def pause(self, seconds):
        self.paused.append(seconds)
        self.meanwhile()


def plan(**arrival):
    forms = {name: SimpleNamespace(name=name, file=file, required=True) for name, file in NAMES.items()}
    return SimpleNamespace(
        name="small",
        forms=forms,
        landing=Arrival(**arrival),
        blinding=Blinding(open_because="invented for a test"),
        plan_hash="p",
        synthetic=False,
    )


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    deliver(made, people=b"id\n1\n", scores=b"id,score\n1,5\n")
    return made


def deliver(place, **contents):
    for form, data in contents.items():
        path = place.landing("small") / NAMES[form]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1e9, 1e9))


def receive(place, run_id="run-1", **arrival):
    return hop.take_in(place, plan(**arrival), run_id, force=True)


def contents(place, receipt):
    received = place.custody("small").received(receipt["files"])
    return {form: file.path.read_bytes() for form, file in received.items()}


def files_below(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_delivery_is_copied_described_and_noted(place):
    """What was analysed can be shown years later, whatever became of the landing folder."""
    receipt = receive(place)
    (copy,) = [
        p for p in files_below(place.folder / "custody") if p.name == receipt["files"]["scores"]["sha256"]
    ]
    assert copy.parent.name == copy.name[:2]
    assert copy.read_bytes() == b"id,score\n1,5\n"
    said = json.loads(copy.with_suffix(".json").read_text())
    assert said.keys() == {"sha256", "size", "received", "origin", "modified"}
    assert (said["origin"], said["size"]) == (NAMES["scores"], 13)
    assert said["modified"] == "2001-09-09T01:46:40+00:00"
    assert str(place.folder) not in json.dumps(said), "a host's path says nothing on another host"
    seen = read_deliveries(place.folder / "custody" / "small")
    assert [(d.form, d.run_id, d.name) for d in seen] == [(f, "run-1", n) for f, n in NAMES.items()]


def test_nobody_else_may_look_and_nobody_may_write(place):
    """The copies hold participants' data; and what can be written will be."""
    receive(place)
    for path in (place.folder / "custody").rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600 if path.name == LOG else 0o400
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path


def test_the_same_contents_again_make_no_new_copy(place):
    """A year of quiet nights is one copy and a line each."""
    receive(place)
    before = {p: p.stat().st_mtime_ns for p in files_below(place.folder / "custody") if p.name != LOG}
    deliver(place, people=b"id\n1\n")
    os.utime(place.landing("small") / NAMES["people"], (1e9, 1.1e9))
    again = receive(place, "run-2")
    assert {p: p.stat().st_mtime_ns for p in files_below(place.folder / "custody") if p.name != LOG} == before
    assert [len(file.runs) for file in kept_files(place.custody("small"))] == [2, 2]
    assert again["data_hash"] == receive(place, "run-3")["data_hash"]


def test_other_contents_of_the_same_size_and_time_are_noticed(place):
    """A correction by a program that puts the time back: only hashing every byte every night finds it."""
    first = receive(place)
    deliver(place, scores=b"id,score\n1,6\n")
    second = receive(place, "run-2")
    assert first["files"]["scores"]["modified"] == second["files"]["scores"]["modified"]
    assert first["data_hash"] != second["data_hash"]
    assert contents(place, second)["scores"] == b"id,score\n1,6\n"
    assert contents(place, first)["scores"] == b"id,score\n1,5\n", "the older night's copy stays"


def test_old_files_are_taken_in_without_a_pause_and_young_ones_after_one(place):
    """A run by hand costs a wait only where it is of use."""
    receive(place)
    assert place.paused == []
    place.later = timedelta()
    deliver(place, scores=b"id,score\n1,7\n")
    receive(place, settle_seconds=0.8)
    assert place.paused == [pytest.approx(0.8, abs=0.4)]


def test_a_file_that_grows_during_the_wait_is_refused_and_nothing_is_kept(place):
    """Half a delivery must not become a night's data."""
    place.later = timedelta()
    place.meanwhile = lambda: deliver(place, scores=b"id,score\n1,7\n")
    with pytest.raises(ReadError, match="still being written"):
        receive(place)
    assert not (place.folder / "custody").exists()


def test_a_writer_that_appends_slowly_is_read_when_it_has_ended(place):
    """The sender takes half a second; the plan says to wait until nothing moved for a fifth of one."""
    path, lines = (
        place.landing("small") / NAMES["scores"],
        [b"id,score\n", *(b"%d,5\n" % n for n in range(20))],
    )

    def write():
        with path.open("wb", buffering=0) as stream:
            for line in lines:
                stream.write(line)
                time.sleep(0.02)

    writer = threading.Thread(target=write)
    place.pause, place.later = time.sleep, timedelta()
    writer.start()
    try:
        time.sleep(0.05)
        with pytest.raises(ReadError, match="still being written"):
            receive(place, settle_seconds=0.1)
    finally:
        writer.join()
    assert contents(place, receive(place, settle_seconds=0.1))["scores"] == b"".join(lines)


def test_a_source_overwritten_all_the_while_gives_one_version_or_a_refusal(place):
    """In place, with its time put back, as fast as a thread can: never a mix."""
    path, stop = place.landing("small") / NAMES["scores"], threading.Event()
    versions = [b"id,score\n" + b"%d,5\n" % n * 400_000 for n in (1, 2)]
    path.write_bytes(versions[0])
    os.utime(path, (1e9, 1e9))

    def overwrite():
        with path.open("r+b", buffering=0) as stream:
            while not stop.is_set():
                for version in [*versions, None]:
                    time.sleep(0 if version else 0.28)  # a loaded machine hardly stops a writer so long
                    stream.seek(0)
                    stream.write(version or versions[0])
                    os.utime(path, (1e9, 1e9))

    writer = threading.Thread(target=overwrite)
    place.pause, place.later = time.sleep, timedelta()
    writer.start()
    refused = 0
    try:
        for number in range(10):
            try:
                assert (
                    contents(place, receive(place, f"run-{number}", settle_seconds=0.25))["scores"]
                    in versions
                )
            except ReadError:
                refused += 1
    finally:
        stop.set()
        writer.join()
    assert refused > 0, "the writer was too slow to prove anything"
    kept = [p for p in files_below(place.folder / "custody") if len(p.name) == 64 and p.stat().st_size > 100]
    assert all(p.read_bytes() in versions for p in kept), "not even a copy that no run has used"
    last = receive(place, "last", settle_seconds=0.1)
    assert contents(place, last)["scores"] in versions, "once it holds still it is read"


def test_a_file_that_changes_once_is_tried_again(place, monkeypatch):
    """The sender replaced it at that very moment; half a second later all is well."""
    read, times = hop.read_carefully, []

    def meddle(path, *args, **options):
        times.append(path)
        if len(times) == 1:
            raise UnsettledError("changed")
        return read(path, *args, **options)

    monkeypatch.setattr(hop, "read_carefully", meddle)
    receive(place)
    assert place.paused == [hop.PAUSE]


def test_a_file_replaced_between_hash_and_copy_is_tried_again(place, monkeypatch):
    """The receipt's hash and the copy's must be of one version."""
    keep = Custody.keep

    def late(self, *args, **options):
        if not place.paused:
            deliver(place, scores=b"id,score\n1,8\n")
        return keep(self, *args, **options)

    monkeypatch.setattr(Custody, "keep", late)
    assert contents(place, receive(place))["scores"] == b"id,score\n1,8\n"
    assert place.paused == [hop.PAUSE]


def test_a_folder_that_vanishes_is_a_read_error(place):
    """A share that was unmounted amid the wait."""
    place.later = timedelta()
    landing = place.landing("small")
    place.meanwhile = lambda: landing.rename(landing.with_name("gone"))
    with pytest.raises(ReadError, match="landing folder of small is empty"):
        receive(place)


def test_a_link_to_a_file_is_followed_and_one_to_nowhere_is_no_file(place):
    """Some senders publish a link to the newest export."""
    path = place.landing("small") / NAMES["scores"]
    path.rename(place.folder / "newest.csv")
    path.symlink_to(place.folder / "newest.csv")
    assert contents(place, receive(place))["scores"] == b"id,score\n1,5\n"
    (place.folder / "newest.csv").unlink()
    with pytest.raises(ReadError, match="no file"):
        receive(place)


def test_a_file_that_may_not_be_read_is_a_read_error_at_once(place, monkeypatch):
    """Rights don't mend themselves; the message names the file."""
    opened = Path.open

    def refuse(self, *args, **options):
        if self.name == "people.csv":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)  # root, as whom tests may run, may read anything
    with pytest.raises(ReadError, match=r"people\.csv.*Permission denied"):
        receive(place)
    assert place.paused == []


def test_all_files_with_something_wrong_are_told_at_once(place):
    """One look, one round of mending."""
    for name in NAMES.values():
        path = place.landing("small") / name
        path.with_name(path.name + ".manifest.json").write_bytes(manifest_bytes("0" * 64, 3))
    with pytest.raises(ReadError) as refused:
        receive(place)
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("said", [{"sha256": "0" * 64}, {"size": 12}])
def test_a_file_altered_on_its_way_is_refused_when_a_manifest_is_there(place, said):
    """The one thing that finds a flipped bit in an SPSS file."""
    path = place.landing("small") / NAMES["scores"]
    path.with_name(path.name + ".manifest.json").write_text(json.dumps(said))
    with pytest.raises(ReadError, match="manifest"):
        receive(place)
    assert not (place.folder / "custody").exists()


def test_the_rows_a_manifest_vouches_for_reach_the_reader(place):
    """A cut SPSS file whose header states no count is found by nothing else."""
    path = place.landing("small") / NAMES["scores"]
    path.with_name(path.name + ".manifest.json").write_text('{"rows": 1}')
    received = place.custody("small").received(receive(place)["files"])
    assert (received["scores"].vouched.rows, received["people"].vouched.rows) == (1, None)
    assert received["scores"].name == NAMES["scores"]


def test_a_full_disk_leaves_no_part_of_a_copy_and_the_older_ones_whole(place, monkeypatch):
    """The morning after: one message, and last night's inputs as they were."""
    first = receive(place)
    deliver(place, scores=b"id,score\n1,8\n")

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(custody_module.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        receive(place, "run-2")
    monkeypatch.undo()
    assert contents(place, first)["scores"] == b"id,score\n1,5\n"
    assert not [p for p in files_below(place.folder) if p.name.startswith(".tmp")]
    assert contents(place, receive(place, "run-3"))["scores"] == b"id,score\n1,8\n"


def test_a_damaged_copy_is_never_read_and_is_mended_while_the_source_is_there(place):
    """A disk forgets a bit; the landing folder may still know it."""
    receipt = receive(place)
    copy = place.custody("small").path_of(receipt["files"]["scores"]["sha256"])
    copy.chmod(0o600)
    copy.write_bytes(b"id,score\n1,9\n")
    with pytest.raises(StorageError, match="other contents") as refused:
        place.custody("small").received(receipt["files"])
    assert "1,9" not in str(refused.value)
    again = receive(place, "run-2")
    assert again["mended"] == ("scores",)
    assert contents(place, again)["scores"] == b"id,score\n1,5\n"


def test_a_lost_copy_is_named(place):
    """Whoever tidied up by hand should hear of it."""
    receipt = receive(place)
    place.custody("small").path_of(receipt["files"]["scores"]["sha256"]).unlink()
    with pytest.raises(StorageError, match="no file"):
        place.custody("small").received(receipt["files"])


KEEPS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipelines.custody import Custody
import hashlib, json
landing, folder = Path(sys.argv[1]), Path(sys.argv[2])
files = {"scores": json.loads(sys.argv[3])}
print("ready", flush=True)
Custody(folder, "small", lambda: datetime.now(UTC)).keep(landing, files, "killed", verify=True)
"""


def test_a_kill_amid_copying_leaves_no_copy_that_is_not_whole(place):
    """At ten moments of the copy: what bears a hash's name has that hash, and the next run sweeps the rest."""
    data = os.urandom(2**20) * 48
    deliver(place, scores=data)
    file = hop.take_receipt(place.landing("small"), plan())["files"]["scores"]
    folder = place.folder / "custody" / "small"
    argv = [sys.executable, "-c", KEEPS, str(place.landing("small")), str(folder), json.dumps(file)]
    for moment in range(10):
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(moment * 0.02)
            writer.send_signal(signal.SIGKILL)
        copy = place.custody("small").path_of(file["sha256"])
        assert not copy.exists() or place.custody("small").problem_of(file["sha256"], "scores") is None
        if copy.exists():
            copy.unlink()
    assert contents(place, receive(place))["scores"] == data
    assert not list(folder.rglob(".tmp*"))


def test_a_line_of_the_log_that_a_crash_cut_costs_that_line_alone(tmp_path):
    """The log is never rewritten, so nothing mends it; it must be read all the same."""
    one = Delivery("2026-01-01T00:00:00+00:00", "r1", "f", "n", "0" * 64, 1)
    note_deliveries(tmp_path, [one])
    with (tmp_path / LOG).open("ab") as stream:
        stream.write(b'{"time": "2026-01-0')
    note_deliveries(tmp_path, [one])
    assert read_deliveries(tmp_path) == [one, one]


def test_damage_is_found_wherever_it_is_even_in_a_copy_no_delivery_speaks_of(place):
    """`srt files --verify` answers for all of custody."""
    receive(place)
    custody = place.custody("small")
    assert damage(custody, kept_files(custody), lambda: None) == []
    copy = custody.path_of(kept_files(custody)[1].sha256)
    copy.chmod(0o600)
    copy.write_bytes(b"")
    stray = custody.path_of("f" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"?")
    assert len(damage(custody, kept_files(custody), lambda: None)) == 2


def test_a_nights_files_come_out_again_under_their_names(place, tmp_path):
    """To see what that night saw, or to hand it to somebody who asks."""
    receive(place, "first-night")
    deliver(place, scores=b"id,score\n1,6\n")
    receive(place, "second-night")
    custody = place.custody("small")
    written = restore(custody, kept_files(custody, "first"), tmp_path / "out")
    assert {p.relative_to(tmp_path / "out").as_posix() for p in written} == set(NAMES.values())
    assert (tmp_path / "out" / NAMES["scores"]).read_bytes() == b"id,score\n1,5\n"
    assert (tmp_path / "out" / NAMES["scores"]).stat().st_mtime == 1e9
    with pytest.raises(StorageError, match="already"):
        restore(custody, kept_files(custody, "second"), tmp_path / "out")
    with pytest.raises(RequestError, match="0 runs"):
        kept_files(custody, "third")
