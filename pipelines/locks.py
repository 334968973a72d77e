"""One run of a trial at a time, whoever starts it. Not here: queues (dagster.yaml)."""

from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import BusyError, StorageError

if TYPE_CHECKING:
    from filelock import BaseFileLock


def take(folder: Path, trial: str, wait_seconds: float = 0) -> "BaseFileLock":
    """Return the trial's lock, held; this process may take it again, and loses it when it ends.

    Raises:
        BusyError: another process holds it still after `wait_seconds`.
        StorageError: the lock's file can't be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / f"{trial}.lock", is_singleton=True)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise BusyError(
            f"Another run of {trial} is under way; wait until it has ended, then run again."
        ) from None
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; the lock of {trial} can't be taken.") from None
    return lock
