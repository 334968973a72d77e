"""Whole export files of every format, and damaged copies of them. Not here: what reading them comes to (fuzz)."""

import random
import struct
import tempfile
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

MUTATORS_OF_HEADER = 1200  # bytes in which a file's counts and offsets stand
TYPES = {
    "id": "text",
    "arm": "category",
    "score": "number",
    "item": "integer",
    "seen": "date",
    "note": "text",
}


def whole_files(n_rows: int = 60) -> dict[str, tuple[str, bytes]]:
    """Return a file of each kind that can be written here: its format, and its bytes."""
    import pandas as pd
    import pyreadstat

    frame = pd.DataFrame(
        {
            "id": [f"{n:04}" for n in range(n_rows)],
            "arm": [float(n % 2) for n in range(n_rows)],
            "score": [None if n % 9 == 4 else n * 1.25 - 7 for n in range(n_rows)],
            "item": [-99.0 if n % 7 == 3 else float(n % 5) for n in range(n_rows)],
            "seen": [date(2021, 1, 1) + timedelta(days=3 * n) for n in range(n_rows)],
            "note": ["", "went well", "n'est pas venue", "moved house twice; see letter"] * (n_rows // 4),
        }
    )
    coded = {"variable_value_labels": {"arm": {0: "TAU", 1: "SRT"}, "item": {-99: "Refused"}}}
    missing = {"missing_ranges": {"item": [-99]}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"

        def written(write: Callable[..., object], **how: object) -> bytes:
            write(frame, str(path), **how)
            return path.read_bytes()

        return {
            "sav": ("sav", written(pyreadstat.write_sav, row_compress=True, **coded, **missing)),
            "sav, plain": ("sav", written(pyreadstat.write_sav, **coded, **missing)),
            "zsav": ("sav", written(pyreadstat.write_sav, compress=True, **coded, **missing)),
            "por": ("por", written(pyreadstat.write_por)),
            "dta": ("dta", written(pyreadstat.write_dta, **coded)),
            "dta, old": ("dta", written(pyreadstat.write_dta, version=12)),
            "xpt": ("xpt", written(pyreadstat.write_xport)),
            "csv": ("csv", frame.to_csv(index=False, lineterminator="\n").encode()),
        }


def mutant(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return a damaged copy, and how it was damaged; it always differs from the file."""
    while True:
        kind = rng.choice(list(MUTATORS))
        damaged = MUTATORS[kind](data, rng)
        if damaged != data:
            return kind, damaged


def _bits(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(len(changed))
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _byte(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _header_integer(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(0, min(len(data) - 4, MUTATORS_OF_HEADER), 4)
    value = rng.choice((0, 1, -1, 2**31 - 1, -(2**31), rng.randrange(100), rng.randrange(-(2**31), 2**31)))
    return data[:at] + struct.pack(rng.choice("<>") + "i", value) + data[at + 4 :]


def _deleted(data: bytes, rng: random.Random) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + data[at + length :]


def _inserted(data: bytes, rng: random.Random) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + rng.randbytes(length) + data[at:]


def _repeated(data: bytes, rng: random.Random) -> bytes:
    at, length = _piece(data, rng)
    return data[: at + length] + data[at:]


def _zeroed(data: bytes, rng: random.Random) -> bytes:
    at, length = _piece(data, rng)
    return data[:at] + bytes(length) + data[at + length :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _piece(data: bytes, rng: random.Random) -> tuple[int, int]:
    length = rng.choice((1, 2, 4, 8, 16, 80, 200))
    return rng.randrange(max(1, len(data) - length)), length


MUTATORS: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "bits": _bits,
    "byte": _byte,
    "header integer": _header_integer,
    "deleted": _deleted,
    "inserted": _inserted,
    "repeated": _repeated,
    "zeroed": _zeroed,
    "cut": _cut,
}
