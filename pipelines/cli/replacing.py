"""Files a command is to write where others stand. Not here: writing them (data_contracts.writers)."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from data_contracts.errors import Problem, StorageError
from pipelines.cli.output import note, shown


def make_way(paths: Iterable[Path], now: datetime, *, force: bool) -> None:
    """Move files that stand in the way beside, if that is wished.

    Raises:
        StorageError: files stand there, and nobody wished them away; or a folder does.
    """
    standing = [path for path in paths if path.exists()]
    blocked = [path for path in standing if path.is_dir() or not force]
    if blocked:
        raise StorageError(
            "There are files already; nothing was written.", [_problem(path) for path in blocked]
        )
    for path in standing:
        kept = path.with_name(f"{path.stem}.before-{now:%Y%m%dT%H%M%S%fZ}{path.suffix}")
        path.rename(kept)
        note(f"The old file went to {shown(kept)}")


def _problem(path: Path) -> Problem:
    if path.is_dir():
        return Problem(str(path), "a folder", "the name of a file")
    remedy = "Somebody may have written answers into it. With --force it is moved beside, not deleted."
    return Problem(str(path), "a file", "no file of that name", remedy)
