"""What custody holds, as a person asks: which file, when, by which runs; whole or not; back out again.

Not here: taking copies (custody).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.errors import Problem, RequestError, StorageError
from data_contracts.writers.atomic import write_atomically
from pipelines.custody import FROZEN, Custody
from pipelines.deliveries import Delivery, read_deliveries


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A copy, and the deliveries it was part of."""

    form: str
    name: str  # as it arrived first, relative to the landing folder
    sha256: str
    size: int  # bytes
    received: str  # UTC
    last_seen: str  # UTC
    runs: tuple[str, ...]  # oldest first


def kept_files(custody: Custody, run_id: str = "") -> list[KeptFile]:
    """Return the copies by the time they first arrived; those of one run where it is named.

    Raises:
        RequestError: no run's id begins so, or several do.
    """
    deliveries = read_deliveries(custody.folder)
    if run_id:
        run_id = one_run([delivery.run_id for delivery in deliveries], run_id)
    by_copy = dict[tuple[str, str], list[Delivery]]()
    for delivery in deliveries:
        by_copy.setdefault((delivery.form, delivery.sha256), []).append(delivery)
    kept = [_kept(seen) for seen in by_copy.values()]
    return [file for file in kept if not run_id or run_id in file.runs]


def one_run(known: Iterable[str], beginning: str) -> str:
    """Return the one run whose id begins so.

    Raises:
        RequestError: none does, or several do.
    """
    matching = [run for run in dict.fromkeys(known) if run.startswith(beginning)]
    if len(matching) == 1:
        return matching[0]
    found = f"{len(matching)} runs whose id begins with {beginning!r}"
    raise RequestError(
        "That is no run of the trial.",
        [Problem("--night", found, "the beginning of one run's id", "`srt files TRIAL` lists the runs.")],
    )


def damage(custody: Custody, files: Sequence[KeptFile], on_each: Callable[[], None]) -> list[Problem]:
    """Hash every copy again, and those no delivery speaks of; return what is wrong.

    Args:
        custody: The trial's custody.
        files: What it should hold.
        on_each: Told after each copy.
    """
    form_of = {file.sha256: file.form for file in files}
    lying = {path.name for path in custody.folder.glob("??/*") if len(path.name) == 64}
    problems = []
    for sha256 in [*form_of, *sorted(lying - form_of.keys())]:
        form = form_of.get(sha256, "of no known delivery")
        problem = None if removed_on(custody, sha256) else custody.problem_of(sha256, form)
        problems += [problem] if problem else []
        on_each()
    return problems


def restore(custody: Custody, files: Sequence[KeptFile], folder: Path) -> list[Path]:
    """Copy the files of a night into a folder, under the names they arrived with.

    Raises:
        StorageError: a copy is damaged, a file stands in the way, or the folder can't be written.
    """
    if gone := [file for file in files if removed_on(custody, file.sha256)]:
        found = [Problem(f.name, f"removed on {removed_on(custody, f.sha256)}", "the copy") for f in gone]
        raise StorageError(
            "`srt tidy` has removed copies that were older than they are kept; nothing was copied.", found
        )
    if problems := damage(custody, files, lambda: None):
        raise StorageError(f"The custody of {custody.trial} is not whole; nothing was copied.", problems)
    targets = [folder / file.name for file in files]
    if standing := [path for path in targets if path.exists()]:
        found = [
            Problem(str(path), "a file", "no file of that name", "Name another folder.") for path in standing
        ]
        raise StorageError("There are files already; nothing was copied.", found)
    for file, target in zip(files, targets, strict=True):
        _copy_out(custody.path_of(file.sha256), target, _modified(custody, file.sha256))
    return targets


def remove_copy(copy: Path, now: datetime) -> None:
    """Remove a copy that is kept no longer; its description stays and says when it went.

    Raises:
        OSError: the disk refuses.
    """
    beside = copy.with_suffix(".json")
    write_atomically(beside, json.dumps({**_said(beside), "removed": f"{now:%Y-%m-%d}"}, indent=1).encode())
    beside.chmod(FROZEN)
    copy.unlink(missing_ok=True)


def removed_on(custody: Custody, sha256: str) -> str:
    """Return the day on which a copy was removed as too old; "" for one that is there, or should be."""
    copy = custody.path_of(sha256)
    return "" if copy.exists() else str(_said(copy.with_suffix(".json")).get("removed", ""))


def _modified(custody: Custody, sha256: str) -> float | None:
    """Return when a file was written by whoever sent it (s since 1970); None where its description is lost."""
    try:
        said = _said(custody.path_of(sha256).with_suffix(".json"))
        return datetime.fromisoformat(said["modified"]).timestamp()
    except (ValueError, KeyError):
        return None


def _said(beside: Path) -> dict[str, Any]:
    """Return a copy's description; empty where it is lost."""
    try:
        found = json.loads(beside.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _copy_out(copy: Path, target: Path, modified: float | None) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, target)
        target.chmod(0o600)
        if modified is not None:
            os.utime(target, (modified, modified))
    except OSError as error:
        why = error.strerror or type(error).__name__
        problem = Problem(str(target), why, "a folder that can be written")
        raise StorageError("The night's files can't be copied.", [problem]) from None


def _kept(seen: Sequence[Delivery]) -> KeptFile:
    first, last = seen[0], seen[-1]
    runs = tuple(dict.fromkeys(delivery.run_id for delivery in seen))
    return KeptFile(first.form, first.name, first.sha256, first.size, first.time, last.time, runs)
