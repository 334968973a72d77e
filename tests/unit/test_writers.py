"""Written files, opened again with another reader than ours: labels, codes, dates, and the same bytes."""

import datetime as dt
import errno
import os
import time
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from data_contracts.errors import StorageError
from data_contracts.spec import Column
from data_contracts.writers.atomic import write_atomically
from data_contracts.writers.csv import csv_bytes
from data_contracts.writers.sav import sav_bytes, write_sav

COLUMNS = (
    Column(name="participant", source="pid", type="text", label="Participant"),
    Column(name="seen", source="seen_dt", type="date", label="Seen on", format="%d/%m/%Y"),
    Column(name="hours", type="number", label="Hours", missing={"-99": "not recorded"}),
    Column(name="sex", type="category", labels={"1": "Female", "2": "Male"}, missing={"999": "not asked"}),
    Column(name="kind", type="category", labels={"a": "Admission", "o": "Other"}),
    Column(name="item", type="integer", labels={"1": "Never", "2": "Always"}, missing={"88": "declined"}),
)
FRAME = pd.DataFrame({
    "pid": ["P001", "P002", None],
    "seen_dt": pd.to_datetime(["2016-03-01", "1999-12-31", None]),
    "hours": [2.25, -99.0, None],
    "sex": [1.0, 999.0, 2.0],
    "kind": ["a", "o", None],
    "item": [1.0, 88.0, None],
})  # fmt: skip
SPSS_EPOCH = dt.date(1582, 10, 14)


@pytest.fixture
def opened(tmp_path):
    """The frame as pyreadstat reads it back, nothing converted."""
    write_sav(tmp_path / "f.sav", FRAME, COLUMNS, "A form")
    return pyreadstat.read_sav(tmp_path / "f.sav", user_missing=True, disable_datetime_conversion=True)


def test_a_sav_file_keeps_variable_and_value_labels(opened):
    """A code without its label is a number that nobody can read."""
    _, meta = opened
    assert meta.column_names_to_labels["pid"] == "Participant"
    assert meta.variable_value_labels["sex"] == {1.0: "Female", 2.0: "Male", 999.0: "not asked"}
    assert meta.variable_value_labels["kind"] == {"a": "Admission", "o": "Other"}
    assert meta.file_label == "A form"


def test_a_sav_file_declares_its_missing_codes_and_keeps_them_as_values(opened):
    """Real exports hold the code; the reader must learn from the declaration what it means."""
    frame, meta = opened
    assert meta.missing_ranges == {
        "hours": [{"lo": -99.0, "hi": -99.0}],
        "sex": [{"lo": 999.0, "hi": 999.0}],
        "item": [{"lo": 88.0, "hi": 88.0}],
    }
    assert frame["hours"].tolist()[:2] == [2.25, -99.0]


def test_a_date_is_a_real_spss_date(opened):
    """Seconds since 1582 with a date format, as SPSS itself writes it; text would not sort."""
    frame, meta = opened
    assert meta.original_variable_types["seen_dt"] == "DATE11"
    expected = (dt.date(2016, 3, 1) - SPSS_EPOCH).days * 86_400
    assert frame["seen_dt"].iloc[0] == expected


def test_absent_values_are_blank_text_and_system_missing_numbers(opened):
    """SPSS has no missing text."""
    last = opened[0].iloc[2]
    assert (last["pid"], last["kind"]) == ("", "")
    assert last[["seen_dt", "hours", "item"]].isna().all()


def test_the_same_frame_gives_the_same_bytes_at_another_time(monkeypatch):
    """A nightly run compares hashes; a .sav header carries the second of its creation."""
    first = sav_bytes(FRAME, COLUMNS)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert sav_bytes(FRAME, COLUMNS) == first
    finally:
        monkeypatch.undo()
        time.tzset()
    assert b"01 Jan 2000:00:00" in first[:176]


def test_a_frame_of_no_rows_is_written(tmp_path):
    """A form may be empty on the first night."""
    write_sav(tmp_path / "f.sav", FRAME.iloc[:0], COLUMNS)
    frame, _ = pyreadstat.read_sav(tmp_path / "f.sav", user_missing=True)
    assert frame.shape == (0, len(COLUMNS))


def test_a_csv_file_has_declared_dates_whole_numbers_and_blanks():
    """Whole numbers have no decimal point and dates the unit's own format, as in real exports."""
    lines = csv_bytes(FRAME, COLUMNS).decode().split("\n")
    assert lines == [
        "pid,seen_dt,hours,sex,kind,item",
        "P001,01/03/2016,2.25,1,a,1",
        "P002,31/12/1999,-99,999,o,88",
        ",,,2,,",
        "",
    ]


def test_a_csv_field_that_holds_the_delimiter_is_quoted():
    """Else every later column shifts by one."""
    frame = pd.DataFrame({"pid": ['a;"b"']})
    assert csv_bytes(frame, COLUMNS[:1], delimiter=";").decode() == 'pid\n"a;""b"""\n'


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    """A disk that fills halfway must not cost the last good file."""
    path = tmp_path / "f.csv"
    write_atomically(path, b"old")

    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="Free some space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.csv"]


def test_a_folder_that_can_not_be_made_is_a_storage_error(tmp_path):
    """One sentence and exit code 7, not a traceback."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"f\.csv can't be written"):
        write_atomically(Path(tmp_path / "file" / "f.csv"), b"x")
