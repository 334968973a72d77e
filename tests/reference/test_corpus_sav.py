"""SPSS files written by PSPP, R's haven and by hand, each held against what its manifest says should happen.

Not here: files that crash the parser or exhaust memory; they need a reader in a child process.
"""

import csv
import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import read_trial
from data_contracts.spec import Trial

CORPUS = Path(__file__).parent / "corpus"
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": "A", "label": "", "values": ["1"]}, {"code": "B", "label": "", "values": ["2"]}]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "post")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
OPEN = {"privacy": {"not_personal": ["form.dob"]}}  # nobody was born on these days
PSPP = {
    "subjid": "text",
    "arm": "category",
    "sex": "category",
    "age": "integer",
    "score": "number",
    "ae": "category",
    "dob": "date",
    "visdt": "date",
    "tm": "number",
    "site": "text",
}
HAVEN = {
    "subjid": "text",
    "sex": "category",
    "score": "number",
    "site": "text",
    "dob": "date",
    "dt": "date",
} | {
    "tm": "number",
    "fac": "category",
    "logi": "integer",
    "long": "text",
    "int": "integer",
}
LONG_TEXT = {"id": "integer", "narr": "text", "s255": "text", "s256": "text"}


def read(name: str, types: dict[str, str], **settings: Any) -> ReadForm:
    """Return a file of the corpus; columns are named as in the file, in lower case."""
    columns = {c: {"type": kind, "source": "logi.x" if c == "logi" else c} for c, kind in types.items()}
    form = {
        "label": "",
        "kind": "visits",
        "file": name,
        "format": "sav",
        "key": [],
        "columns": columns,
        **settings,
    }
    trial = Trial.model_validate(
        {**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY, **OPEN}
    )
    return read_trial(CORPUS, trial)["form"]


def assert_same(one: ReadForm, other: ReadForm) -> None:
    """Assert that two files hold the same values and reasons."""
    pd.testing.assert_frame_equal(one.values, other.values)
    pd.testing.assert_frame_equal(one.reasons, other.reasons)


def test_the_corpus_is_the_one_its_manifest_describes() -> None:
    """A line end changed by git would turn one hazard into another."""
    with (CORPUS / "manifest.csv").open(newline="") as file:
        listed = {row["name"]: row["sha256"] for row in csv.DictReader(file)}
    found = {
        f.relative_to(CORPUS).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in CORPUS.glob("*/*")
    }
    assert found == listed


def test_pspp_s_file_keeps_reasons_durations_and_codes_that_share_a_label() -> None:
    """Five of the ways in which a plain read is silently wrong, in one file."""
    form = read("sav/pspp_utf8.sav", PSPP)
    assert form.values.shape == (5, 10)
    assert form.reasons.loc[3, "sex"] == "declared missing in the file: Not recorded"
    assert form.reasons["age"].dropna().to_dict() == {2: "declared missing in the file: -99"}
    assert form.reasons["score"].dropna().index.tolist() == [2, 4]
    assert form.reasons.loc[4, "site"] == "declared missing in the file: NA"
    assert form.values["tm"].tolist()[:4] == [37_230, 0, 86_399, 108_000]
    assert form.values["ae"].tolist()[:2] == ["1", "2"]
    assert form.value_labels["ae"]["1"] == form.value_labels["ae"]["2"] == "Yes"
    assert form.values["arm"].tolist()[:2] == ["A", "B"]
    assert form.values["dob"].astype("str").tolist()[:4] == [
        "1960-01-01",
        "1899-12-31",
        "1582-10-15",
        "9999-12-31",
    ]
    assert form.values["subjid"].tolist()[:4] == ["0001", "0002", "0003", "0004"]
    assert form.values.loc[5].isna().all()
    assert form.unreadable.empty


@pytest.mark.parametrize("name", ["sav/pspp_uncompressed.sav", "sav/pspp_z.zsav"])
def test_compression_changes_nothing(name: str) -> None:
    """The same data, stored three ways."""
    assert_same(read(name, PSPP), read("sav/pspp_utf8.sav", PSPP))


@pytest.mark.parametrize("name", ["sav/pspp_longstr.sav", "sav/pspp_longstr.zsav"])
def test_long_text_is_whole(name: str) -> None:
    """SPSS stores it in pieces of 255 bytes."""
    form = read(name, LONG_TEXT)
    assert form.values[["s255", "s256", "narr"]].loc[1].str.len().tolist() == [255, 256, 1000]


def test_haven_s_file_keeps_hours_beyond_a_day() -> None:
    """R writes hms 25:00:00; a clock has no such time."""
    form = read("sav/haven.sav", HAVEN)
    assert form.values.shape == (4, 11)
    assert form.values["tm"].tolist()[:3] == [3600, 86_399, 90_000]
    assert form.values["long"].str.len().max() == 2000
    assert_same(read("sav/haven.zsav", HAVEN), form)


def test_a_file_of_no_records_is_an_error_unless_allowed() -> None:
    """A failed export looks like this; the types are still the contract's."""
    with pytest.raises(ReadError, match="no records"):
        read("sav/haven_0row.sav", HAVEN)
    empty = read("sav/haven_0row.sav", HAVEN, may_be_empty=True)
    assert empty.values.dtypes.equals(read("sav/haven.sav", HAVEN).values.dtypes)


def test_a_trial_s_compressed_file_is_whole() -> None:
    """100 participants at four visits; -99 is declared missing."""
    form = read("sav/trial.zsav", {"subjid": "text", "visit": "category", "score": "number", "visdt": "date"})
    assert len(form.values) == 400
    assert form.values["score"].min() > -99
    assert set(form.reasons["score"].dropna()) == {"declared missing in the file: -99"}


@pytest.mark.parametrize("name", ["pspp_cp1252", "raw_be", "raw_cp1252", "raw_cp1252_int"])
def test_accents_survive_every_declared_encoding(name: str) -> None:
    """Each file declares its code page elsewhere, and one is big-endian."""
    assert read(f"sav/{name}.sav", {"site": "text"}).values["site"].tolist()[:2] == ["München", "Orléans"]


@pytest.mark.parametrize("name", ["raw_cp1252_none", "raw_cp1252_as_utf8"])
def test_an_undeclared_encoding_is_refused_until_the_contract_gives_it(name: str) -> None:
    """A guess would garble names without a word."""
    with pytest.raises(ReadError, match="Set the form's `encoding`"):
        read(f"sav/{name}.sav", {"site": "text"})
    form = read(f"sav/{name}.sav", {"site": "text"}, encoding="windows-1252")
    assert form.values["site"].tolist()[0] == "München"


def test_a_wrongly_declared_encoding_is_noted() -> None:
    """UTF-8 declared as windows-1252 reads as garbled text without an error."""
    assert "accents are garbled" in read("sav/raw_utf8_as_cp1252.sav", {"site": "text"}).notes[0]


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("sav/raw_ncases_0.sav", 0),
        ("sav/raw_ncases_2.sav", 2),
        ("sav/raw_ncases_10.sav", 10),
        ("sav/raw_ncases_max.sav", 2**31 - 1),
        ("fuzz/silent_fewer_rows_zero_05ab2ccc6e_raw_be.sav", 0),
    ],
)
def test_a_file_that_holds_another_number_of_records_than_it_states_is_refused(
    name: str, stated: int
) -> None:
    """A plain read obeys a count that is too low, and forgives one that is too high."""
    with pytest.raises(ReadError, match=f"found 3 records, expected {stated}, which its header states"):
        read(name, {"id": "text"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raw_dupnames", "two variables named 'V'"),
        ("raw_duplong", "two variables named 'score'"),
        ("raw_casedup", "two columns named 'Score' and 'score'"),
        ("raw_oddnames", "a cut or damaged file"),
        ("empty", r"an empty file \(0 bytes\)"),
        ("csv", "text, as in a CSV"),
    ],
)
def test_a_file_that_can_not_be_trusted_is_refused(name: str, message: str) -> None:
    """Plain pyreadstat renames one of two equal names, and reads on."""
    with pytest.raises(ReadError, match=message):
        read(f"sav/{name}.sav", {"id": "text"})


@pytest.mark.parametrize("name", ["raw_date_year10000_D", "raw_date_1e300_DT", "raw_date_inf_DT"])
def test_one_impossible_date_costs_one_cell(name: str) -> None:
    """By default the whole file is lost to an OverflowError."""
    form = read(f"sav/{name}.sav", {"d": "date"})
    assert form.values["d"].isna().tolist() == [False, True]
    assert form.unreadable["row"].tolist() == [2]


def test_a_negative_duration_stays_negative() -> None:
    """Minus one second, not one second to midnight."""
    assert read("sav/raw_date_neg_small_T.sav", {"d": "number"}).values["d"].tolist()[1] == -1
