"""The accepted records as each night left them, so that a later reader can have those of a given night.

A table is kept once, however many nights have it: files are named by their contents and shared with the store
by hard links where the disk has them. Not here: what a night changed (change_log), how long it is kept (retention).
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import Problem, StorageError
from data_contracts.tables import Tables
from data_contracts.writers.atomic import write_atomically
from pipelines import store
from pipelines.custody import make_private

if TYPE_CHECKING:
    from pipelines.home import Home

TABLES = "tables"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run stored as accepted."""

    time: str  # UTC
    run_id: str
    manifest: Mapping[str, Any]  # the store's: a file per table, and the facts

    @property
    def files(self) -> set[str]:
        """Return the names of its tables' files."""
        return {entry["file"] for entry in self.manifest["tables"].values()}

    @property
    def data_hash(self) -> str:
        """Return the hash of the delivery it was made from."""
        return str(self.manifest["facts"].get("data_hash", ""))

    @property
    def name(self) -> str:
        """Return the name of its file: in the order of time."""
        return f"{datetime.fromisoformat(self.time):%Y%m%dT%H%M%SZ}-{self.run_id}.json"


def folder_of(home: "Home", trial: str) -> Path:
    """Return the folder of a trial's snapshots."""
    return home.root / "snapshots" / trial


def keep_snapshot(accepted: Path, folder: Path, run_id: str) -> Snapshot | None:
    """Keep the accepted records as they are stored; None when there are none, or the last snapshot is of them.

    Called before records are replaced too: the run that stored them may have been killed before it kept them.

    Args:
        accepted: The store's folder of the accepted records.
        folder: The folder of the trial's snapshots.
        run_id: The run that accepted them.

    Raises:
        StorageError: the folder can't be written.
    """
    if not (accepted / store.MANIFEST).exists():
        return None
    try:
        manifest = json.loads((accepted / store.MANIFEST).read_bytes())
        stored = datetime.fromtimestamp((accepted / store.MANIFEST).stat().st_mtime, UTC)
        last = snapshots(folder)[-1:]
        if last and last[0].manifest == manifest:
            return None
        kept = Snapshot(stored.isoformat(timespec="seconds"), run_id, manifest)
        make_private(folder / TABLES)
        for file in kept.files:
            _share(accepted / file, folder / TABLES / file)
        write_atomically(folder / kept.name, json.dumps(asdict(kept)).encode())
        (folder / kept.name).chmod(0o600)
    except OSError as error:
        problem = Problem(str(folder), error.strerror or "an error", "a folder that can be written")
        raise StorageError(
            "The night's records could not be kept beside the accepted ones.", [problem]
        ) from None
    return kept


def snapshots(folder: Path) -> list[Snapshot]:
    """Return a trial's snapshots, oldest first."""
    return [Snapshot(**json.loads(path.read_bytes())) for path in sorted(folder.glob("*.json"))]


def as_of(folder: Path, moment: datetime) -> Tables:
    """Return the accepted records as they were at a time.

    Raises:
        StorageError: nothing was accepted by then, what was has been removed, or a file is damaged.
    """
    earlier = [one for one in snapshots(folder) if datetime.fromisoformat(one.time) <= moment]
    if not earlier:
        raise StorageError(f"{folder} holds no records as of {moment:%Y-%m-%d %H:%M} UTC.")
    return store.read_manifest(earlier[-1].manifest, folder / TABLES)


def remove(folder: Path, gone: list[Snapshot]) -> None:
    """Remove snapshots, then the tables no snapshot has any longer.

    Raises:
        OSError: the disk refuses.
    """
    for one in gone:
        (folder / one.name).unlink(missing_ok=True)
    for path in unused(folder, []):
        path.unlink(missing_ok=True)


def unused(folder: Path, gone: list[Snapshot]) -> list[Path]:
    """Return the tables' files that no snapshot has but those that go."""
    going = {one.name for one in gone}
    needed = {file for one in snapshots(folder) if one.name not in going for file in one.files}
    return [path for path in sorted((folder / TABLES).glob("*")) if path.name not in needed]


def _share(source: Path, target: Path) -> None:
    if target.exists():
        return
    temporary = target.with_name(f".tmp_{target.name}_{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    try:
        os.link(source, temporary)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, temporary)
    temporary.replace(target)
