"""When a delivered file counts as all there, and what speaks for it."""

import hashlib
import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import PurePosixPath

import pytest

from data_contracts.arrival import look_at, still_missing, unseen, wait_for
from data_contracts.errors import ReadError
from data_contracts.manifest import Manifest, is_data, manifest_bytes, manifest_of
from data_contracts.operations import Arrival
from data_contracts.readers.careful import UnsettledError, read_carefully

SETTLED, DONE, MANIFEST = (Arrival(complete=how) for how in ("settled", "done", "manifest"))
SHA = hashlib.sha256(b"id\n1\n").hexdigest()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_bytes(b"id\n1\n")
    return path


def look(path, arrival=SETTLED, *, seconds_later=0.0):
    return look_at(path, path.name, arrival, datetime.now(UTC) + timedelta(seconds=seconds_later))


def beside(path, text, marker=".manifest.json"):
    path.with_name(path.name + marker).write_text(text)


def test_an_old_file_costs_no_wait_and_a_young_one_what_is_left(file):
    """Most deliveries lie there for hours when the night comes."""
    assert look(file, seconds_later=10).is_whole
    assert wait_for([look(file, seconds_later=10)], SETTLED) == 0
    # Half a second for a slow machine between the two clocks.
    assert wait_for([look(file, seconds_later=0.5)], SETTLED) == pytest.approx(1.5, abs=0.5)


def test_a_file_whose_time_was_put_back_is_as_young_as_its_last_change(file):
    """`cp -p` and some senders give a copy its old time while or after they write it."""
    os.utime(file, (1e9, 1e9))
    assert not look(file).is_whole


def test_a_file_from_a_clock_ahead_of_ours_is_waited_for_no_longer_than_any_other(file):
    """A share whose clock is an hour ahead must not stop the night for an hour."""
    ahead = look(file, seconds_later=-3600)
    assert not ahead.is_whole
    assert wait_for([ahead], SETTLED) == SETTLED.settle_seconds
    assert still_missing(ahead, look(file), SETTLED) is None, "unchanged while it was watched"


def test_a_file_that_grew_during_the_wait_is_refused_with_what_to_do(file):
    """Half an export is a wrong export."""
    before = look(file)
    file.write_bytes(b"id\n1\n2\n")
    problem = still_missing(before, look(file), SETTLED)
    assert "still being written" in problem.found
    assert "Run again" in problem.remedy


def test_a_file_that_came_during_the_wait_and_is_young_is_refused(file):
    """One look cannot tell whether it holds still."""
    assert still_missing(unseen(look(file)), look(file), SETTLED) is not None
    assert still_missing(unseen(look(file)), look(file, seconds_later=10), SETTLED) is None


def test_a_file_that_went_during_the_wait_is_refused(file):
    """The delivery is being replaced."""
    before = look(file)
    file.unlink()
    assert "gone" in still_missing(before, look(file), SETTLED).expected


@pytest.mark.parametrize(("arrival", "marker"), [(DONE, ".done"), (MANIFEST, ".manifest.json")])
def test_a_declared_marker_is_asked_for_however_old_the_file_is(file, arrival, marker):
    """A copy that stalled for an hour has not changed for an hour."""
    lacking = look(file, arrival, seconds_later=3600)
    assert f"scores.csv{marker}" in still_missing(lacking, lacking, arrival).expected
    beside(file, json.dumps({"sha256": SHA}), marker)
    assert look(file, arrival, seconds_later=1).is_whole


def test_a_vouched_file_need_not_settle(file):
    """Its hash says more than a wait."""
    assert not look(file).is_whole
    beside(file, manifest_bytes(SHA, 5, 1).decode())
    assert look(file).is_whole
    assert manifest_of(file, "scores.csv") == Manifest(SHA, 5, 1)


def test_a_manifest_without_a_hash_does_not_vouch_but_its_size_is_obeyed(file):
    """The size alone may be right long before the contents are."""
    beside(file, '{"size": 7}')
    assert "7 bytes" in look(file).lacks
    beside(file, '{"size": 5}')
    assert not look(file).is_whole
    assert not look(file).lacks


def test_a_list_of_checksums_in_the_folder_vouches_too(file):
    """`sha256sum * > SHA256SUMS` is what many senders have."""
    file.with_name("SHA256SUMS").write_text(f"{'0' * 64}  other.csv\n{SHA.upper()} *./scores.csv\n\n")
    assert manifest_of(file, "scores.csv") == Manifest(SHA)


def test_two_that_contradict_each_other_are_refused(file):
    """Whichever were believed, it might be the wrong one."""
    file.with_name("SHA256SUMS").write_text(f"{'0' * 64}  scores.csv\n")
    beside(file, manifest_bytes(SHA, 5).decode())
    with pytest.raises(ReadError, match="another SHA-256"):
        manifest_of(file, "scores.csv")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", '{"sha256": "12"}', '{"sha256": 5}', '{"size": -1}', '{"rows": 1.5}', '{"rows": true}',
        '{"hash": "' + SHA + '"}', "\x00",
    ],
)  # fmt: skip
def test_a_manifest_that_says_nothing_usable_is_refused_not_passed_over(file, text):
    """Somebody meant to vouch: silence would take a damaged file for a good one."""
    beside(file, text)
    with pytest.raises(ReadError, match=r"scores\.csv\.manifest\.json"):
        manifest_of(file, "scores.csv")


def test_a_checksum_list_with_a_line_that_is_none_is_refused(file):
    """A list cut in the middle of a line may have lost this file's."""
    file.with_name("SHA256SUMS").write_text(f"{SHA}  other.csv\n{SHA[:20]}")
    with pytest.raises(ReadError, match="line 2"):
        manifest_of(file, "scores.csv")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("scores.csv", True),
        ("July, new/pär ticipants (2).SAV", True),
        ("scores.csv.done", False),
        ("scores.csv.manifest.json", False),
        ("SHA256SUMS", False),
        ("scores.csv.part", False),
        ("scores.csv.filepart", False),
        (".scores.csv", False),
        (".hidden/scores.csv", False),
        ("~$scores.xlsx", False),
        ("manifest.json", True),
    ],
)
def test_markers_and_copies_under_way_are_never_taken_for_data(name, data):
    """A form may be declared by a pattern such as `*`."""
    assert is_data(PurePosixPath(name)) is data


def test_careful_reading_gives_the_bytes_and_their_hash(file):
    """The ordinary case."""
    parts = []
    contents = read_carefully(file, "scores.csv", Manifest(SHA, 5), parts.append)
    assert (b"".join(parts), contents.sha256, contents.size) == (b"id\n1\n", SHA, 5)


@pytest.mark.parametrize("manifest", [Manifest(size=6), Manifest(sha256="0" * 64)])
def test_other_contents_than_vouched_for_are_refused(file, manifest):
    """One flipped bit in an SPSS file is another number."""
    with pytest.raises(UnsettledError, match="manifest"):
        read_carefully(file, "scores.csv", manifest)


def test_a_file_overwritten_with_its_old_time_put_back_is_noticed(file):
    """Size and modification time are the same; the time of the change is not a writer's to set."""
    status = file.stat()

    def meddle(_part):
        file.write_bytes(b"id\n9\n")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    with pytest.raises(UnsettledError, match="changed while"):
        read_carefully(file, "scores.csv", Manifest(), meddle)


def test_a_file_replaced_by_another_while_it_is_read_is_noticed(file):
    """What was read is whole, but the newer one is what the night should see."""

    def replace(_part):
        new = file.with_name("new")
        new.write_bytes(b"id\n9\n")
        new.replace(file)

    with pytest.raises(UnsettledError, match="changed while"):
        read_carefully(file, "scores.csv", Manifest(), replace)


def test_a_file_that_vanishes_may_come_back_and_one_without_rights_will_not(file, monkeypatch):
    """The first is tried again; the second wants a person."""
    with pytest.raises(UnsettledError):
        read_carefully(file.with_name("none.csv"), "none.csv", Manifest())

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "open", refuse)  # root, as whom tests may run, may read anything
    with pytest.raises(ReadError, match="Permission denied") as refused:
        read_carefully(file, "scores.csv", Manifest())
    assert not isinstance(refused.value, UnsettledError)


def test_a_file_that_is_no_longer_the_one_that_had_settled_is_refused(file):
    """Between the look and the reading somebody began to write."""
    settled = look(file, seconds_later=10).identity
    assert read_carefully(file, "scores.csv", Manifest(), settled=settled).sha256 == SHA
    file.write_bytes(b"id\n9\n")
    with pytest.raises(UnsettledError, match="changed"):
        read_carefully(file, "scores.csv", Manifest(), settled=settled)


def test_a_writer_that_pauses_now_and_then_gives_one_version_or_none(tmp_path):
    """In place, over and over, with its time put back.

    The times before and after alone let a mix through: the system notes a write when it begins, in steps of
    milliseconds. So a file must have held still before it is read, and still be that file afterwards.
    """
    path, stop = tmp_path / "big.csv", threading.Event()
    versions = [bytes([letter]) * (4 * 2**20) for letter in b"abc"]
    path.write_bytes(versions[0])

    def overwrite():
        with path.open("r+b", buffering=0) as stream:
            for number, version in enumerate(cycle(versions)):
                if stop.is_set():
                    return
                stream.seek(0)
                stream.write(version)
                os.utime(path, (1e9, 1e9))
                if number % 5 == 0:
                    time.sleep(
                        0.28
                    )  # a machine under load may stop a writer in its middle, but hardly so long

    writer = threading.Thread(target=overwrite)
    writer.start()
    whole, read, refused = {hashlib.sha256(version).hexdigest() for version in versions}, [], 0
    end = time.monotonic() + 4
    try:
        while time.monotonic() < end:
            seen = look(path, Arrival(settle_seconds=0.25))
            if seen.settles_in > 0:
                refused += 1
                continue
            try:
                read.append(read_carefully(path, "big.csv", Manifest(), settled=seen.identity).sha256)
            except UnsettledError:
                refused += 1
    finally:
        stop.set()
        writer.join()
    assert set(read) <= whole
    assert read, "the pauses were too short to prove anything"
    assert refused > 0, "the writer was too slow to prove anything"
