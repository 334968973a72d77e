"""What may go: nights, copies and Dagster's records older than each trial keeps them. Not here: asking first (cli).

Kept, whatever their age: the last `keep_nights` nights, what the accepted records were made from, and what a lock
froze. The change log, the queries and the audit log are never shortened: they say what happened.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import BusyError
from pipelines import locks, snapshots, store
from pipelines.custody_records import remove_copy
from pipelines.deliveries import Delivery, read_deliveries
from pipelines.home import Home
from pipelines.snapshots import Snapshot, folder_of

if TYPE_CHECKING:
    from data_contracts.spec import Trial

DAY = 86400.0  # seconds
LARGEST_LOG = 2 * 2**20  # bytes
KEPT_LOGS = 4
TEMPORARY = ".tmp_*"


@dataclass(frozen=True, slots=True)
class Removal:
    """One thing that may go, and how."""

    trial: str  # "" for what belongs to none
    what: str  # "nights", "copies", "half-written files", "logs", "runs"
    number: int
    size: int  # bytes it frees
    carry_out: Callable[[], None]


def removals(home: Home, trials: "Iterable[Trial]", now: datetime | None = None) -> list[Removal]:
    """Return what may go, nothing of it removed yet; a trial under way is left alone.

    Args:
        home: The state folder.
        trials: The trials to look at, each with its own `retention`.
        now: The time, UTC; that of the clock when left out.
    """
    moment = now or datetime.now(UTC)
    found = [one for trial in trials for one in _of_trial(home, trial, moment)]
    found += [*_logs(home)]
    return [one for one in found if one.number]


def carry_out(home: Home, found: Iterable[Removal]) -> list[Removal]:
    """Remove what was found, and return what was removed: a trial that is under way by now keeps its own."""
    done = []
    for one in found:
        try:
            lock = locks.take(home.ready().locks, one.trial) if one.trial else None
        except BusyError:
            continue
        try:
            one.carry_out()
        finally:
            if lock:
                lock.release()
        done.append(one)
    return done


def _of_trial(home: Home, trial: "Trial", now: datetime) -> Iterator[Removal]:
    folder = folder_of(home, trial.name)
    kept, gone = _nights(home, trial, now)
    files = [*(folder / one.name for one in gone), *snapshots.unused(folder, gone)]
    yield Removal(
        trial.name, "nights", len(gone), _size(files), lambda: _remove_nights(home, trial, gone, now)
    )
    copies = old_copies(home, trial, kept, now)
    yield Removal(
        trial.name, "copies", len(copies), _size(copies), lambda: _remove_copies(home, trial, copies, now)
    )
    left = [*_half_written(home, trial.name, now)]
    yield Removal(trial.name, "half-written files", len(left), _size(left), lambda: _unlink(left))


def _nights(home: Home, trial: "Trial", now: datetime) -> tuple[list[Snapshot], list[Snapshot]]:
    nights = snapshots.snapshots(folder_of(home, trial.name))
    return old_nights(nights, trial, locked_data(home, trial.name), now)


# While somebody is asked, a night may come that delivers an old file again, or a lock: what goes is looked at anew.
def _remove_nights(home: Home, trial: "Trial", found: list[Snapshot], now: datetime) -> None:
    asked = {one.name for one in found}
    gone = [one for one in _nights(home, trial, now)[1] if one.name in asked]
    snapshots.remove(folder_of(home, trial.name), gone)


def _remove_copies(home: Home, trial: "Trial", found: list[Path], now: datetime) -> None:
    still = set(old_copies(home, trial, _nights(home, trial, now)[0], now))
    for path in found:
        if path in still:
            remove_copy(path, now)


def old_nights(
    nights: list[Snapshot], trial: "Trial", locked: set[str], now: datetime
) -> tuple[list[Snapshot], list[Snapshot]]:
    """Return the nights to keep and those that may go, oldest first."""
    since = now - timedelta(days=trial.retention.keep_days)
    recent = {one.name for one in nights[-trial.retention.keep_nights :]}

    def stays(one: Snapshot) -> bool:
        young = datetime.fromisoformat(one.time) >= since
        return one.name in recent or young or one.data_hash in locked

    return [one for one in nights if stays(one)], [one for one in nights if not stays(one)]


def locked_data(home: Home, trial: str) -> set[str]:
    """Return the hashes of the data that a lock or an unblinding froze.

    Raises:
        StorageError: where the trial stands is not vouched for; nothing of it may be removed.
    """
    from pipelines.lock import standing

    found = standing(home, trial)
    deeds = [deed for deed in (found.lock, found.unblinding) if deed]
    return {deed.hashes["data_hash"] for deed in deeds if "data_hash" in deed.hashes}


def old_copies(home: Home, trial: "Trial", kept: list[Snapshot], now: datetime) -> list[Path]:
    """Return the custody copies that no kept night, no lock, no stored hop and no recent delivery needs."""
    custody = home.custody(trial.name)
    deliveries = read_deliveries(custody)
    needed = _recent(deliveries, now - timedelta(days=trial.retention.keep_days))
    wanted = {one.data_hash for one in kept} | locked_data(home, trial.name) | _stored_data(home, trial.name)
    for shas in _of_runs(deliveries, wanted):
        needed |= shas
    receipt = store.read_facts(home.store(trial.name, "landing"))
    known = {file["sha256"] for file in receipt.get("files", {}).values()}
    needed |= {one.sha256 for one in deliveries if one.known_as in known} | known
    named = (path for path in sorted(custody.glob("??/*")) if len(path.name) == 64)
    return [path for path in named if path.name not in needed]


def _recent(deliveries: list[Delivery], since: datetime) -> set[str]:
    return {one.sha256 for one in deliveries if datetime.fromisoformat(one.time) >= since}


def _stored_data(home: Home, trial: str) -> set[str]:
    facts = (store.read_facts(home.store(trial, hop)) for hop in ("raw", "checked", "accepted", "report"))
    return {str(found["data_hash"]) for found in facts if "data_hash" in found}


def _of_runs(deliveries: list[Delivery], data_hashes: set[str]) -> Iterator[set[str]]:
    """Yield the files of each run whose whole delivery has one of the hashes."""
    from assets.landing import data_hash

    by_run: dict[str, dict[str, Delivery]] = {}
    for one in deliveries:
        by_run.setdefault(one.run_id, {})[one.form] = one
    for files in by_run.values():
        if data_hash({form: one.known_as for form, one in files.items()}) in data_hashes:
            yield {one.sha256 for one in files.values()}


def _half_written(home: Home, trial: str, now: datetime) -> Iterator[Path]:
    """Yield what killed writers left; nothing writes for a day."""
    places = (home.root / "store" / trial, home.reports(trial), folder_of(home, trial))
    left = (found for place in places for found in place.rglob(TEMPORARY))
    for path in (one for found in left for one in (found.rglob("*") if found.is_dir() else (found,))):
        if path.is_file() and now.timestamp() - path.stat().st_mtime > DAY:
            yield path


def _logs(home: Home) -> Iterator[Removal]:
    """Yield the logs that have grown large: they are numbered, and the oldest goes."""
    for path in sorted(home.logs.glob("*.log")):
        if path.stat().st_size > LARGEST_LOG:
            oldest = path.with_name(f"{path.name}.{KEPT_LOGS}")
            yield Removal("", "logs", 1, _size([oldest]), lambda path=path: _turn(path))  # type: ignore[misc]


def _turn(path: Path) -> None:
    for number in range(KEPT_LOGS - 1, 0, -1):
        if (older := path.with_name(f"{path.name}.{number}")).exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _size(paths: Iterable[Path]) -> int:
    """Return the bytes that go with these files: a file shared with the store frees none."""
    status = [path.stat() for path in paths if path.exists()]
    return sum(one.st_size for one in status if one.st_nlink == 1)
