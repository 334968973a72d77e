"""The audit log of the state folder: who did what, when, why. Not here: how its lines vouch for each other."""

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_contracts.audit_chain import Entry, Flaw, Head, entries, flaws
from data_contracts.errors import StorageError
from data_contracts.writers.atomic import write_atomically
from pipelines.home import Home
from pipelines.rights import only_mine, private_folder

LOG, HEAD = "audit.jsonl", "head.json"
HEAD_GONE = "the log's head was gone and was made again"
PATIENCE = 60.0  # seconds to wait for another process that writes a line


def record(home: Home, what: str, *, trial: str = "", who: str = "", why: str = "", **facts: Any) -> Entry:
    """Append a line to the audit log and return it once it is on the disk.

    Args:
        home: The state folder.
        what: The event, in the words of docs/blinding.md, such as "locked".
        trial: The trial it is about.
        who: A name as the person gave it; the login name where none was given.
        why: The reason given.
        **facts: JSON values; hashes and counts, never what a participant answered.

    Raises:
        StorageError: the line can't be written; what asked for it must not go on.
    """
    folder = private_folder(home.audit)
    said = {"who": who or login_name(), "what": what, "trial": trial, "why": why}
    with only_mine(), _alone(folder), _told(folder):
        was_gone = not (folder / HEAD).exists()
        end = _mended(folder, _head(folder))
        if was_gone and end.count > 1:  # one line alone: its writer was stopped before the first head
            _write(folder, end, {"who": login_name(), "what": HEAD_GONE}, {"lines": end.count})
            end = _head(folder)
        return _write(folder, end, said, json.loads(json.dumps(facts, default=str)))


def _write(folder: Path, end: Head, said: Mapping[str, str], facts: Mapping[str, Any]) -> Entry:
    """Write a line, then where the log ends; in this order, so that a kill in between loses nothing."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = Entry(seq=end.count + 1, time=now, prev=end.hash, facts=facts, **said).sealed()
    _append(folder / LOG, entry.line())
    _keep_head(folder, Head(entry.seq, entry.hash, end.size + len(entry.line())))
    return entry


def login_name() -> str:
    """Return the name this process runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def listed(home: Home, trial: str = "", since: str = "") -> list[Entry]:
    """Return the entries of a trial (or all), from a date on (ISO 8601, UTC).

    Raises:
        StorageError: the log can't be read.
    """
    with _told(home.audit):
        log = _read(home.audit / LOG)
    return [e for e in entries(log) if (not trial or e.trial == trial) and e.time >= since]


def head(home: Home) -> Head:
    """Return where the log ends: to be kept elsewhere as a witness.

    Raises:
        StorageError: it can't be read.
    """
    with _told(home.audit):
        return _head(home.audit)


def verified(home: Home, witnesses: Mapping[str, str]) -> tuple[int, list[Flaw]]:
    """Return how many lines the log has, and what is wrong with it.

    Raises:
        StorageError: the log can't be read.
    """
    if not home.audit.is_dir():
        return 0, [Flaw(0, f"the log that {keeper} vouches for is gone") for keeper in witnesses.values()]
    with _alone(home.audit), _told(home.audit):
        log, kept = _read(home.audit / LOG), _head(home.audit)
    missing = [Flaw(0, "where the log should end is not known: head.json is gone")] if _headless(home) else []
    return log.count(b"\n"), [*missing, *flaws(log, kept, witnesses)]


def _headless(home: Home) -> bool:
    return bool(_read(home.audit / LOG)) and not (home.audit / HEAD).exists()


def _head(folder: Path) -> Head:
    try:
        return Head(**json.loads((folder / HEAD).read_bytes()))
    except FileNotFoundError:
        return Head()


def _keep_head(folder: Path, new: Head) -> None:
    write_atomically(folder / HEAD, json.dumps(asdict(new)).encode())


def _mended(folder: Path, kept: Head) -> Head:
    """Return where the log ends, after a writer was stopped between its line and the head, or amid its line.

    A line without its end was never acknowledged to anybody, so it is cut; a whole one is taken over.
    """
    path = folder / LOG
    size = path.stat().st_size if path.exists() else 0
    if size <= kept.size:
        return kept  # cut short by somebody: `verified` will say so, and the chain goes on from the head
    with path.open("r+b") as log:
        log.seek(kept.size)
        rest = log.read()
        whole = rest[: rest.rfind(b"\n") + 1]
        log.truncate(kept.size + len(whole))
    last = list(entries(whole))[-1:]
    return Head(kept.count + whole.count(b"\n"), last[0].hash, kept.size + len(whole)) if last else kept


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as log:
        log.write(line)
        log.flush()
        os.fsync(log.fileno())


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the log's lock: two processes never write at once."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / ".lock", timeout=PATIENCE):
            yield
    except Timeout:
        raise StorageError(f"{folder}: another process has kept the audit log for a minute.") from None


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"The audit log in {folder} can't be used: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise StorageError(f"{folder / HEAD} is damaged; restore it from a backup.") from None
