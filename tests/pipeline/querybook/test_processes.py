"""The query book and several processes: recording, annotating, locking, killed."""

import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from pipelines.querybook.history import query_counts_of, volumes_of
from pipelines.querybook.listing import list_queries
from pipelines.querybook.people import Wish, carry_out
from pipelines.querybook.schema import query_events

N = 200  # queries of each night, as `start` has it


def notes_of(book):
    asked = query_events.select().where(query_events.c.what == "note")
    return [row.note for row in book.read(lambda connection: connection.execute(asked).all())]


def test_recording_and_annotating_at_once_lose_nothing(book, tmp_path, start, run):
    """Two trials' nights and two people, all at once, beginning with a book that is not there yet."""
    file = tmp_path / "queries.sqlite"
    run(start(file, "nights", "a", 0, 1), start(file, "nights", "b", 0, 1))
    run(
        start(file, "nights", "a", 1, 8),
        start(file, "nights", "b", 1, 8),
        start(file, "people", "a", 0, 40),
        start(file, "people", "a", 40, 80),
    )
    assert sorted(notes_of(book)) == sorted(f"note {i}" for i in range(80))
    for trial in "ab":
        assert len(volumes_of(book, trial)) == 8
        assert list(query_counts_of(book, trial)["open"]) == [0] + [N] * 7


def test_two_runs_of_one_night_keep_it_once(book, tmp_path, start, run):
    """A retry beside the run it was to replace."""
    file = tmp_path / "queries.sqlite"
    run(start(file, "nights", "a", 0, 3), start(file, "nights", "a", 0, 3))
    assert sorted(volumes_of(book, "a")["run_id"]) == ["run 0", "run 1", "run 2"]


@pytest.mark.slow
def test_a_night_killed_while_it_is_kept_is_kept_once_by_the_next(book, tmp_path, start, run):
    """Five kills at random moments: the book stays sound, and each night is in it once."""
    rng, file = random.Random(20), tmp_path / "queries.sqlite"
    for number in range(5):
        process = start(file, "nights", "a", number, number + 1, n=3000)
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        run(start(file, "nights", "a", number, number + 1, n=3000))
    if file.exists():
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    counts = query_counts_of(book, "a")
    assert sorted(counts["run_id"]) == [f"run {number}" for number in range(5)]
    assert list(counts["open"] + counts["new"]) == [3000] * 5


@pytest.mark.slow
@pytest.mark.parametrize("book", ["sqlite"], indirect=True)
def test_a_book_locked_for_forty_seconds_loses_no_night(book, tmp_path, start, run):
    """Another program's exclusive lock is waited for, and so is it by a person's change."""
    file = tmp_path / "queries.sqlite"
    run(start(file, "nights", "a", 0, 1))
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); time.sleep(40); c.execute('ROLLBACK')"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        begun = time.monotonic()
        run(start(file, "nights", "a", 1, 2), start(file, "people", "a", 0, 1))
        assert time.monotonic() - begun > 30, "else the lock was none"
    assert list(volumes_of(book, "a")["run_id"]) == ["run 0", "run 1"]
    assert notes_of(book) == ["note 0"]


def test_a_person_and_a_night_at_once_leave_both_changes(book, tmp_path, start, run):
    """An answer given while the night is being kept must not be overwritten by what the night read before."""
    from datetime import UTC, datetime

    file = tmp_path / "queries.sqlite"
    run(start(file, "nights", "a", 0, 1, n=2000))
    night = start(file, "nights", "a", 1, 2, n=2000)
    assert night.stdout.readline() == "ready\n"
    night.stdin.write("\n")
    night.stdin.flush()
    for number in range(20):
        carry_out(book, "a", [Wish(f"a-{number}", "answer", "yes")], "Ann", datetime.now(UTC))
    night.communicate(timeout=120)
    table = list_queries(book, "a", datetime.now(UTC), 14).set_index("query_id")
    asked = query_events.select().order_by(query_events.c.id)
    last = {row.query_id: row.to_status for row in book.read(lambda c: c.execute(asked).all())}
    assert dict(table["status"]) == last
    assert (table.loc[[f"a-{i}" for i in range(20)], "answer"] == "yes").all()
