"""What each night changed in the accepted records: a folder per night that changed something.

A night's changes are written before its records are stored, and count once they are: whatever kills the run in
between, the next one either finds the records stored and lets the changes stand, or throws them away and finds
them again. They hold participants' values: for their owner's eyes only. Not here: comparing (changes).
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, StorageError
from data_contracts.writers.atomic import write_atomically
from pipelines import store
from pipelines.custody import make_private

if TYPE_CHECKING:
    import pandas as pd

    from data_contracts.spec import Trial

CHANGES, FACTS, PENDING = "changes.parquet", "night.json", ".pending-"
NOTHING = ""  # what was accepted before the first night


@dataclass(frozen=True, slots=True)
class Night:
    """A run whose accepted records differ from those before it."""

    run_id: str
    time: str  # UTC
    before: str  # which records it was compared with; NOTHING for the first
    counts: Mapping[str, Mapping[str, int]]  # form -> change -> number
    note: str = ""  # where there was nothing to compare with


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """One trial's nights, and the folder of the accepted records they lead to."""

    folder: Path
    accepted: Path

    def note(
        self, trial: "Trial", run_id: str, now: datetime, accepted: "Mapping[str, pd.DataFrame]"
    ) -> Night | None:
        """Write what differs from the stored records, to stand once the new ones are stored.

        Args:
            trial: The plan.
            run_id: The run that accepted the records.
            now: The time, UTC.
            accepted: The records by form, about to be stored.

        Raises:
            StorageError: the folder can't be written.
        """
        from data_contracts.changes import changes_between, counts_of

        self.settle()
        before, why_not = self._stored()
        if before is None:
            records = {form: {"records": len(frame)} for form, frame in accepted.items()}
            night = Night(run_id, _text(now), self._identity(), records, why_not)
            self._write(night, now, changes_between({}, {}, trial))
            return night
        if not len(changes := changes_between(before, accepted, trial)):
            return None
        night = Night(run_id, _text(now), self._identity(), counts_of(changes))
        self._write(night, now, changes)
        return night

    def settle(self) -> None:
        """Let the changes stand whose records have been stored, and throw away those whose records were not.

        Raises:
            StorageError: the folder can't be written.
        """
        try:
            for pending in self._pending():
                if self._stands(pending):
                    pending.rename(pending.with_name(pending.name.removeprefix(PENDING)))
                else:
                    shutil.rmtree(pending)
        except OSError as error:
            raise _refused(self.folder, error) from None

    def nights(self) -> list[tuple[Night, Path]]:
        """Return the nights and their folders, oldest first; those killed before their last step too."""
        standing = [p for p in self._pending() if self._stands(p)]
        ended = [p for p in _folders(self.folder) if not p.name.startswith(".")]
        by_time = sorted((*ended, *standing), key=lambda path: path.name.removeprefix(PENDING))
        read = [(_read_night(path), path) for path in by_time]
        return [(night, path) for night, path in read if night is not None]

    def _stored(self) -> "tuple[Mapping[str, pd.DataFrame] | None, str]":
        """Return the last accepted records; None, and why, where there is nothing to compare with."""
        if self._identity() == NOTHING:
            return None, "the first records accepted"
        try:
            return store.read_tables(self.accepted).frames, ""
        except StorageError:
            return None, "the last accepted records could not be read, so nothing could be compared"

    def _identity(self) -> str:
        """Return what changes whenever the accepted records are stored with other contents."""
        try:
            return hashlib.sha256((self.accepted / store.MANIFEST).read_bytes()).hexdigest()
        except FileNotFoundError:
            return NOTHING

    def _pending(self) -> list[Path]:
        return [path for path in _folders(self.folder) if path.name.startswith(PENDING)]

    def _stands(self, pending: Path) -> bool:
        night = _read_night(pending)
        return night is not None and night.before != self._identity()

    def _write(self, night: Night, now: datetime, changes: "pd.DataFrame") -> None:
        pending = self.folder / f"{PENDING}{now:%Y%m%dT%H%M%SZ}-{night.run_id}"
        rows = changes.assign(run_id=night.run_id, time=night.time)
        try:
            make_private(pending)
            _put(pending / CHANGES, _parquet(rows))
            _put(
                pending / FACTS, json.dumps(asdict(night), indent=1).encode()
            )  # last: it makes the rest valid
        except OSError as error:
            raise _refused(self.folder, error) from None


def read_changes(folder: Path) -> "pd.DataFrame":
    """Return the changes of one night.

    Raises:
        StorageError: the file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(folder / CHANGES).to_pandas()
    except (OSError, pa.ArrowException) as error:
        found = "no file" if isinstance(error, FileNotFoundError) else "a damaged file"
        problem = Problem(
            str(folder / CHANGES), found, "the changes of that night", "Restore it from a backup."
        )
        raise StorageError("The change log can't be read.", [problem]) from None


def _parquet(frame: "pd.DataFrame") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return buffer.getvalue()


def _put(path: Path, data: bytes) -> None:
    """Write a file that its owner alone may read; the folder is closed to others already."""
    write_atomically(path, data)
    path.chmod(0o600)


def _folders(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []


def _read_night(folder: Path) -> Night | None:
    """Return what is said of a night; None for a folder that a kill left unfinished."""
    try:
        said: dict[str, Any] = json.loads((folder / FACTS).read_bytes())
        return Night(**said)
    except (OSError, ValueError, TypeError):
        return None


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _refused(folder: Path, error: OSError) -> StorageError:
    found = error.strerror or type(error).__name__
    problem = Problem(str(folder), found, "a folder that can be written", "`srt doctor` checks it.")
    return StorageError("The night's changes could not be noted; the last good records stay.", [problem])
