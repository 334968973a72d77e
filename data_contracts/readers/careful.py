"""Read a file that others may be writing: one version of it, whole, or none. Not here: what is in it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from data_contracts.errors import Problem, ReadError
from data_contracts.manifest import Manifest

CHUNK = 2**20  # bytes


class UnsettledError(ReadError):
    """A file that does not hold still, or not yet what its manifest says: a later try may pass."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read, and what the system said of the file."""

    sha256: str
    size: int  # bytes
    modified_ns: int  # since 1970, UTC


@dataclass(frozen=True, slots=True)
class Identity:
    """What is the same as long as nobody writes; the change time betrays a writer that resets the other."""

    device: int
    file: int
    size: int
    modified_ns: int
    changed_ns: int


def identity_of(status: os.stat_result) -> Identity:
    """Return what the system says of a file that tells one version from another."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def read_carefully(
    path: Path,
    where: str,
    manifest: Manifest,
    sink: Callable[[bytes], object] = len,
    settled: Identity | None = None,
) -> Contents:
    """Read a file to its end and return its hash; the bytes go to `sink` as they come.

    Args:
        path: The file; a link to a file is followed.
        where: Its name in messages.
        manifest: What is said of it: another size or hash is refused.
        sink: Called with each part.
        settled: The file as it was when it counted as arrived: it must still be that one. Without it a
            writer halfway through is not noticed: the system notes the time when a write begins, and in
            steps of some milliseconds.

    Raises:
        UnsettledError: it changed meanwhile, was replaced, or is not as its manifest says.
        ReadError: it can't be opened.
    """
    try:
        stream = path.open("rb", buffering=0)
    except OSError as error:
        raise _unopened(where, error) from None
    with stream:
        before = identity_of(os.fstat(stream.fileno()))
        sha256, size = _hash(stream, where, sink)
        after = identity_of(os.fstat(stream.fileno()))
        seen = {settled or before, before, after, _now_at(path)}
        if len(seen) > 1 or size != before.size:
            raise unsettled(where, "a file that changed while it was read", "one that holds still")
    refuse_other_contents(sha256, size, manifest, where)
    return Contents(sha256, size, before.modified_ns)


def refuse_other_contents(sha256: str, size: int, manifest: Manifest, where: str) -> None:
    """Refuse a file that is not the one its manifest speaks of.

    Raises:
        UnsettledError: size or hash differ.
    """
    expected = "what its manifest says"
    if manifest.size not in {None, size}:
        raise unsettled(where, f"{size} bytes", f"{manifest.size}, {expected}")
    if manifest.sha256 not in {None, sha256}:
        raise unsettled(where, f"other contents (SHA-256 {sha256[:12]}…)", expected)


def unsettled(where: str, found: str, expected: str) -> UnsettledError:
    """Return the refusal of a file that may be right in a minute."""
    remedy = "If it is still being copied, run again when it is all there; else deliver it again, whole."
    return UnsettledError(f"{where} was not taken in.", [Problem(where, found, expected, remedy)])


def _now_at(path: Path) -> Identity | None:
    try:
        return identity_of(path.stat())
    except OSError:
        return None  # it has gone meanwhile


def _hash(stream: BinaryIO, where: str, sink: Callable[[bytes], object]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while part := _next(stream, where):
        digest.update(part)
        sink(part)
        size += len(part)
    return digest.hexdigest(), size


def _next(stream: BinaryIO, where: str) -> bytes:
    try:
        return stream.read(CHUNK)
    except OSError as error:
        raise _unopened(where, error) from None


def _unopened(where: str, error: OSError) -> ReadError:
    found = f"a file that can't be read ({error.strerror})"
    kind = UnsettledError if isinstance(error, FileNotFoundError) else ReadError
    remedy = "Give the user who runs srt the right to read it, or deliver it again."
    return kind(f"{where} was not taken in.", [Problem(where, found, "a file to read", remedy)])
