"""The store keeps the last good version, whatever happens while the next is written."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from data_contracts.errors import StorageError
from data_contracts.tables import Tables
from pipelines import store

ROOT = Path(__file__).parents[2]


def tables(*values: float, **facts: object) -> Tables:
    return Tables({"numbers": pd.DataFrame({"value": list(values)})}, facts)


def values(folder: Path) -> list[float]:
    return store.read_tables(folder).frames["numbers"]["value"].tolist()


def test_every_type_of_the_contract_comes_back_as_it_was(tmp_path):
    """A date that came back in other units, or an integer as a number, would change a hash or a join."""
    index = pd.Index([1, 2], name="row")
    frame = pd.DataFrame(
        {
            "text": pd.array(["a", None], dtype="str"),
            "integer": pd.array([1, None], dtype="Int64"),
            "number": [1.5, float("nan")],
            "date": pd.array(["2024-01-31", None], dtype="datetime64[s]"),
            "yes": [True, False],
            "category": pd.Categorical(["b", "a"], categories=["b", "a", "unused"]),
        },
        index=index,
    )
    empty = frame.iloc[:0].drop(columns="category")
    store.write_tables(tmp_path, Tables({"all": frame, "none": empty}, {"hash": "x"}))
    back = store.read_tables(tmp_path)
    pd.testing.assert_frame_equal(back.frames["all"], frame)
    pd.testing.assert_frame_equal(back.frames["none"], empty)
    assert back.facts == {"hash": "x"}


def test_a_newer_version_replaces_the_older_and_leaves_no_file_of_it(tmp_path):
    """Old files would fill the disk night by night."""
    store.write_tables(tmp_path, tables(1.0))
    store.write_tables(tmp_path, tables(2.0))
    assert values(tmp_path) == [2.0]
    assert len(list(tmp_path.iterdir())) == 2


def test_facts_are_read_without_the_tables(tmp_path):
    """A night without news must not load pandas to learn that there is none."""
    store.write_tables(tmp_path, tables(1.0, data_hash="abc"))
    assert store.read_facts(tmp_path) == {"data_hash": "abc"}
    assert store.read_facts(tmp_path / "nothing") == {}


@pytest.mark.parametrize("die_before", ["numbers-", "manifest.json"])
def test_a_kill_while_writing_leaves_the_last_good_version(tmp_path, die_before):
    """Power fails at any moment: between two files, and between the files and the manifest."""
    store.write_tables(tmp_path, tables(1.0))
    program = f"""
import os, signal, pandas as pd
from pathlib import Path
from data_contracts.tables import Tables
from pipelines import store
write = store.write_atomically
def dying(path, data):
    if path.name.startswith({die_before!r}):
        (path.parent / (".tmp_" + path.name)).write_bytes(data[:7])
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, data)
store.write_atomically = dying
store.write_tables(Path({str(tmp_path)!r}), Tables({{"numbers": pd.DataFrame({{"value": [2.0]}})}}))
"""
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert values(tmp_path) == [1.0]
    store.write_tables(tmp_path, tables(3.0))
    assert values(tmp_path) == [3.0]
    assert not list(tmp_path.glob(".tmp_*"))


def test_a_full_disk_is_one_message_and_the_last_good_version_stays(tmp_path, monkeypatch):
    """A disk fills at night; the morning must find yesterday's results and a sentence."""
    store.write_tables(tmp_path, tables(1.0))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.write_tables(tmp_path, tables(2.0))
    monkeypatch.undo()
    assert values(tmp_path) == [1.0]
    assert not list(tmp_path.glob(".tmp_*"))


def test_a_folder_that_refuses_is_a_storage_error(tmp_path):
    """A file where a folder should be stands for every refusal, also for tests that run as root."""
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(StorageError, match="store"):
        store.write_tables(tmp_path / "store" / "raw", tables(1.0))


def test_a_damaged_table_is_refused(tmp_path):
    """Parquet has no checksum of the whole file: the manifest does."""
    store.write_tables(tmp_path, tables(1.0))
    path = store.table_files(tmp_path)["numbers"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageError, match="damaged"):
        store.read_tables(tmp_path)


def test_what_was_never_stored_is_named(tmp_path):
    """Somebody starts a later hop alone in a new state folder."""
    with pytest.raises(StorageError, match="run the hop before"):
        store.read_tables(tmp_path / "accepted")


def test_a_damaged_manifest_is_named(tmp_path):
    """It is the one file people might edit."""
    store.write_tables(tmp_path, tables(1.0))
    (tmp_path / "manifest.json").write_text(json.dumps({"tables": {}}))
    with pytest.raises(StorageError, match="damaged"):
        store.read_tables(tmp_path)
