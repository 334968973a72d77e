"""Claims about reading CSV, and about finding files. Not here: the corpus of hazards (reference)."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import find_sources, read_trial
from data_contracts.spec import Trial

ARMS = [
    {"code": "SRT", "label": "SRT", "values": ["1"]},
    {"code": "TAU", "label": "Usual care", "values": ["0"]},
]
VISITS = [
    {"code": "pre", "label": "Baseline", "month": 0, "baseline": True, "values": ["0"]},
    {"code": "m9", "label": "9 months", "month": 9, "values": ["9"]},
]
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}


def trial_with(*forms: str, **settings: Any) -> Trial:
    """Return a trial with CSV forms of the given names and one set of columns."""
    columns = settings.pop(
        "columns", {"participant": {"source": "id", "type": "text"}, "score": {"type": "integer"}}
    )
    shared = {"label": "", "kind": "visits", "format": "csv", "key": ["participant"], "columns": columns}
    declared = {name: {**shared, "file": f"{name}.csv", **settings} for name in forms or ("form",)}
    return Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": declared, **EMPTY})


def read(folder: Path, text: str, **settings: Any) -> ReadForm:
    """Return the one form of a trial, written as `text`."""
    (folder / "form.csv").write_bytes(text.encode())
    return read_trial(folder, trial_with(**settings))["form"]


def typed(folder: Path, kind: str, *cells: str, **settings: Any) -> ReadForm:
    """Return a form whose one column `v` has a type and cells."""
    column = {"type": kind, **{k: settings.pop(k) for k in ("format", "missing") if k in settings}}
    return read(folder, "v\n" + "".join(f'"{cell}"\n' for cell in cells), columns={"v": column}, **settings)


def test_columns_take_their_contracts_names_types_and_order(tmp_path: Path) -> None:
    """Whatever order the export has, the frame is the contract's."""
    form = read(tmp_path, "score,id\n7,007\n,008\n")
    assert list(form.values) == ["participant", "score"]
    assert [str(kind) for kind in form.values.dtypes] == ["str", "Int64"]
    assert form.values["participant"].tolist() == ["007", "008"]
    assert form.values.index.tolist() == [1, 2]
    assert form.values.index.name == "row"


def test_a_blank_is_missing_without_a_reason(tmp_path: Path) -> None:
    """Nothing was declared, so nothing is known of why."""
    form = typed(tmp_path, "integer", "1", " ")
    assert form.values["v"].isna().tolist() == [False, True]
    assert form.reasons["v"].isna().all()
    assert form.unreadable.empty


def test_a_missing_code_is_blanked_and_its_reason_kept(tmp_path: Path) -> None:
    """-99 must neither be analysed nor forgotten; -99.0 is the same code."""
    form = typed(
        tmp_path, "number", "1.5", "-99", "-99.0", "ND", missing={"-99": "refused", "ND": "not done"}
    )
    assert form.values["v"].tolist()[0] == 1.5
    assert form.values["v"].isna().tolist() == [False, True, True, True]
    assert form.reasons["v"].tolist()[1:] == ["refused", "refused", "not done"]


def test_na_is_text_unless_the_contract_says_missing(tmp_path: Path) -> None:
    """NA is a surname, and the code of Namibia."""
    assert typed(tmp_path, "text", "NA", "None").values["v"].tolist() == ["NA", "None"]


@pytest.mark.parametrize(
    "cell", ["x", "1.5", "1,000", "1.000", "0x10", "1_000", "9223372036854775808", "\u0661"]
)
def test_what_is_not_a_whole_number_is_listed_not_guessed(tmp_path: Path, cell: str) -> None:
    """A guess would be analysed; the cell goes to the query listing with its row and column."""
    form = typed(tmp_path, "integer", "1", cell)
    assert form.values["v"].tolist()[0] == 1
    assert form.unreadable.loc[0, ["row", "column", "found"]].tolist() == [2, "v", cell]
    assert "a whole number" in form.unreadable.loc[0, "expected"]


def test_whole_numbers_may_be_written_with_one_zero(tmp_path: Path) -> None:
    """Statistics programs write integers with missing values as 12.0."""
    assert typed(tmp_path, "integer", "12.0", "-3", "+4").values["v"].tolist() == [12, -3, 4]


def test_the_decimal_mark_is_the_contracts(tmp_path: Path) -> None:
    """12,5 is 12.5 in a German export and nothing in an English one."""
    german = typed(tmp_path, "number", "12,5", "1e3", decimal=",")
    assert german.values["v"].tolist() == [12.5, 1000.0]
    assert typed(tmp_path, "number", "12,5").unreadable["found"].tolist() == ["12,5"]


@pytest.mark.parametrize("cell", ["inf", "nan", "1e400", "1e-400", "1 000", "1.2.3"])
def test_what_no_float_holds_is_no_number(tmp_path: Path, cell: str) -> None:
    """Float() would take inf and nan, and turn 1e400 into infinity."""
    assert typed(tmp_path, "number", cell).unreadable["found"].tolist() == [cell]


def test_a_date_without_a_format_is_iso_only(tmp_path: Path) -> None:
    """03/04/2021 is March or April; only the contract can say."""
    form = typed(tmp_path, "date", "2021-04-03", "03/04/2021", "2021-4-3", "2021-02-30", "2021-03", "44256")
    assert form.values["v"].dtype == "datetime64[s]"
    assert form.values["v"].tolist()[0] == pd.Timestamp("2021-04-03")
    assert form.unreadable["row"].tolist() == [2, 3, 4, 5, 6]
    assert "part of one" in form.unreadable["expected"].iloc[3]
    assert "day count" in form.unreadable["expected"].iloc[4]


def test_a_declared_date_format_rules(tmp_path: Path) -> None:
    """An ISO date is then as wrong as any other."""
    form = typed(tmp_path, "date", "03/04/2021", "2021-04-03", format="%d/%m/%Y")
    assert form.values["v"].tolist()[0] == pd.Timestamp("2021-04-03")
    assert form.unreadable["found"].tolist() == ["2021-04-03"]


def test_arms_and_visits_take_the_plans_codes(tmp_path: Path) -> None:
    """An export may say 0 and 1; what the plan does not know is left for a rule to flag."""
    columns = {"participant": {"type": "text"}, "arm": {"type": "integer"}, "visit": {"type": "category"}}
    form = read(tmp_path, "participant,arm,visit\n1,1,0\n2,0,m9\n3,7,12\n", columns=columns)
    assert form.values["arm"].tolist() == ["SRT", "TAU", "7"]
    assert form.values["visit"].tolist() == ["pre", "m9", "12"]


def test_absent_and_unknown_columns_are_named_not_raised(tmp_path: Path) -> None:
    """A rule judges them; an absent column is there, all missing, so that frames keep their shape."""
    form = read(tmp_path, "id,extra\n1,2\n")
    assert form.absent_columns == ("score",)
    assert form.unknown_columns == ("extra",)
    assert form.values["score"].isna().all()
    assert str(form.values["score"].dtype) == "Int64"


def test_spaces_around_values_are_removed_and_counted(tmp_path: Path) -> None:
    """'001 ' and '001' are one participant, even with a zero-width space."""
    form = read(tmp_path, "id,score\n 001,1\n001\u00a0,2\n001\u200b,3\n001,4\n")
    assert form.values["participant"].tolist() == ["001"] * 4
    assert form.notes == ("participant: spaces around 3 values were removed.",)


def test_a_wide_form_becomes_a_row_per_visit(tmp_path: Path) -> None:
    """One row per record and visit, in the trial's order; the rest of the record is repeated."""
    columns = {"participant": {"type": "text"}, "score": {"type": "number", "missing": {"-9": "refused"}}}
    wide = {"score": {"m9": "s9", "pre": "s0"}}
    form = read(tmp_path, "participant,s9,s0\n1,5,4\n2,-9,\n", columns=columns, wide=wide)
    assert list(form.values) == ["participant", "visit", "score"]
    assert form.values["participant"].tolist() == ["1", "1", "2", "2"]
    assert form.values["visit"].tolist() == ["pre", "m9", "pre", "m9"]
    assert form.values["score"].tolist()[:2] == [4.0, 5.0]
    assert form.reasons.loc[4, "score"] == "refused"
    assert form.values.index.tolist() == [1, 2, 3, 4]


def test_a_wide_column_with_one_visit_missing_is_absent(tmp_path: Path) -> None:
    """Else the visit would seem to be missing for every participant by chance."""
    columns = {"participant": {"type": "text"}, "score": {"type": "number"}}
    form = read(tmp_path, "participant,s0\n1,4\n", columns=columns, wide={"score": {"pre": "s0", "m9": "s9"}})
    assert form.absent_columns == ("score",)
    assert form.values["score"].isna().tolist() == [False, True]


def test_every_line_that_does_not_fit_is_counted_and_ten_are_listed(tmp_path: Path) -> None:
    """All problems at once, but not a thousand lines on a terminal."""
    with pytest.raises(ReadError) as caught:
        read(tmp_path, "id,score\n" + "1,2,3\n" * 25)
    assert len(caught.value.problems) == 11
    assert "and 15 more such problems, 25 in all" in str(caught.value)
    assert "landing/demo/form.csv, line 2: found 3 fields" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["id,score\nsecret,1,2\n", 'id,score\n"secret\n', 'id,score\n"secret"x,2\n', "id\nsecret"]
)
def test_no_message_shows_a_participants_value(tmp_path: Path, text: str) -> None:
    """Messages reach logs and Dagster's UI; values belong in the query listing alone."""
    with pytest.raises(ReadError) as caught:
        read(tmp_path, text)
    assert "secret" not in str(caught.value)


def test_an_export_without_records_is_refused_unless_allowed(tmp_path: Path) -> None:
    """A header alone is mostly a failed export; adverse events may truly be none."""
    with pytest.raises(ReadError, match="no records"):
        read(tmp_path, "id,score\n")
    form = read(tmp_path, "id,score\n", may_be_empty=True)
    assert [str(kind) for kind in form.values.dtypes] == ["str", "Int64"]
    assert len(form.values) == 0


def test_an_export_of_something_else_is_refused(tmp_path: Path) -> None:
    """None of its columns is declared: every rule would fail, and none would say why."""
    with pytest.raises(ReadError, match="none of the declared columns, expected id, score"):
        read(tmp_path, "name,city\na,b\n")


def test_an_encoding_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """A typing error in the trial file must not be a traceback."""
    with pytest.raises(ReadError, match="'uft-8', expected an encoding"):
        read(tmp_path, "id,score\n1,2\n", encoding="uft-8")


def test_a_wrongly_declared_encoding_is_noted(tmp_path: Path) -> None:
    """UTF-8 read as cp1252 gives garbled names without any error."""
    form = read(tmp_path, "id,score\nZürich,2\n", encoding="cp1252")
    assert form.notes == ("id: UTF-8 text in a file read as cp1252; accents are garbled.",)


def test_the_source_is_the_bytes_that_were_parsed(tmp_path: Path) -> None:
    """The hash is what ties a result to its data; the number is that of GNU `sha256sum`."""
    source = read(tmp_path, "id,score\n1,2\n").source
    assert source.name == "form.csv"
    assert source.size == 13
    assert source.sha256 == "a2638ed73a4be3bb10a058b80db122393f8706d1cd0ec2b435ddc36ce8897c48"


def test_the_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    """One look, one round of mending: a missing form, an empty one and a cut one."""
    (tmp_path / "b.csv").write_bytes(b"")
    (tmp_path / "c.csv").write_bytes(b"id,score\n1,2")
    with pytest.raises(ReadError) as caught:
        read_trial(tmp_path, trial_with("a", "b", "c"))
    assert [problem.where for problem in caught.value.problems] == [
        "landing/demo, form a",
        "landing/demo/b.csv",
        "landing/demo/c.csv, line 2",
    ]


def test_an_empty_landing_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    """The first thing a newcomer meets; the folder may not even exist."""
    with pytest.raises(ReadError, match=r"srt example"):
        read_trial(tmp_path / "none", trial_with("a"))


def test_every_missing_form_is_listed(tmp_path: Path) -> None:
    """The data manager asks for all of them in one message."""
    (tmp_path / "b.csv").touch()
    with pytest.raises(ReadError, match=r"form a: found no file a.csv") as caught:
        find_sources(tmp_path, trial_with("a", "b", "c"))
    assert len(caught.value.problems) == 2


def test_two_files_for_one_form_are_refused(tmp_path: Path) -> None:
    """Last month's export beside this month's: neither is taken by chance."""
    for name in ("form-1.csv", "form-2.CSV", ".form-3.csv"):
        (tmp_path / name).touch()
    with pytest.raises(ReadError, match=r"2 files that match form-\*.csv \(form-1.csv, form-2.CSV\)"):
        find_sources(tmp_path, trial_with("form", file="form-*.csv"))


def test_an_optional_form_may_be_absent(tmp_path: Path) -> None:
    """Some trials send withdrawals only once there are any."""
    (tmp_path / "other.txt").touch()
    assert find_sources(tmp_path, trial_with("form", required=False)) == {}


def test_a_file_that_can_not_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports copied by another account are often unreadable."""

    def refused(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "form.csv").write_text("id,score\n1,2\n")
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(ReadError, match="can't be opened"):
        read_trial(tmp_path, trial_with())


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an export looks whole to a parser."""
    original = Path.read_bytes

    def growing(path: Path) -> bytes:
        data = original(path)
        path.write_bytes(data + b"3,4\n")
        return data

    (tmp_path / "form.csv").write_text("id,score\n1,2\n")
    monkeypatch.setattr(Path, "read_bytes", growing)
    with pytest.raises(ReadError, match="changed while it was read"):
        read_trial(tmp_path, trial_with())
