"""What is written comes back: through SPSS files, through CSV, and through the store's Parquet files."""

import csv
import json
import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.forms import ReadForm
from data_contracts.readers import forms_from_tables, forms_to_tables, read_trial
from data_contracts.spec import Trial
from data_contracts.tables import Tables

SPSS_EPOCH = datetime.combine(date(1582, 10, 14), time())
TYPES = {"participant": "text", "hours": "number", "answer": "integer", "when": "date", "group": "category"}
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}

LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P"), include_characters=" ;\"'")
TEXT = st.text(LETTERS, max_size=12).map(str.strip)
RECORD = st.tuples(
    TEXT.filter(bool),
    st.none() | st.floats(-1e300, 1e300),  # SPSS takes the largest floats for "highest" and "missing"
    st.none() | st.integers(-(2**53), 2**53),
    st.none() | st.dates(date(1582, 10, 15)).map(lambda day: datetime.combine(day, time())),
    st.none() | st.integers(0, 9),
)
RECORDS = st.lists(RECORD, min_size=1, max_size=8)
# Reading creates and removes a folder, which a busy machine may do slowly.
patient = settings(deadline=None, max_examples=60)


def trial_of(format_: str) -> Trial:
    """Return a trial with one form of every type, code 7 of `group` missing."""
    columns: dict[str, Any] = {name: {"type": kind} for name, kind in TYPES.items()}
    columns["group"]["missing"] = {"7": "refused"}
    form = {"label": "", "kind": "visits", "file": "form.*", "format": format_, "key": [], "columns": columns}
    return Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY})


def columns_of(records: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Return records as columns."""
    return dict(zip(TYPES, (list(column) for column in zip(*records, strict=True)), strict=True))


def read_sav(records: list[tuple[Any, ...]]) -> ReadForm:
    """Return the form after a way through an SPSS file."""
    columns = columns_of(records)
    columns["when"] = [
        None if day is None else (day - SPSS_EPOCH) / timedelta(seconds=1) for day in columns["when"]
    ]
    numbers = {name: pd.Series(columns[name], dtype=float) for name in ("hours", "answer", "when", "group")}
    frame = pd.DataFrame({"participant": columns["participant"], **numbers})
    with tempfile.TemporaryDirectory() as folder:
        pyreadstat.write_sav(frame, str(Path(folder) / "form.sav"), variable_format={"when": "DATE11"})
        return read_trial(Path(folder), trial_of("sav"))["form"]


def read_csv(records: list[tuple[Any, ...]]) -> ReadForm:
    """Return the form after a way through a CSV."""
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "form.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(TYPES)
            writer.writerows(
                [f"{v:%Y-%m-%d}" if isinstance(v, datetime) else v for v in record] for record in records
            )
        return read_trial(Path(folder), trial_of("csv"))["form"]


def assert_holds(form: ReadForm, records: list[tuple[Any, ...]]) -> None:
    """Assert that a form holds the records, value for value."""
    expected = columns_of(records)
    expected["group"] = [None if code in {None, 7} else str(code) for code in expected["group"]]
    for name, values in expected.items():
        found = [None if pd.isna(value) else value for value in form.values[name].tolist()]
        assert found == values, name
    refused = [row for row, record in enumerate(records, start=1) if record[4] == 7]
    assert form.reasons["group"].dropna().index.tolist() == refused
    assert form.unreadable.empty


@patient
@given(RECORDS)
def test_an_spss_file_gives_back_what_was_written(records: list[tuple[Any, ...]]) -> None:
    """Floats to the last bit, text to the last accent, dates to the year 9999."""
    assert_holds(read_sav(records), records)


@patient
@given(RECORDS)
def test_a_csv_gives_back_what_was_written(records: list[tuple[Any, ...]]) -> None:
    """Quotes and delimiters in text change nothing."""
    assert_holds(read_csv(records), records)


@patient
@given(RECORDS)
def test_the_store_gives_back_what_was_read(records: list[tuple[Any, ...]]) -> None:
    """Parquet keeps no seconds and no row names; the forms come back with both."""
    form = read_csv(records)
    tables = forms_to_tables({"form": form})
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in tables.frames.items():
            frame.to_parquet(Path(folder) / name)
        frames = {name: pd.read_parquet(Path(folder) / name) for name in tables.frames}
    back = forms_from_tables(Tables(frames, json.loads(json.dumps(tables.facts))))["form"]
    for kept in ("values", "reasons", "unreadable"):
        pd.testing.assert_frame_equal(getattr(back, kept), getattr(form, kept))
    assert back.source == form.source
    assert (back.absent_columns, back.unknown_columns, back.notes) == ((), (), form.notes)


@patient
@given(RECORDS, st.randoms())
def test_the_order_of_records_changes_no_record(records: list[tuple[Any, ...]], random: Any) -> None:
    """Each cell is judged by itself."""
    shuffled = records.copy()
    random.shuffle(shuffled)
    assert_holds(read_csv(shuffled), shuffled)
