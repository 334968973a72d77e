"""A form's file to read, and what is known of its contents. Not here: finding it (find), reading it (trial)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Vouched:
    """What somebody else says of a file's contents."""

    sha256: str
    rows: int | None = None  # records, where the sender's manifest says so


@dataclass(frozen=True, slots=True)
class Received:
    """A form's file: where its bytes lie, and under which name and when they were written."""

    path: Path  # custody's copy, or the file in the landing folder
    name: str  # as it arrived, relative to the landing folder
    modified: datetime  # UTC
    vouched: Vouched | None = None


def as_landed(path: Path, landing: Path, vouched: Vouched | None = None) -> Received:
    """Return a file of the landing folder as one to read where it lies.

    Raises:
        OSError: the file has gone, or nobody may look at it.
    """
    modified = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return Received(path, path.relative_to(landing).as_posix(), modified, vouched)
