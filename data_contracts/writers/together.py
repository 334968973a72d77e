"""Replace a set of files that belong together. Not here: what is in them, one file alone (atomic)."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
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

    Until all of them are written the old ones stay as they were. The last file vouches for the set: it is taken away
    before the first of the others is replaced, so that it is missing while old and new ones may be mixed.

    Args:
        folder: The folder; made if it does not exist.
        files: Contents by path relative to it.
        rights: Under what a file and its folder are made, by its path.

    Raises:
        StorageError: the folder can't be written or the disk is full; while they are written, the old files are
            all there.
    """
    try:
        sweep(folder)
        for name, data in files.items():
            with rights(name):
                _write_aside(folder, name, data)
        _put_in_place(folder, list(files))
    except OSError as error:
        raise _refused(folder, "the files can't be written", error) from error
    finally:
        sweep(folder)


def sweep(folder: Path) -> None:
    """Take away what killed writers left in a folder; for whoever alone may write there."""
    for left in folder.glob(".tmp_*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):
                left.unlink()


def _write_aside(folder: Path, name: str, data: bytes) -> None:
    for path in (folder / ASIDE / name, folder / name):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_through(folder / ASIDE / name, data)


def _put_in_place(folder: Path, names: Sequence[str]) -> None:
    *others, voucher = names
    (folder / voucher).unlink(missing_ok=True)
    sync_folder((folder / voucher).parent)
    for name in others:
        (folder / ASIDE / name).replace(folder / name)
    for made in {(folder / name).parent for name in others}:
        sync_folder(made)
    (folder / ASIDE / voucher).replace(folder / voucher)
    sync_folder((folder / voucher).parent)


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
        raise _refused(folder, "old files can't be removed", error) from error


def _refused(folder: Path, what: str, error: OSError) -> StorageError:
    return StorageError(f"{folder.name}: {what}.", [problem_of(folder / ASIDE, error)])
