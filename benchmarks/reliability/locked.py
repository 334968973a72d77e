"""A SQLite database is held by another program for 40 seconds while a night wants to begin."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.reliability import after
from benchmarks.reliability.kills import EFFECTS
from benchmarks.reliability.outcome import Outcome, Progress, Tally, not_tried, quiet, timed
from benchmarks.reliability.small_trial import NAME, new_place, reference, status_of, write_exports

SECONDS = 40.0
DATABASES = {
    "Dagster's record": "dagster/history/runs.db",
    "Dagster's events": "dagster/history/runs/index.db",
    "the query book": "queries.sqlite",
}


def run(database: str, seconds: float = SECONDS, progress: Progress = quiet) -> Outcome:
    """Hold a database, let a night begin, let go, and let the next night come."""
    scenario, tally = f"{database} locked for {seconds:.0f} s", Tally()
    with timed() as elapsed, new_place() as place:
        whole = []
        for effect in EFFECTS:
            write_exports(place.home.landing(NAME), effect)
            whole.append(reference(place))
        path = place.home.root / DATABASES[database]
        if not path.exists():
            return not_tried(scenario, f"there is no {DATABASES[database]}")
        write_exports(place.home.landing(NAME), EFFECTS[0])
        with held(path, seconds):
            begun = time.monotonic()
            ended = status_of(place.night())
            waited = time.monotonic() - begun
        wrong = [*after.unreadable(place), *after.mixed(place, whole), *after.next_night(place, whole[0])]
        tally.note(f"the night that met the lock: {ended} after {waited:.0f} s; the next: success", wrong)
        progress(scenario)
        return tally.outcome(scenario, elapsed())


@contextmanager
def held(path: Path, seconds: float) -> Iterator[None]:
    """Hold a database so that nobody reads or writes it, for some seconds from now."""
    ready = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            ready.set()
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    if not ready.wait(20):
        raise RuntimeError(f"{path.name} could not be locked")
    try:
        yield
    finally:
        holder.join()
