"""Damaged CSV files: cut at every byte, or with bytes changed. Not here: SPSS and other binary files."""

import hashlib
import random
from pathlib import Path

import pytest

from data_contracts.errors import ReadError
from data_contracts.readers import read_trial
from data_contracts.readers.delimited import read_csv
from data_contracts.readers.vouched import Vouched
from data_contracts.spec import Form, Trial

FILES = {
    "plain": "id,visit,score\n001,pre,12.5\n002,m9,7\n003,m15,\n",
    "quoted": 'id,note\n001,"said ""no"", twice"\n002,"two\nlines, and\r\nthree"\n003,""\n004,"x"\n',
    "windows": "id,seen,score\r\n001,2021-03-04,1\r\n002,2021-03-05,-99\r\n",
    "accents": "\ufeffid,site\n001,Zürich\n002,Łódź\n003,\u201equoted\u201c\n",
    "bare": 'id,height,note\n001,5",f("a")\n002,6","a, b"\n003,,"x"\n',
    "all quoted": '"id","a","b"\n"1","x","y"\n"2",",",""""\n"3","","z"\n',
}
COLUMNS = {"id": {"type": "text"}}
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
TELLING = b'",\n\r;\t\0 =\xff\xc3\xe2'  # bytes that mean something to a reader


def rows_of(data: bytes) -> int | None:
    """Return how many records are read; none when the file is refused. Any other exception is a failure."""
    form = Form(name="f", label="", kind="visits", file="f.csv", format="csv", key=(), columns={})
    try:
        return read_csv(data, form, "f.csv").n_rows
    except ReadError:
        return None


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_cut_anywhere_but_behind_a_record_is_refused(name: str) -> None:
    """Behind one it is a whole file of fewer records, which only its manifest can tell."""
    data = FILES[name].encode()
    whole = rows_of(data)
    assert whole is not None
    read = {at: rows for at in range(len(data)) if (rows := rows_of(data[:at])) is not None}
    assert sorted(read.values()) == list(range(whole))
    assert all(data[at - 1 : at] == b"\n" for at in read)


def test_a_file_cut_behind_a_record_is_refused_by_its_manifest(tmp_path: Path) -> None:
    """The manifest says how many records there are, or only which bytes."""
    form = {"label": "", "kind": "visits", "file": "f.csv", "format": "csv", "key": [], "columns": COLUMNS}
    trial = Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"f": form}, **EMPTY})
    data = FILES["plain"].encode()
    cut = data[: data.index(b"003")]
    (tmp_path / "f.csv").write_bytes(cut)
    for vouched in (Vouched(hashlib.sha256(cut).hexdigest(), 3), Vouched(hashlib.sha256(data).hexdigest())):
        with pytest.raises(ReadError, match="manifest"):
            read_trial(tmp_path, trial, {"f": vouched})


def mutants(data: bytes, rng: random.Random, n: int) -> list[bytes]:
    """Return copies of a file, each with one byte changed: to any other, or to one that a reader minds."""
    found = []
    for _ in range(n):
        at = rng.randrange(len(data))
        byte = rng.choice(TELLING) if rng.random() < 0.5 else rng.randrange(256)
        found.append(data[:at] + bytes([byte]) + data[at + 1 :])
    return found


@pytest.mark.parametrize("n", [150, pytest.param(2000, marks=pytest.mark.slow)], ids=["some", "many"])
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_loses_no_record_without_a_word(name: str, n: int) -> None:
    """It may change a value, which only the manifest's hash can tell; every record is there, or none."""
    data = FILES[name].encode()
    whole = rows_of(data)
    assert whole is not None
    read = [
        rows for mutant in mutants(data, random.Random(20251123), n) if (rows := rows_of(mutant)) is not None
    ]
    assert read
    assert min(read) >= whole
