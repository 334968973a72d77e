"""Whether a delivered file is all there, by what the trial declares of its arrival.

Not here: what speaks for a file (manifest), waiting (assets.landing, the sensor).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from data_contracts.errors import Problem
from data_contracts.manifest import DONE, MANIFEST, Manifest, beside, manifest_of
from data_contracts.operations import Arrival
from data_contracts.readers.careful import Identity, identity_of

MOMENT = 0.1  # seconds; the system tells two writes apart only when some milliseconds lie between them


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a file."""

    where: str
    identity: Identity | None  # None: the file has gone, or has not come
    lacks: str = ""  # what must still come before the file counts as whole; "" when nothing must
    settles_in: float = 0.0  # seconds from now until it counts as settled, if it does not change

    @property
    def is_whole(self) -> bool:
        """Return whether the file has arrived."""
        return not self.lacks and self.settles_in <= 0


def look_at(path: Path, where: str, arrival: Arrival, now: datetime) -> Look:
    """Return what can be seen of a file without reading it.

    Args:
        path: The file.
        where: Its name in messages.
        arrival: The trial's declaration.
        now: The time, UTC.

    Raises:
        ReadError: its manifest can't be read.
    """
    try:
        status = path.stat()
    except OSError:
        return Look(where, None, "the file itself, which has gone")
    manifest = manifest_of(path, where)
    lacks = _lacks(path, status.st_size, manifest, arrival)
    if manifest.vouches:
        return Look(where, identity_of(status), lacks)
    still_for = max(arrival.settle_seconds if arrival.complete == "settled" else 0.0, MOMENT)
    # A copy that keeps the old time of modification still has a new time of change.
    age = now.timestamp() - max(status.st_mtime, status.st_ctime)
    settles_in = min(still_for - age, still_for)  # a clock ahead of ours: in full
    return Look(where, identity_of(status), lacks, max(settles_in, 0.0))


def unseen(look: Look) -> Look:
    """Return the look that would have found nothing, before a file came."""
    return replace(look, identity=None, lacks="the file itself")


def wait_for(looks: Iterable[Look], arrival: Arrival) -> float:
    """Return how many seconds a run should wait before its second look; 0 when all is there."""
    open_ended = (arrival.settle_seconds if look.lacks else look.settles_in for look in looks)
    return max([0.0, *open_ended])


def still_missing(before: Look, after: Look, arrival: Arrival) -> Problem | None:
    """Return why a file does not count as arrived after the wait; None when it does."""
    where = after.where
    if after.lacks:
        return Problem(where, "a file that has not arrived in full", after.lacks, _what_to_do(after.lacks))
    if before.is_whole or after.is_whole or before.identity == after.identity:
        return None
    seconds = f"one unchanged for {arrival.settle_seconds:g} seconds"
    remedy = "Run again when the export has finished, or let the sender write a manifest."
    return Problem(where, "a file that is still being written", seconds, remedy)


def _lacks(path: Path, size: int, manifest: Manifest, arrival: Arrival) -> str:
    if arrival.complete == "done" and not beside(path, DONE).exists():
        return f"{path.name}{DONE} beside it"
    if arrival.complete == "manifest" and not manifest.vouches:
        return f"{path.name}{MANIFEST} beside it, with its sha256"
    if manifest.size not in {None, size}:
        return f"{manifest.size} bytes, as its manifest says, rather than {size}"
    return ""


def _what_to_do(lacks: str) -> str:
    if lacks.endswith("gone"):
        return "Deliver it again."
    if "bytes" in lacks:
        return "Run again when the copy has finished; if it has, deliver file and manifest again."
    return "It comes last, when the copy has finished; `landing.complete` in the trial file asks for it."
