"""The doctor's questions about the state folder: rights, clock, databases, alerts, copies, audit log.

Not here: the installation itself (doctor), Dagster's record (doctor_record).
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import SrtError
from pipelines.doctor_answer import Answer, nearest
from pipelines.home import Home

if TYPE_CHECKING:
    from data_contracts.spec import Trial

SKEW = 5.0  # seconds a file's time may differ from the clock
OLDEST = datetime(2024, 1, 1, tzinfo=UTC)  # a clock before this was never set
READ_WHOLE = 256 * 2**20  # bytes of a database that is read to the end
DATABASES = ("dagster/history/runs.db", "dagster/history/runs/index.db", "dagster/schedules/schedules.db")
LEAST_INODES = 1000
SERVER_PATIENCE = 3.0  # seconds a database server has to answer


def rights(home: Home) -> Iterator[Answer]:
    """Is what is secret its owner's alone?"""
    from pipelines.rights import permission_problems

    exposed = permission_problems(home)
    if not exposed:
        yield Answer("rights", "ok", "secrets and values are not for others")
    for one in exposed:
        remedy = f"chmod {'700' if one.path.is_dir() else '600'} {one.path}"
        yield Answer("rights", "failure", f"{one.path} is {one.found}, expected {one.expected}", remedy)


def clock(home: Home) -> Answer:
    """Do this machine's clock and that of the disk agree? Nights and settled files go by them."""
    with tempfile.NamedTemporaryFile(prefix=".srt_doctor_", dir=nearest(home.root)) as file:
        skew = Path(file.name).stat().st_mtime - time.time()
    if datetime.now(UTC) < OLDEST or abs(skew) > SKEW:
        remedy = "Set the clock, and let a time service keep it."
        return Answer(
            "clock", "failure", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, disk {skew:+.0f} s", remedy
        )
    return Answer("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


def time_zones(trials: Iterable["Trial"]) -> Answer:
    """Are the time zones of the trials known, and which nights meet a change of the clock?"""
    from zoneinfo import TZPATH, ZoneInfo

    zones = sorted({trial.night.time_zone for trial in trials})
    for zone in zones:
        ZoneInfo(zone)
    source = "the system's" if any(Path(path).is_dir() for path in TZPATH) else "the package tzdata's"
    return Answer("time zone data", "ok", f"{source}; {', '.join(zones) or 'no trial'}")


def inodes(home: Home) -> Answer:
    """May as many files be made as a run makes?"""
    status = os.statvfs(nearest(home.root)) if hasattr(os, "statvfs") else None
    if status is None or not status.f_files or status.f_favail >= LEAST_INODES:
        return Answer("files", "ok", "more can be made")
    return Answer("files", "failure", f"{status.f_favail} more can be made", "Remove files: see `srt tidy`.")


def databases(home: Home) -> Iterator[Answer]:
    """Can Dagster's databases be read, and are they whole?"""
    for name in DATABASES:
        if (path := home.root / name).is_file():
            yield _database(name, path)


def _database(name: str, path: Path) -> Answer:
    remedy = "Move it away (runs are recorded anew), or restore it from a backup."
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=3)) as connection:
            small = path.stat().st_size < READ_WHOLE
            asked = "PRAGMA quick_check(1)" if small else "SELECT count(*) FROM sqlite_master"
            found = connection.execute(asked).fetchone()[0]
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return Answer(name, "warning", "another program holds it", "Ask again in a minute.")
        return Answer(name, "failure", str(error), remedy)
    except sqlite3.DatabaseError as error:
        return Answer(name, "failure", str(error), remedy)
    if small and found != "ok":
        return Answer(name, "failure", str(found), remedy)
    return Answer(name, "ok", f"{path.stat().st_size / 2**20:.1f} MB, {'whole' if small else 'opens'}")


def query_book(home: Home) -> Answer:
    """Does the database of the queries answer?"""
    from pipelines.querybook.book import open_book

    book = open_book(home, patience=SERVER_PATIENCE)
    if book.address.file is not None:
        if not book.exists():
            return Answer("query book", "ok", f"{book.address} (made by the first run)")
        return _database("query book", book.address.file)
    version = book.read(lambda connection: connection.dialect.server_version_info)
    told = ".".join(str(part) for part in version or ())
    return Answer("query book", "ok", f"{book.address}, PostgreSQL {told}")


def alerts(home: Home) -> Iterator[Answer]:
    """Will anybody hear of a failed night?"""
    from pipelines.alert_settings import FILE, load_settings
    from pipelines.undelivered import read

    try:
        channels = load_settings(home.root).channels
    except SrtError as error:
        for problem in error.problems:
            yield Answer("alerts", "failure", str(problem), "Mend it, then `srt alert --test`.")
    else:
        if not channels:
            remedy = f"`srt alert --init` writes a template of {FILE}; until then see logs/failures.log."
            yield Answer("alerts", "warning", "nobody is told of a failed night", remedy)
        else:
            told = ", ".join(channel.name for channel in channels)
            yield Answer("alerts", "ok", f"{told}; `srt alert --test` tries them")
    if waiting := read(home):
        why = waiting[-1].why or "not tried yet"
        found = f"{len(waiting)} messages were not taken: {why}"
        yield Answer("undelivered", "warning", found, "`srt alert --test` tries the channels now.")


def copies(home: Home, trials: Iterable["Trial"]) -> Iterator[Answer]:
    """Are the copies of the last deliveries there, of the size they had? Their contents are hashed by runs."""
    from pipelines.custody import Custody
    from pipelines.store import read_facts

    n = 0
    for trial in trials:
        custody = Custody(home.custody(trial.name), trial.name, partial(datetime.now, UTC))
        files = read_facts(home.store(trial.name, "landing")).get("files", {})
        for form, file in files.items() if custody.folder.is_dir() else ():
            n += 1
            path = custody.path_of(custody.plain(file["sha256"]))
            if not path.is_file() or path.stat().st_size != file["size"]:
                found = f"{trial.name}: the copy of {form} is {'damaged' if path.is_file() else 'missing'}"
                yield Answer("custody", "failure", found, f"`srt run {trial.name}` takes it in again.")
    yield Answer("custody", "ok", f"{n} copies of the last deliveries, by size")


def audit_log(home: Home) -> Iterator[Answer]:
    """Is the audit log the one that was written?"""
    from pipelines.audit import verified
    from pipelines.lock import witnesses

    count, flaws = verified(home, witnesses(home))
    for flaw in flaws:
        yield Answer("audit log", "failure", str(flaw), "`srt audit --verify` lists what is wrong.")
    if not flaws:
        yield Answer("audit log", "ok", f"{count} entries, unbroken" if count else "no entry yet")


def silent(home: Home, trials: Iterable["Trial"]) -> Iterator[Answer]:
    """Have new data come within the days each trial expects them in?"""
    from pipelines.data_age import silence

    for trial in trials:
        if stale := silence(trial, home):
            found = f"{trial.name}: no new data for {stale.days:.0f} days"
            yield Answer("data", "warning", found, f"Ask who fills {home.landing(trial.name)}.")
