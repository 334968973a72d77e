"""Every file of the corpus that a statistics program wrote, or a fuzzer, ends as its manifest says.

Not here: values cell by cell (test_corpus_sav), CSV (test_corpus_csv).
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.readers.parser import shared_parser
from data_contracts.spec import Trial

CORPUS = Path(__file__).parent / "corpus"
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": "A", "label": "", "values": ["1"]}, {"code": "B", "label": "", "values": ["2"]}]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
OPEN = {"privacy": {"not_personal": ["form.dob"]}}  # nobody was born on these days


@dataclass(frozen=True)
class Expected:
    """How a file ends: with so many rows, or refused; and words of its error, its notes or its flags."""

    rows: int | None  # None: refused
    words: str = ""
    types: str = "id text"


PSPP = "subjid text, arm category, sex category, age integer, score number, dob date, tm number, site text"
HAVEN = "subjid text, sex category, score number, site text, dob date, dt date, tm number, long text"
LONG = "id integer, s255 text, s256 text, narr text"
SCORES = "subjid text, visit category, score number"
SITES = "id text, site text"
CRASHED = Expected(None, "that crashes the library (signal ")
EXPECTED = {
    "sav/pspp_utf8.sav": Expected(5, types=PSPP),
    "sav/pspp_uncompressed.sav": Expected(5, types=PSPP),
    "sav/pspp_z.zsav": Expected(5, types=PSPP),
    "sav/pspp.por": Expected(5, "why they are missing is lost", PSPP),
    "sav/pspp_longstr.sav": Expected(2, types=LONG),
    "sav/pspp_longstr.zsav": Expected(2, types=LONG),
    "sav/pspp_longstr.por": Expected(2, "text of exactly 255 bytes", LONG),
    "sav/pspp_cp1252.sav": Expected(3, types=SITES),
    "sav/haven.sav": Expected(4, types=HAVEN),
    "sav/haven.zsav": Expected(4, types=HAVEN),
    "sav/haven_0row.sav": Expected(None, "no records", HAVEN),
    "sav/trial.sav": Expected(400, types=SCORES),
    "sav/trial.zsav": Expected(400, types=SCORES),
    "sav/trial.por": Expected(400, types=SCORES),
    "sav/raw_be.sav": Expected(3, types=SITES),
    "sav/raw_cp1252.sav": Expected(3, types=SITES),
    "sav/raw_cp1252_int.sav": Expected(3, types=SITES),
    "sav/raw_cp1252_none.sav": Expected(None, "no declared encoding"),
    "sav/raw_cp1252_as_utf8.sav": Expected(None, "not in the encoding the file declares"),
    "sav/raw_utf8_as_cp1252.sav": Expected(3, "accents are garbled", SITES),
    "sav/raw_enc_unknown.sav": Expected(3, "the encoding 'X-KLINGON', which nobody knows", SITES),
    "sav/raw_ncases_unknown.sav": Expected(None, "Deliver it with a manifest that says how many"),
    "sav/raw_ncases_10.sav": Expected(None, "found 3 records, expected 10"),
    "sav/raw_ncases_2.sav": Expected(None, "found 3 records, expected 2,"),
    "sav/raw_ncases_0.sav": Expected(None, "found 3 records, expected 0"),
    "sav/raw_ncases_max.sav": Expected(None, "found 3 records, expected 2147483647"),
    "sav/raw_dupnames.sav": Expected(None, "two variables named 'V'"),
    "sav/raw_duplong.sav": Expected(None, "two variables named 'score'"),
    "sav/raw_casedup.sav": Expected(None, "two columns named 'Score' and 'score'"),
    "sav/raw_oddnames.sav": Expected(None, "a cut or damaged file"),
    "sav/raw_infnan.sav": Expected(4, "this is infinite; this is the computer's own", "v number, w number"),
    "sav/raw_dates.sav": Expected(
        3, "moyr: the file keeps months", "d date, dt date, t number, dtime number, moyr date, qyr text"
    ),
    "sav/raw_date_year10000_D.sav": Expected(2, "up to the year 9999", "d date"),
    "sav/raw_date_1e300_DT.sav": Expected(2, "up to the year 9999", "d date"),
    "sav/raw_date_inf_DT.sav": Expected(2, "up to the year 9999", "d date"),
    "sav/raw_date_neg_small_T.sav": Expected(2, types="d number"),
    "sav/raw_vlab.sav": Expected(4, types="v category"),
    "sav/p_ord.sav": Expected(6, types="sev category"),
    "sav/empty.sav": Expected(None, "an empty file (0 bytes)"),
    "sav/csv.sav": Expected(None, "text, as in a CSV"),
    "fuzz/crash_bit_2e5984b47c_pspp_uncompressed.sav": CRASHED,
    "fuzz/crash_bit_4a4297a51e_haven.zsav": CRASHED,
    "fuzz/crash_bit_8ca47910b0_pspp_uncompressed.sav": CRASHED,
    "fuzz/crash_hdrint_0a23541a54_pspp_uncompressed.sav": CRASHED,
    "fuzz/crash_hdrint_14ed216b0d_pspp_z.zsav": CRASHED,
    "fuzz/crash_del_0bdc5c238e_pspp_utf8.sav": CRASHED,
    "fuzz/oom_byte_0f92578026_pspp_uncompressed.sav": Expected(None, "found 5 records, expected 4521989"),
    "fuzz/oom_int32_6709ff5a0c_raw_be.sav": Expected(None, "found 3 records, expected 117440512"),
    "fuzz/silent_fewer_rows_hdrint_a6609ae0b7_trial.sav": Expected(None, "found 400 records, expected 3,"),
    "fuzz/silent_fewer_rows_zero_05ab2ccc6e_raw_be.sav": Expected(None, "found 3 records, expected 0"),
}


def listed() -> list[str]:
    """Return the names in the manifest, CSV files apart."""
    with (CORPUS / "manifest.csv").open(newline="") as file:
        return [row["name"] for row in csv.DictReader(file) if not row["name"].startswith("csv/")]


def read(name: str, types: str) -> ReadForm:
    """Return a file of the corpus by a contract of the given columns."""
    columns = {c: {"type": kind} for c, kind in (one.split() for one in types.split(", "))}
    form: dict[str, Any] = {
        "label": "", "kind": "visits", "file": name, "format": "por" if name.endswith(".por") else "sav",
        "key": [], "columns": columns,
    }  # fmt: skip
    parts = {**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY}
    return read_trial(CORPUS, Trial.model_validate(parts | (OPEN if "dob" in columns else {})))["form"]


def test_each_file_of_the_manifest_has_its_ending() -> None:
    """A file without one would pass unseen."""
    assert sorted(EXPECTED) == sorted(listed())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_ends_as_its_manifest_says(name: str) -> None:
    """Rows in the file are rows in the form, or the file is refused in words; the parser's process lives."""
    expected = EXPECTED[name]
    if expected.rows is None:
        with pytest.raises(ReadError) as caught:
            read(name, expected.types)
        assert expected.words in str(caught.value)
    else:
        form = read(name, expected.types)
        flags = "; ".join([*form.notes, *(e.split("; ")[-1] for e in form.unreadable["expected"].unique())])
        assert len(form.values) == expected.rows
        assert not form.absent_columns
        assert all(words in flags for words in expected.words.split("; "))
    assert shared_parser().is_running


def test_packed_and_plain_files_hold_the_same() -> None:
    """The trial's three files were written from one table; the portable one alone knows no reasons."""
    plain, packed, portable = (read(f"sav/trial.{ending}", SCORES) for ending in ("sav", "zsav", "por"))
    assert plain.values.equals(packed.values)
    assert plain.values.equals(portable.values)
    assert plain.reasons.equals(packed.reasons)
    assert set(plain.reasons["score"].dropna()) == {"declared missing in the file: -99"}
    assert portable.reasons["score"].isna().all()


def test_quarters_and_months_are_months() -> None:
    """MOYR and QYR hold the seconds of some day; neither means that day."""
    form = read("sav/raw_dates.sav", "moyr text, qyr text, t number, dtime number, dt date")
    assert form.values["moyr"].tolist()[0] == form.values["qyr"].tolist()[0] == "1994-09"
    assert form.values["t"].tolist()[1] == 90_000
    assert form.values["dtime"].tolist()[1] == 1_000_000


def test_codes_that_share_a_label_stay_apart() -> None:
    """Labels 'Yes' on 1.0 and on 1.5; 3.0 has none and stays as it is."""
    form = read("sav/raw_vlab.sav", "v category")
    assert {"1", "1.5", "3"} <= set(form.values["v"].dropna())
    assert form.value_labels["v"]["1"] == form.value_labels["v"]["1.5"] == "Yes"
