"""Which file was seen when, by which run: a line each, only ever added to. Not here: the copies (custody)."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

LOG = "deliveries.jsonl"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One form's file as one run found it."""

    time: str  # UTC
    run_id: str
    form: str
    name: str  # relative to the landing folder
    sha256: str
    size: int  # bytes
    known_as: str = ""  # the hash the stored receipt has: another where the file tells the arms

    def __post_init__(self) -> None:
        if not self.known_as:
            object.__setattr__(self, "known_as", self.sha256)

    @classmethod
    def of(cls, time: str, run_id: str, form: str, file: Mapping[str, Any], known_as: str = "") -> "Delivery":
        """Return the delivery a receipt speaks of."""
        return cls(time, run_id, form, file["name"], file["sha256"], file["size"], known_as)


def note_deliveries(folder: Path, deliveries: Iterable[Delivery]) -> None:
    """Add lines to a trial's log, in one step, and see them on the disk.

    Raises:
        OSError: the disk refuses.
    """
    lines = "".join(json.dumps(asdict(delivery)) + "\n" for delivery in deliveries)
    handle = os.open(folder / LOG, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        torn = "" if _ends_a_line(handle) else "\n"  # a crash or a full disk cut the last line
        _write_all(handle, (torn + lines).encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read_deliveries(folder: Path) -> list[Delivery]:
    """Return a trial's deliveries, oldest first; a line that a crash cut is left out."""
    try:
        lines = (folder / LOG).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    read = [_delivery(line) for line in lines]
    return [delivery for delivery in read if delivery is not None]


def files_of(folder: Path, run_id: str) -> dict[str, str]:
    """Return the hash by which a run's receipt knows each form's file."""
    return {one.form: one.known_as for one in read_deliveries(folder) if one.run_id == run_id}


def _delivery(line: bytes) -> Delivery | None:
    try:
        said = json.loads(line)
        said.setdefault("known_as", said["sha256"])
        return Delivery(**{field.name: said[field.name] for field in fields(Delivery)})
    except (ValueError, KeyError, TypeError):
        return None


def _ends_a_line(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
