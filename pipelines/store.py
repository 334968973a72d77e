"""The tables between hops: a folder each, Parquet files and a manifest. Not here: what the tables mean.

A table's file is named by its content, so that writing never touches what is there; the manifest is replaced
last and in one step, so that a reader sees the old version or the new one, whatever kills the writer.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.errors import StorageError
from data_contracts.tables import Tables
from data_contracts.writers.atomic import write_atomically

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"


def write_tables(folder: Path, tables: Tables) -> None:
    """Store tables in place of those that are there.

    Raises:
        StorageError: the folder can't be written or the disk is full; what was there is still there.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, ".tmp_*")
        entries = {name: _write_frame(folder, name, frame) for name, frame in tables.frames.items()}
        manifest = {"tables": entries, "facts": dict(tables.facts)}
        write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
        _sweep(folder, "*.parquet", keep={entry["file"] for entry in entries.values()})


def read_tables(folder: Path) -> Tables:
    """Return the stored tables.

    Raises:
        StorageError: nothing is stored there, or a file is missing or damaged.
    """
    with _told(folder):
        try:
            return _read(folder)
        except FileNotFoundError:
            return _read(folder)  # a newer version came between the manifest and its files


def read_facts(folder: Path) -> Mapping[str, Any]:
    """Return the stored facts alone, without loading a table; empty when nothing is stored."""
    try:
        return dict(json.loads((folder / MANIFEST).read_bytes())["facts"])
    except FileNotFoundError:
        return {}


def table_files(folder: Path) -> Mapping[str, Path]:
    """Return the Parquet file of each stored table; empty when nothing is stored."""
    try:
        entries = json.loads((folder / MANIFEST).read_bytes())["tables"]
    except FileNotFoundError:
        return {}
    return {name: folder / entry["file"] for name, entry in entries.items()}


def read_manifest(manifest: Mapping[str, Any], folder: Path) -> Tables:
    """Return the tables a manifest names, from the folder that holds their files.

    Raises:
        StorageError: a file is missing or damaged.
    """
    with _told(folder):
        return _of_manifest(manifest, folder)


def _read(folder: Path) -> Tables:
    return _of_manifest(json.loads((folder / MANIFEST).read_bytes()), folder)


def _of_manifest(manifest: Mapping[str, Any], folder: Path) -> Tables:
    frames = {name: _read_frame(folder, entry) for name, entry in manifest["tables"].items()}
    return Tables(frames, manifest["facts"])


def _write_frame(folder: Path, name: str, frame: "pd.DataFrame") -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), buffer, compression="zstd")
    content = buffer.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"{name}-{sha256[:16]}.parquet"
    if not _holds(folder / file, content):  # one that does may be shared with a night's snapshot
        write_atomically(folder / file, content)
    kinds = {str(column): str(kind) for column, kind in frame.dtypes.items()}
    return {"file": file, "sha256": sha256, "rows": len(frame), "dtypes": kinds}


def _holds(path: Path, content: bytes) -> bool:
    """Say whether a file has just these contents: one that the disk has damaged is written again."""
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def _read_frame(folder: Path, entry: Mapping[str, Any]) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = (folder / entry["file"]).read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise StorageError(
            f"{folder / entry['file']} is damaged: its contents are not those written. Run again."
        )
    frame = pq.read_table(pa.BufferReader(content)).to_pandas()
    # Parquet knows no seconds: a date comes back in milliseconds unless it is told.
    dates = {c: kind for c, kind in entry["dtypes"].items() if kind.startswith("datetime64")}
    return frame.astype(dates) if dates else frame


def _sweep(folder: Path, pattern: str, keep: set[str] | None = None) -> None:
    for path in folder.glob(pattern):
        if path.name not in (keep or set()):
            path.unlink(missing_ok=True)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        missing = Path(str(error.filename or folder)).name
        raise StorageError(f"{folder} holds no {missing}: run the hop before this one first.") from None
    except OSError as error:
        raise StorageError(
            f"{folder} can't be used: {error.strerror}. The last good version is untouched."
        ) from None
    except (json.JSONDecodeError, KeyError):
        raise StorageError(f"{folder / MANIFEST} is damaged. Remove the folder and run again.") from None
