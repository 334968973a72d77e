"""Write a file whole or not at all. Not here: what is written."""

import errno
import os
import secrets
from pathlib import Path

from data_contracts.errors import Problem, StorageError

REMEDIES = {
    errno.ENOSPC: "Free some space and run it again.",
    errno.EDQUOT: "Free some space and run it again.",
    errno.EACCES: "Give yourself the right to write there, or set SRT_HOME to another folder.",
    errno.EPERM: "Give yourself the right to write there, or set SRT_HOME to another folder.",
    errno.EROFS: "Set SRT_HOME to a folder that can be written.",
}


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file with new bytes; a crash or a full disk leaves the old file as it was.

    Raises:
        StorageError: the folder can't be written.
    """
    temporary = path.with_name(f".tmp_{path.name}_{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_through(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path.name} can't be written; nothing was changed.", [problem_of(path, error)]
        ) from error
    finally:
        _remove(temporary)


def write_through(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the renaming itself durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return  # the folder itself is out of reach: the first error says so


def problem_of(path: Path, error: OSError) -> Problem:
    """Return what to say of a file that can't be written."""
    remedy = REMEDIES.get(error.errno or 0, "")
    return Problem(
        str(path.parent), error.strerror or type(error).__name__, "a folder that can be written", remedy
    )
