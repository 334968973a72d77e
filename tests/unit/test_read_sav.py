"""Claims about reading SPSS files. Not here: the corpus of hazards (reference)."""

import hashlib
import struct
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.load import SHIPPED_TRIALS, load_trial
from data_contracts.readers import read_trial
from data_contracts.readers.vouched import Vouched
from data_contracts.spec import Trial

PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [
    {"code": "SRT", "label": "SRT", "values": ["1"]},
    {"code": "TAU", "label": "Usual care", "values": ["0"]},
]
VISITS = [{"code": code, "label": code, "month": 0} for code in ("pre", "m9")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
SECONDS_TO_1970 = 12_219_379_200  # from 14 October 1582, SPSS's first day


def trial_with(columns: dict[str, Any], **settings: Any) -> Trial:
    """Return a trial with one SPSS form."""
    shared = {
        "label": "",
        "kind": "visits",
        "file": "form.*av",
        "format": "sav",
        "key": ["v"],
        "columns": columns,
    }
    return Trial.model_validate(
        {**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": {**shared, **settings}}, **EMPTY}
    )


def read(
    folder: Path, values: list[Any], column: dict[str, Any], name: str = "v", **written: Any
) -> ReadForm:
    """Return a form with one column, written by pyreadstat."""
    pyreadstat.write_sav(pd.DataFrame({name: values}), str(folder / "form.sav"), **written)
    return read_trial(folder, trial_with({name: column}))["form"]


def test_codes_the_file_declares_missing_keep_their_label_as_reason(tmp_path: Path) -> None:
    """Plain `read_sav` blanks them and forgets which was refused and which not done."""
    labels = {"v": {8: "Refused", 1: "Yes"}}
    form = read(
        tmp_path,
        [1, 8, 9, None],
        {"type": "integer"},
        missing_ranges={"v": [8, 9]},
        variable_value_labels=labels,
    )
    assert form.values["v"].tolist()[0] == 1
    assert form.values["v"].isna().tolist() == [False, True, True, True]
    assert form.reasons["v"].tolist()[1:3] == [
        "declared missing in the file: Refused",
        "declared missing in the file: 9",
    ]
    assert pd.isna(form.reasons.loc[4, "v"])  # system-missing: no reason is known
    assert form.value_labels == {"v": {"1": "Yes", "8": "Refused"}}


def test_a_range_of_missing_codes_is_open_downwards(tmp_path: Path) -> None:
    """LO THRU -1 is how SPSS users declare every negative code at once."""
    ranges = {"v": [{"lo": float("-inf"), "hi": -1}]}
    form = read(tmp_path, [-99.0, -1.0, 0.0], {"type": "number"}, missing_ranges=ranges)
    assert form.values["v"].isna().tolist() == [True, True, False]


def test_the_contracts_reason_wins_over_the_files(tmp_path: Path) -> None:
    """The plan is signed; a label in a file is whatever its author typed."""
    column = {"type": "number", "missing": {"9": "not applicable", "-5": "lost"}}
    form = read(tmp_path, [9.0, -5.0, 1.0], column, missing_ranges={"v": [9]})
    assert form.reasons["v"].tolist()[:2] == ["not applicable", "lost"]


def test_numbers_become_codes_without_a_decimal_point(tmp_path: Path) -> None:
    """SPSS keeps 1 as 1.0; participant 1.0 would match no other form."""
    assert read(tmp_path, [1.0, 12.0], {"type": "text"}).values["v"].tolist() == ["1", "12"]
    assert read(tmp_path, [1.0, 1.5], {"type": "category"}).values["v"].tolist() == ["1", "1.5"]


def test_text_keeps_its_leading_zeros_and_blank_is_missing(tmp_path: Path) -> None:
    """A blank string passes a not-null test unless it is made missing."""
    values = read(tmp_path, ["0001", ""], {"type": "text"}).values["v"]
    assert values.tolist()[0] == "0001"
    assert values.isna().tolist() == [False, True]


def test_numeric_arms_take_the_plans_codes(tmp_path: Path) -> None:
    """SPSS exports code arms; the plan spells them."""
    assert read(tmp_path, [0.0, 1.0, 5.0], {"type": "category"}, "arm").values["arm"].tolist() == [
        "TAU",
        "SRT",
        "5",
    ]


def test_dates_are_converted_from_spsss_own_seconds(tmp_path: Path) -> None:
    """A date after the year 9999 costs one cell, not the file."""
    seconds = [SECONDS_TO_1970, SECONDS_TO_1970 + 86_400.0, 1e300, 5.0, None]
    form = read(tmp_path, seconds, {"type": "date"}, variable_format={"v": "DATE11"})
    assert form.values["v"].dtype == "datetime64[s]"
    assert form.values["v"].tolist()[:2] == [pd.Timestamp("1970-01-01"), pd.Timestamp("1970-01-02")]
    assert form.unreadable["row"].tolist() == [3, 4]
    assert form.values["v"].isna().tolist() == [False, False, True, True, True]


def test_a_number_without_a_date_format_is_no_date(tmp_path: Path) -> None:
    """Read as seconds, 20210301 would be a day in June 1583."""
    form = read(tmp_path, [20210301.0], {"type": "date"})
    assert form.unreadable["expected"].tolist() == ["a date; this is a number without a date format"]


def test_a_date_is_no_number(tmp_path: Path) -> None:
    """Seconds since 1582 would be analysed as if they were a score."""
    form = read(tmp_path, [1.4e10], {"type": "number"}, variable_format={"v": "DATE11"})
    assert form.unreadable["expected"].tolist() == ["a number; this is a date"]


def test_times_are_durations_in_seconds(tmp_path: Path) -> None:
    """30:00:00 of activity is not six in the morning."""
    form = read(tmp_path, [108_000.0, -1.0], {"type": "number"}, variable_format={"v": "TIME8"})
    assert form.values["v"].tolist() == [108_000.0, -1.0]


def test_fractions_and_infinity_are_no_whole_numbers(tmp_path: Path) -> None:
    """SPSS has no integers, so the contract decides; beyond 2 to the power 53 neighbours merge."""
    form = read(tmp_path, [1.0, 1.5, float("inf"), 1e17], {"type": "integer"})
    assert form.values["v"].tolist()[0] == 1
    assert form.unreadable["row"].tolist() == [2, 3, 4]


def test_an_all_missing_column_has_its_contracts_type(tmp_path: Path) -> None:
    """It would arrive as object, and every later comparison would differ."""
    assert str(read(tmp_path, [None, None], {"type": "integer"}).values["v"].dtype) == "Int64"


def test_names_that_differ_only_in_case_from_the_contracts_are_found(tmp_path: Path) -> None:
    """SPSS itself does not tell SCORE from score."""
    pyreadstat.write_sav(pd.DataFrame({"SCORE": [1.0]}), str(tmp_path / "form.sav"), column_labels=["Sum"])
    form = read_trial(tmp_path, trial_with({"total": {"type": "number", "source": "score"}}))["form"]
    assert form.values["total"].tolist() == [1.0]
    assert form.unknown_columns == ()
    assert form.variable_labels == {"total": "Sum"}


def test_a_compressed_file_reads_the_same(tmp_path: Path) -> None:
    """.zsav is what SPSS offers to save disk space."""
    pyreadstat.write_sav(pd.DataFrame({"v": [1.0, 2.0]}), str(tmp_path / "form.zsav"), compress=True)
    assert read_trial(tmp_path, trial_with({"v": {"type": "integer"}}))["form"].values["v"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"id,score\n1,2\n", "text, as in a CSV"),
        (b"PK\x03\x04....", "an Excel workbook"),
        (b"$FL2@(#) SPSS", "a cut or damaged file"),
    ],
)
def test_what_is_no_spss_file_gives_one_sentence(tmp_path: Path, data: bytes, found: str) -> None:
    """The sentence names the file as the data manager knows it, and what to do."""
    (tmp_path / "form.sav").write_bytes(data)
    with pytest.raises(ReadError) as caught:
        read_trial(tmp_path, trial_with({"v": {"type": "integer"}}))
    (problem,) = caught.value.problems
    assert problem.where == "landing/demo/form.sav"
    assert problem.found.startswith(found)
    assert problem.remedy


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    """Wherever a copy broke off, its beginning must not pass for the whole."""
    path = tmp_path / "form.sav"
    pyreadstat.write_sav(pd.DataFrame({"v": [float(n) for n in range(500)]}), str(path))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ReadError):
        read_trial(tmp_path, trial_with({"v": {"type": "integer"}}))


def without_count(path: Path) -> None:
    """Make a file not state its number of records, as some programs leave it."""
    data = bytearray(path.read_bytes())
    data[80:84] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


def test_a_file_that_does_not_state_its_number_of_records_is_refused(tmp_path: Path) -> None:
    """If such a file is cut between records, nobody can tell: only a manifest could."""
    path = tmp_path / "form.sav"
    pyreadstat.write_sav(pd.DataFrame({"v": [1.0, 2.0]}), str(path))
    without_count(path)
    with pytest.raises(ReadError, match="Deliver it with a manifest that says how many it has"):
        read_trial(tmp_path, trial_with({"v": {"type": "integer"}}))


@pytest.mark.parametrize(("rows", "is_right"), [(2, True), (3, False)])
def test_a_manifest_s_number_of_records_decides(tmp_path: Path, rows: int, *, is_right: bool) -> None:
    """The sender knows what the header does not say."""
    path = tmp_path / "form.sav"
    pyreadstat.write_sav(pd.DataFrame({"v": [1.0, 2.0]}), str(path))
    without_count(path)
    vouched = {"form": Vouched(hashlib.sha256(path.read_bytes()).hexdigest(), rows)}
    trial = trial_with({"v": {"type": "integer"}})
    if is_right:
        assert len(read_trial(tmp_path, trial, vouched)["form"].values) == 2
        return
    with pytest.raises(ReadError, match="found 2 records, expected 3"):
        read_trial(tmp_path, trial, vouched)


def test_the_shipped_wide_form_is_read_by_visit(tmp_path: Path) -> None:
    """Beat the Blues as an SPSS user keeps it: one row per participant."""
    wide = {"subject": [1.0, 2.0], **{f"bdi.{v}": [10.0, None] for v in ("pre", "2m", "3m", "5m", "8m")}}
    pyreadstat.write_sav(pd.DataFrame(wide), str(tmp_path / "bdi.sav"))
    people = {"subject": [1.0, 2.0], "drug": [0.0, 1.0], "length": [1.0, 0.0]}
    pyreadstat.write_sav(pd.DataFrame(people), str(tmp_path / "participants.sav"))
    (tmp_path / "allocation.csv").write_text("subject,treatment\n1,TAU\n2,BtheB\n")
    forms = read_trial(tmp_path, load_trial(SHIPPED_TRIALS / "beat_the_blues.toml"))
    assert list(forms) == ["participants", "allocation", "bdi"]
    assert forms["bdi"].values["visit"].tolist() == ["pre", "m2", "m3", "m5", "m8"] * 2
    assert forms["bdi"].values["bdi"].notna().sum() == 5
    assert forms["bdi"].absent_columns == forms["bdi"].unknown_columns == ()


@pytest.mark.parametrize("packed", [False, True])
def test_a_computer_s_not_a_number_is_flagged_and_not_taken_for_blank(
    tmp_path: Path, *, packed: bool
) -> None:
    """A program divided by zero and wrote the result; system-missing means that nobody answered."""
    path = tmp_path / "form.sav"
    frame = pd.DataFrame({"t": ["a", "", "b"], "v": [1.0, 123.456, None], "w": [0.5, 2.0, None]})
    pyreadstat.write_sav(frame, str(path), row_compress=packed)
    path.write_bytes(path.read_bytes().replace(struct.pack("<d", 123.456), struct.pack("<d", float("nan"))))
    form = read_trial(tmp_path, trial_with({"v": {"type": "number"}, "w": {"type": "number"}}))["form"]
    assert form.values["v"].isna().tolist() == [False, True, True]
    assert form.unreadable[["row", "column", "found"]].to_numpy().tolist() == [[2, "v", "NaN"]]


def test_what_a_file_declares_of_its_variables_is_kept(tmp_path: Path) -> None:
    """Measurement level, format, and how missing codes were declared, ranges as SPSS writes them."""
    form = read(
        tmp_path,
        [1.0, -5.0],
        {"type": "number"},
        missing_ranges={"v": [{"lo": float("-inf"), "hi": -1}, 99]},
        variable_measure={"v": "ordinal"},
        variable_format={"v": "F8.1"},
    )
    assert (form.measures, form.formats) == ({"v": "ordinal"}, {"v": "F8.1"})
    assert form.declared_missing == {"v": ("LOWEST thru -1", "99")}


def wide_trial(columns: dict[str, Any]) -> Trial:
    """Return a trial whose form has a column for each visit."""
    wide = {"v": {"pre": "v0", "m9": "v9"}}
    return trial_with({"participant": {"type": "text"}, **columns}, wide=wide, key=["participant"])


def test_a_wide_column_keeps_the_reasons_of_each_visit(tmp_path: Path) -> None:
    """Each visit's variable declares its own missing codes; records stay together, visits in order."""
    frame = pd.DataFrame({"participant": ["a", "b"], "v0": [1.0, 8.0], "v9": [3.0, 4.0]})
    pyreadstat.write_sav(frame, str(tmp_path / "form.sav"), missing_ranges={"v0": [8]})
    form = read_trial(tmp_path, wide_trial({"v": {"type": "integer"}}))["form"]
    assert form.values["v"].fillna(0).tolist() == [1, 3, 0, 4]
    assert form.reasons["v"].notna().tolist() == [False, False, True, False]


def test_a_visit_that_is_blank_as_text_makes_no_numbers_text(tmp_path: Path) -> None:
    """A variable nobody has answered yet is often exported as text."""
    frame = pd.DataFrame({"participant": ["a", "b"], "v0": [1.0, 1.5], "v9": ["", ""]})
    pyreadstat.write_sav(frame, str(tmp_path / "form.sav"))
    form = read_trial(tmp_path, wide_trial({"v": {"type": "number"}}))["form"]
    assert form.values["v"].fillna(0).tolist() == [1.0, 0, 1.5, 0]


def test_a_wide_column_of_numbers_and_text_is_judged_cell_by_cell(tmp_path: Path) -> None:
    """An answer typed as text at one visit is the same answer."""
    frame = pd.DataFrame({"participant": ["a", "b"], "v0": [1.0, 2.5], "v9": ["3", "none"]})
    pyreadstat.write_sav(frame, str(tmp_path / "form.sav"))
    form = read_trial(tmp_path, wide_trial({"v": {"type": "number"}}))["form"]
    assert form.values["v"].tolist()[:3] == [1.0, 3.0, 2.5]
    assert form.unreadable["row"].tolist() == [4]


def test_dates_at_one_visit_and_numbers_at_another_are_refused(tmp_path: Path) -> None:
    """One of the two has lost its format."""
    frame = pd.DataFrame({"participant": ["a"], "v0": [1.4e10], "v9": [1.4e10]})
    pyreadstat.write_sav(frame, str(tmp_path / "form.sav"), variable_format={"v0": "DATE11"})
    with pytest.raises(ReadError, match="v0 as dates, v9 as numbers"):
        read_trial(tmp_path, wide_trial({"v": {"type": "date"}}))


def test_an_encoding_no_spss_file_is_kept_in_is_refused(tmp_path: Path) -> None:
    """Read as UTF-16, every text would turn into other letters without an error."""
    pyreadstat.write_sav(pd.DataFrame({"v": ["abcd"]}), str(tmp_path / "form.sav"))
    with pytest.raises(ReadError, match="the declared encoding UTF-16"):
        read_trial(tmp_path, trial_with({"v": {"type": "text"}}, encoding="UTF-16"))
