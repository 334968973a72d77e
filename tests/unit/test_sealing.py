"""A plain hash of the randomisation list would let anybody try allocations until one fits."""

import hashlib
from datetime import UTC, datetime

import pytest

from assets.landing import in_the_open
from data_contracts.load import find_trial, load_trial
from data_contracts.operations import Blinding
from data_contracts.sealing import SEALED
from pipelines.custody import Custody
from pipelines.deliveries import read_deliveries
from pipelines.retention import _of_runs

KEY = b"k" * 32
TRUE = hashlib.sha256(b"P1,SRT\n").hexdigest()
OTHER = hashlib.sha256(b"P1,16\n").hexdigest()


@pytest.fixture
def blind():
    return load_trial(find_trial("demo")).model_copy(update={"blinding": Blinding()})


def _receipt():
    files = {
        "allocation": {
            "name": "allocation.csv",
            "sha256": TRUE,
            "size": 7,
            "modified": "2026-01-01T00:00:00+00:00",
        },
        "questionnaires": {
            "name": "questionnaires.csv",
            "sha256": OTHER,
            "size": 6,
            "modified": "2026-01-01T00:00:00+00:00",
        },
    }
    return {"files": files, "data_hash": "of the plain ones"}


def test_the_hash_of_a_file_that_tells_the_arms_is_keyed(blind):
    """The allocation, and what only the therapy arm has; the others keep theirs."""
    found = in_the_open(_receipt(), blind, lambda: KEY)
    assert found["files"]["allocation"]["sha256"].startswith(SEALED)
    assert TRUE not in str(found)
    assert found["files"]["questionnaires"]["sha256"] == OTHER
    assert found["data_hash"] != in_the_open(_receipt(), blind, lambda: b"other")["data_hash"]
    assert found == in_the_open(_receipt(), blind, lambda: KEY)


def test_a_trial_that_is_declared_open_keeps_plain_hashes(blind):
    trial = load_trial(find_trial("demo"))
    assert in_the_open(_receipt(), trial, lambda: KEY)["files"] == _receipt()["files"]


def test_custody_finds_the_copy_and_keeps_it(blind, tmp_path):
    """By the sealed name alone; retention knows the night by its sealed data hash."""
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "allocation.csv").write_bytes(b"P1,SRT\n")
    (landing / "questionnaires.csv").write_bytes(b"P1,16\n")
    custody = Custody(tmp_path / "custody", "demo", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    shown = in_the_open(_receipt(), blind, lambda: KEY)
    known = {form: file["sha256"] for form, file in shown["files"].items()}
    custody.keep(landing, _receipt()["files"], "run 1", verify=True, known=known)
    received = custody.received(shown["files"])
    assert received["allocation"].path.read_bytes() == b"P1,SRT\n"
    needed = list(_of_runs(read_deliveries(custody.folder), {shown["data_hash"]}))
    assert needed == [{TRUE, OTHER}]
