"""An SPSS file gives back everything that was written into it; its numbers, what the library reads."""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.readers.raw import EPOCH, code_of, moment_of
from data_contracts.readers.sav_numbers import read_layout, read_numbers
from data_contracts.spec import Trial

CORPUS = Path(__file__).parent.parent / "reference" / "corpus" / "sav"
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
patient = settings(deadline=None, max_examples=60)  # files are written; a busy machine may do it slowly

LABEL = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P"), include_characters=" "), max_size=20
).map(str.strip)
CODES = st.integers(-99, 99).map(float)
ROWS = st.integers(1, 30)
NUMBER = st.none() | st.integers(-120, 300).map(float) | st.floats()
MIXED = st.lists(st.tuples(NUMBER, st.text("aé '\"", max_size=30)), min_size=1, max_size=40)
REFUSED = {"empty", "csv", "raw_oddnames", "raw_dupnames", "raw_duplong"}  # by the library, or warned of
MISCOUNTED = {"raw_ncases_0", "raw_ncases_2", "raw_ncases_10"}  # the library believes the wrong count
READABLE = [path for path in sorted(CORPUS.glob("*.sav")) if path.stem not in REFUSED | MISCOUNTED]
FORMATS = {"zsav": {"compress": True}, "packed": {"row_compress": True}, "plain": {}}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a numeric variable: its cells, labels, missing codes and measurement level."""
    cells = draw(st.lists(st.none() | CODES | st.floats(-1e300, 1e300), min_size=8, max_size=8))
    missing = draw(
        st.lists(CODES, max_size=3, unique=True) | CODES.map(lambda high: [{"lo": -np.inf, "hi": high}])
    )
    return {
        "cells": cells,
        "label": draw(LABEL),
        "labels": draw(st.dictionaries(CODES, LABEL.filter(bool), max_size=4)),
        "missing": missing,
        "measure": draw(st.sampled_from(["nominal", "ordinal", "scale"])),
    }


TABLES = st.lists(columns(), min_size=1, max_size=4)
SECONDS = st.integers(86_400, 265_621_679_999)


def read(data: bytes, types: dict[str, str]) -> ReadForm:
    """Return the form of one SPSS file."""
    form = {"label": "", "kind": "visits", "file": "form.sav", "format": "sav", "key": []}
    form["columns"] = {name: {"type": kind} for name, kind in types.items()}  # type: ignore[assignment]
    trial = Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY})
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "form.sav").write_bytes(data)
        return read_trial(Path(folder), trial)["form"]


def written(frame: pd.DataFrame, **how: Any) -> bytes:
    """Return an SPSS file's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.sav"
        pyreadstat.write_sav(frame, path, **how)
        return path.read_bytes()


def is_missing(cell: float, missing: list[Any]) -> bool:
    """Return whether a code is declared missing."""
    return any(
        code["lo"] <= cell <= code["hi"] if isinstance(code, dict) else cell == code for code in missing
    )


@patient
@given(TABLES, st.sampled_from(sorted(FORMATS)))
def test_values_labels_and_missing_codes_come_back(table: list[dict[str, Any]], how: str) -> None:
    """However the file is stored: the code as the reason, its label in words, the rest as it was."""
    named = {f"v{k}": one for k, one in enumerate(table)}
    data = written(
        pd.DataFrame({name: pd.Series(one["cells"], dtype=float) for name, one in named.items()}),
        column_labels={name: one["label"] for name, one in named.items()},
        variable_value_labels={name: one["labels"] for name, one in named.items() if one["labels"]},
        missing_ranges={name: one["missing"] for name, one in named.items() if one["missing"]},
        variable_measure={name: one["measure"] for name, one in named.items()},
        **FORMATS[how],
    )
    form = read(data, dict.fromkeys(named, "number"))
    assert len(form.values) == 8
    for name, one in named.items():
        kept = [None if c is None or is_missing(c, one["missing"]) else c for c in one["cells"]]
        assert [None if np.isnan(c) else c for c in form.values[name].tolist()] == kept
        assert [reason for reason in form.reasons[name] if not pd.isna(reason)] == [
            f"declared missing in the file: {one['labels'].get(c, code_of(c))}"
            for c in one["cells"]
            if c is not None and is_missing(c, one["missing"])
        ]
        assert form.value_labels.get(name, {}) == {code_of(c): text for c, text in one["labels"].items()}
        assert form.variable_labels.get(name, "") == one["label"]
        assert form.measures[name] == one["measure"]
        assert len(form.declared_missing.get(name, ())) == len(one["missing"])


@patient
@given(st.lists(st.none() | SECONDS, min_size=1, max_size=20), st.sampled_from(sorted(FORMATS)))
def test_dates_and_durations_come_back_to_the_second(cells: list[int | None], how: str) -> None:
    """From the calendar's first day to its last; a duration of as many seconds stays one."""
    frame = pd.DataFrame({name: pd.Series(cells, dtype=float) for name in ("day", "time")})
    data = written(frame, variable_format={"day": "DATETIME20", "time": "TIME8"}, **FORMATS[how])
    form = read(data, {"day": "date", "time": "number"})
    expected = [None if cell is None else moment_of(cell) for cell in cells]
    found = [
        None if np.isnat(day) else EPOCH + (day - np.datetime64(EPOCH)).astype(object)
        for day in form.values["day"].to_numpy()
    ]
    assert found == expected
    assert form.values["time"].dropna().tolist() == [cell for cell in cells if cell is not None]
    assert form.unreadable.empty


@patient
@given(rows=MIXED, packed=st.booleans())
def test_numbers_read_from_the_bytes_are_the_library_s(rows: list[tuple[Any, str]], *, packed: bool) -> None:
    """The two roads agree on each cell, infinite and absent ones too, with text of any length between."""
    numbers = pd.Series([number for number, _ in rows], dtype=float)
    frame = pd.DataFrame({"a": numbers, "text": [text for _, text in rows], "b": numbers * 2})
    assert_same(written(frame, row_compress=packed))


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_the_corpus_s_numbers_are_the_library_s(path: Path) -> None:
    """Written by PSPP, by R and by hand."""
    assert_same(path.read_bytes(), "windows-1252" if "1252" in path.stem else None)


def assert_same(data: bytes, encoding: str | None = None) -> None:
    """Assert that the numbers read from the bytes are those that the library reads."""
    layout = read_layout(data)
    assert layout is not None
    found = read_numbers(data, layout)
    assert found is not None
    cells, meta = pyreadstat.read_sav(
        io.BytesIO(data),
        output_format="dict",
        user_missing=True,
        disable_datetime_conversion=True,
        encoding=encoding,
    )
    numeric = [name for name, kind in meta.readstat_variable_types.items() if kind != "string"]
    expected = np.array([np.array(cells[name], dtype=float) for name in numeric]).reshape(
        len(numeric), found.n_rows
    )
    np.testing.assert_array_equal(found.columns, expected)
