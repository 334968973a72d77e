"""Claims about Stata and SAS files. Not here: SPSS (test_read_sav)."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.readers.raw import moment_of
from data_contracts.readers.stata_sas import _sas_clock, _stata_clock
from data_contracts.readers.vouched import Vouched
from data_contracts.spec import Trial

PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": code, "month": 0} for code in ("pre", "m9")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
FRAME = pd.DataFrame(
    {
        "id": ["0001", "0002", "Zoë"],
        "score": [1.5, np.nan, -3.0],
        "seen": [date(2020, 2, 29), None, date(9999, 12, 31)],
        "at": [pd.Timestamp("2020-02-29 23:59:58"), None, None],
    }
)
TYPES = {"id": "text", "score": "number", "seen": "date", "at": "date"}
WRITERS = {
    "dta": pyreadstat.write_dta,
    "por": pyreadstat.write_por,
    "xpt": pyreadstat.write_xport,
}


def read(folder: Path, format_: str, types: dict[str, str], rows: int | None = None, **form: Any) -> ReadForm:
    """Return a form of one file, with a manifest's number of rows if one is given."""
    columns = {name: {"type": kind} for name, kind in types.items()}
    shared = {"label": "", "kind": "visits", "file": f"form.{format_}", "format": format_, "key": []}
    forms = {"form": {**shared, "columns": columns, **form}}
    trial = Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": forms, **EMPTY})
    sha256 = hashlib.sha256((folder / f"form.{format_}").read_bytes()).hexdigest()
    return read_trial(folder, trial, {"form": Vouched(sha256, rows)})["form"]


@pytest.mark.parametrize("format_", WRITERS)
def test_values_and_dates_come_through_every_format(tmp_path: Path, format_: str) -> None:
    """Stata counts milliseconds and SAS days from 1960, SPSS seconds from 1582; the dates are the same."""
    WRITERS[format_](
        FRAME if format_ == "dta" else FRAME.replace("Zoë", "Zoe"), str(tmp_path / f"form.{format_}")
    )
    form = read(tmp_path, format_, TYPES, rows=3)
    assert form.values["id"].tolist()[:2] == ["0001", "0002"]
    assert form.values["id"].tolist()[2] == ("Zoë" if format_ == "dta" else "Zoe")
    assert form.values["score"].tolist()[::2] == [1.5, -3.0]
    assert form.values["seen"].astype("str").tolist()[::2] == ["2020-02-29", "9999-12-31"]
    assert form.values["at"].tolist()[0] == pd.Timestamp("2020-02-29 23:59:58")
    assert form.values[["score", "seen", "at"]].loc[2].isna().all()
    assert form.unreadable.empty


def test_stata_s_own_missing_codes_are_reasons(tmp_path: Path) -> None:
    """.a to .z say why, and their labels say it in words."""
    frame = pd.DataFrame({"x": pd.Series([1.0, "a", "b"], dtype=object), "k": [1.0, 2.0, 3.0]})
    labels = {"x": {"a": "refused"}, "k": {1: "one"}}
    path = str(tmp_path / "form.dta")
    pyreadstat.write_dta(frame, path, missing_user_values={"x": ["a", "b"]}, variable_value_labels=labels)
    form = read(tmp_path, "dta", {"x": "number", "k": "integer"})
    assert form.values["x"].tolist()[0] == 1.0
    assert form.values["x"].isna().tolist() == [False, True, True]
    assert form.reasons["x"].tolist()[1:] == [
        "declared missing in the file: refused",
        "declared missing in the file: .b",
    ]
    assert form.value_labels == {"x": {".a": "refused"}, "k": {"1": "one"}}


def test_the_contract_s_words_for_a_stata_code_win(tmp_path: Path) -> None:
    """The plan is signed; a label is whatever its author typed."""
    frame = pd.DataFrame({"x": pd.Series([1.0, "a"], dtype=object)})
    pyreadstat.write_dta(frame, str(tmp_path / "form.dta"), missing_user_values={"x": ["a"]})
    columns = {"x": {"type": "number", "missing": {".a": "did not want to say"}}}
    form = read(tmp_path, "dta", {}, columns=columns)
    assert form.reasons["x"].tolist()[1] == "did not want to say"


def test_a_transport_file_needs_a_manifest_for_its_number_of_records(tmp_path: Path) -> None:
    """It states none, so a cut one is not seen."""
    pyreadstat.write_xport(FRAME.replace("Zoë", "Zoe"), str(tmp_path / "form.xpt"))
    with pytest.raises(ReadError, match="does not state its number of records"):
        read(tmp_path, "xpt", TYPES)
    with pytest.raises(ReadError, match="found 3 records, expected 4"):
        read(tmp_path, "xpt", TYPES, rows=4)


@pytest.mark.parametrize("format_", WRITERS)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_a_cut_file_is_refused(tmp_path: Path, format_: str, share: float) -> None:
    """Wherever a copy broke off, its beginning must not pass for the whole."""
    path = tmp_path / f"form.{format_}"
    WRITERS[format_](pd.DataFrame({"id": [f"{n:04}" for n in range(500)]}), str(path))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ReadError):
        read(tmp_path, format_, {"id": "text"}, rows=500)


@pytest.mark.parametrize("format_", ["dta", "sas7bdat", "xpt", "por"])
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"id,score\n1,2\n", "text, as in a CSV"),
        (b"PK\x03\x04..", "an Excel workbook"),
    ],
)
def test_what_is_another_format_gives_one_sentence(
    tmp_path: Path, format_: str, data: bytes, found: str
) -> None:
    """The library's own words for it speak of its insides."""
    (tmp_path / f"form.{format_}").write_bytes(data)
    with pytest.raises(ReadError, match=f"found {found}"):
        read(tmp_path, format_, {"id": "text"})


@pytest.mark.parametrize(
    ("format_", "value", "day"),
    [
        ("%td", 21974, "2020-02-29"),
        ("%tdCCYY-NN-DD", 21974, "2020-02-29"),
        ("%-tdD_m_Y", 21974, "2020-02-29"),
        ("%d", 21974, "2020-02-29"),
        ("%tc", 21974 * 86_400_000.0, "2020-02-29"),
        ("%tm", 721, "2020-02-01"),
        ("%tq", 241, "2020-04-01"),
        ("%th", 121, "2020-07-01"),
        ("%tw", 3121, "2020-01-08"),
        ("%tm", -1, "1959-12-01"),
    ],
)
def test_stata_s_calendars_are_understood(format_: str, value: float, day: str) -> None:
    """Each display format counts another unit from 1960."""
    seconds, kind = _stata_clock(format_)(np.array([value, np.nan]))
    assert str(moment_of(seconds[0]))[:10] == day
    assert np.isnan(seconds[1])
    assert kind in {"date", "month"}


@pytest.mark.parametrize(
    ("format_", "value", "kind", "seconds"),
    [
        ("DATE9", 21974, "date", 21974 * 86_400 + 11_903_760_000),
        ("YYMMDDN8", 21974, "date", 21974 * 86_400 + 11_903_760_000),
        ("E8601DA10", 21974, "date", 21974 * 86_400 + 11_903_760_000),
        ("DATETIME20", 86_400, "date", 86_400 + 11_903_760_000),
        ("TIME8", 108_000, "duration", 108_000),
        ("BEST12", 7, "number", 7),
        ("", 7, "number", 7),
    ],
)
def test_sas_s_calendars_are_understood(format_: str, value: float, kind: str, seconds: float) -> None:
    """Days, seconds since 1960, seconds of a day: the format alone tells which."""
    found, what = _sas_clock(format_)(np.array([float(value)]))
    assert (what, found[0]) == (kind, seconds)
