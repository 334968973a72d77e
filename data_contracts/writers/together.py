"""Replace a set of files that belong together. Not here: what is in them, one file alone (atomic)."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from data_contracts.errors import StorageError
from data_contracts.writers.atomic import problem_of, sync_folder, write_through

ASIDE = ".tmp_set"  # where a set is written whole before any of it is put in place


def write_together(
    folder: Path,
    files: Mapping[str, bytes],
    rights: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> None:
    """Write files below a folder: all of them aside first, then each into its place, in their order.

    Until all of them are written the old ones stay as they were; the one people open first goes last.

    Args:
        folder: The folder; made if it does not exist.
        files: Contents by path relative to it.
        rights: Under what a file and its folder are made, by its path.

    Raises:
        StorageError: the folder can't be written or the disk is full; the old files are all there.
    """
    aside = folder / ASIDE
    try:
        shutil.rmtree(aside, ignore_errors=True)  # what a killed writer left
        for name, data in files.items():
            with rights(name):
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                write_through(aside / name, data)
        for name in files:
            (aside / name).replace(folder / name)
        for made in {(folder / name).parent for name in files}:
            sync_folder(made)
    except OSError as error:
        raise StorageError(
            f"{folder.name}: the files can't be written.", [problem_of(folder, error)]
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_files(folder: Path, names: set[str]) -> None:
    """Remove files below a folder, and the folders that are empty then.

    Raises:
        StorageError: one can't be removed.
    """
    try:
        for name in sorted(names):
            (folder / name).unlink(missing_ok=True)
        for below in {parent for name in names for parent in Path(name).parents if parent.parts}:
            if (folder / below).is_dir() and not any((folder / below).iterdir()):
                (folder / below).rmdir()
    except OSError as error:
        raise StorageError(
            f"{folder.name}: old files can't be removed.", [problem_of(folder, error)]
        ) from error
