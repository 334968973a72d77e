"""Claims about reading CSV, and about finding files. Not here: the corpus of hazards (reference)."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.forms import ReadForm
from data_contracts.readers import find_sources, read_trial
from data_contracts.readers.vouched import Vouched
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
    assert form.notes[1:] == ("participant: spaces around 3 values were removed.",)


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


def test_a_wrongly_declared_encoding_is_refused(tmp_path: Path) -> None:
    """UTF-8 read as cp1252 gives garbled names without any error."""
    with pytest.raises(ReadError, match=r"text in UTF-8, expected cp1252, as declared.*to 'utf-8'"):
        read(tmp_path, "id,score\nZürich,2\n", encoding="cp1252")


def test_what_a_file_was_read_as_is_noted(tmp_path: Path) -> None:
    """Declared, marked or found: a garbled name is traced to one of them; plain ASCII needs no word."""
    assert read(tmp_path, "id,score\n1,2\n").notes == ()
    assert read(tmp_path, "id,score\nZürich,2\n").notes == (
        "Read as UTF-8: none is declared, and all of it fits.",
    )
    assert read(tmp_path, "id,score\nZürich,2\n", encoding="utf-8").notes == ()
    (tmp_path / "form.csv").write_bytes("id,score\nZürich,2\n".encode("cp1252"))
    form = read_trial(tmp_path, trial_with(encoding="cp1252"))["form"]
    assert form.notes == ("Read as cp1252, as declared.",)
    assert form.values["participant"].tolist() == ["Zürich"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_is_named_and_read_once_declared(tmp_path: Path, encoding: str) -> None:
    """Excel's "Unicode text" is UTF-16; without its mark it looks like text full of NULs."""
    text = "id,score\nZürich,2\n"
    path, kind = tmp_path / "form.csv", encoding[:6]
    path.write_bytes(text.encode(encoding))
    if kind == "utf-16":
        with pytest.raises(
            ReadError, match=f"found text in UTF-16, .* set the form's `encoding` to '{kind}'"
        ):
            read_trial(tmp_path, trial_with())
    assert read_trial(tmp_path, trial_with(encoding=encoding))["form"].values["participant"].tolist() == [
        "Zürich"
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        ("id,score\nMünchen – 5 €,2\n", "cp1252", "windows-1252"),
        ("id,score\nZażółć gęślą jaźń,2\nŁódź i Kraków,3\n", "cp1250", "cp1250"),
    ],
)
def test_a_likely_encoding_is_named_and_never_used(
    tmp_path: Path, text: str, encoding: str, named: str
) -> None:
    """A guess that is right nine times in ten garbles every tenth export."""
    (tmp_path / "form.csv").write_bytes(text.encode(encoding))
    with pytest.raises(ReadError, match=rf"line 2: found a byte that is not utf-8 .*may be {named}"):
        read_trial(tmp_path, trial_with())


def test_text_that_was_encoded_twice_is_flagged(tmp_path: Path) -> None:
    """MÃ¼nchen is a whole file in UTF-8 and was garbled before it came; it is left as it is."""
    garbled = "München".encode().decode("cp1252")
    form = read(tmp_path, f"id,score\n{garbled},2\nGuÐrún,3\n")
    assert form.notes[1:] == ("id: text that was encoded twice before it was exported; accents are garbled.",)
    assert form.values["participant"].tolist()[0] == garbled


def test_characters_that_nobody_sees_inside_a_value_are_flagged(tmp_path: Path) -> None:
    """0 01 and 001 look like one participant; around a value they are removed, inside it they stay."""
    form = read(tmp_path, "id,score\n0\u200b01,2\n00\u00a02,3\n003,4\n")
    assert form.notes[1:] == ("id: 2 values hold a no-break space or a character of no width inside.",)


def test_a_tsv_is_set_apart_by_tabs_and_says_so(tmp_path: Path) -> None:
    """Its name declares it; the plan's own delimiter comes first."""
    (tmp_path / "form.tsv").write_text("id\tscore\na,b\t2\n")
    form = read_trial(tmp_path, trial_with(file="form.tsv"))["form"]
    assert form.values["participant"].tolist() == ["a,b"]
    assert form.notes == (
        "Columns are set apart by tabs: the file's name says so, and nothing else is declared.",
    )
    assert read_trial(tmp_path, trial_with(file="form.tsv", delimiter="\t"))["form"].notes == ()


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("id;score\n1;2\n", {}, r"set apart by ';', expected ','. Set the form's `delimiter` in"),
        ("id;score\n1;2,5\n", {}, r"set apart by ';', and a decimal comma.*`delimiter` and `decimal` in"),
        ("id;score\n1;2,5\n", {"delimiter": ";"}, r"a decimal comma.*Set the form's `decimal` in"),
        ("id,score\n1,2\n", {"delimiter": ";"}, r"set apart by ',', expected ';'"),
        ("id\tscore\n1\t2\n", {}, r"set apart by '.t', expected ','"),
        ("id,score\n1,2\n", {"delimiter": "é"}, r"delimiter: found 'é', expected a mark such as"),
        ("id,score\n1,2\n", {"thousands": "."}, r"thousands: found '.', expected another mark"),
        ("\nid,score\n1,2\n", {}, "line 1: found no column names"),
    ],
)
def test_marks_that_the_file_contradicts_are_refused_with_the_keys_to_set(
    tmp_path: Path, text: str, settings: dict[str, Any], message: str
) -> None:
    """A guess would be right until the first export in which it is not."""
    with pytest.raises(ReadError, match=message):
        read(tmp_path, text, **settings)


def test_a_decimal_point_that_is_declared_is_not_contradicted_by_text(tmp_path: Path) -> None:
    """1,3 may be two ticked boxes; the plan has the last word, and a number so written is a query."""
    form = read(tmp_path, "id;score\n1,3;2\n", delimiter=";", decimal=".")
    assert form.values["participant"].tolist() == ["1,3"]


@pytest.mark.parametrize(
    ("cell", "marks", "value"),
    [
        ("1,234", {"thousands": ","}, 1234.0),
        ("-1,234,567.5", {"thousands": ","}, -1234567.5),
        ("1.234,5", {"thousands": ".", "decimal": ","}, 1234.5),
        ("1 234", {"thousands": " "}, 1234.0),
        ("1'234.5e3", {"thousands": "'"}, 1234500.0),
        ("12.5", {"thousands": ","}, 12.5),
    ],
)
def test_a_thousands_mark_is_read_where_it_is_declared(
    tmp_path: Path, cell: str, marks: dict[str, str], value: float
) -> None:
    """And only where it stands before each three digits."""
    assert typed(tmp_path, "number", cell, **marks).values["v"].tolist() == [value]


@pytest.mark.parametrize("cell", ["1,23", "12,34,567", ",123", "1,234,", "1.5,000", "1234,567"])
def test_a_thousands_mark_elsewhere_makes_no_number(tmp_path: Path, cell: str) -> None:
    """1,23 with a comma for thousands is a slip of some kind; which one, only the site knows."""
    assert typed(tmp_path, "number", cell, thousands=",").unreadable["found"].tolist() == [cell]


def test_quotes_inside_a_field_that_is_in_none_are_text(tmp_path: Path) -> None:
    """Five feet: 5'; five inches: 5". Other programs write such fields without quotes around them."""
    form = read(tmp_path, 'id,score\nf("x"),1\n5",2\n"a, b",3\n')
    assert form.values["participant"].tolist() == ['f("x")', '5"', "a, b"]


def test_with_such_quotes_no_field_may_go_over_several_lines(tmp_path: Path) -> None:
    """The second line's quote may be one that was never closed: its row and the next would be one."""
    with pytest.raises(ReadError, match=r"line 3: found a field over several lines"):
        read(tmp_path, 'id,score\n5",1\n"a\n5",2\n')


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("44256", "; this looks like a spreadsheet's day count, which would be 2021-03-01"),
        ("44256.5", "day count, which would be 2021-03-01"),
        ("59", "; this looks like a spreadsheet's day count"),
        ("UNK/03/2021", "; this is a part of one"),
        ("XX.03.2021", "; this is a part of one"),
        ("Mar 2021", "; this is a part of one"),
        ("03/04/2021", "whether its day or its month comes first is for the column's `format`"),
        ("2021-02-30", "a date of the calendar written YYYY-MM-DD"),
    ],
)
def test_what_is_no_date_is_kept_as_found_and_told_what_it_may_be(
    tmp_path: Path, cell: str, words: str
) -> None:
    """Whoever answers the query is helped; no date is made of it."""
    unreadable = typed(tmp_path, "date", cell).unreadable
    assert unreadable["found"].tolist() == [cell]
    assert unreadable["expected"].iloc[0].endswith(words) or words in unreadable["expected"].iloc[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,score\n1,2\r3,4\n", "line 2: found a carriage return without its line feed"),
        ("id,score\r1,2\r", "line ends of a carriage return alone"),
        ("id,score\n,\n", "line 2: found an empty line"),
        ('id,score\n"1"2,3\n', "line 2: found text that is not CSV"),
        ("Title\nid,score\n1,2\n", "line 2: found 2 fields, expected 1.*If line 1 is a title"),
        ("id,score\n1,2,\n", "line 2: found 3 fields, expected 2.*sets nothing apart"),
        ("id,score\n1,2\nTotal: 1\n", "line 3: found 1 field, expected 2"),
    ],
)
def test_a_line_that_fits_nothing_is_told_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    """Each of these moves, joins or loses cells in silence elsewhere."""
    with pytest.raises(ReadError, match=message):
        read(tmp_path, text)


def test_a_long_record_and_many_small_ones_are_read_alike(tmp_path: Path) -> None:
    """Parsers take some megabytes at a time: a record may be longer, or lie across two."""
    long = 'x "" \n,' * 700_000
    rows = [f'{n},"{long if n == 3 else n}"' for n in range(6)]
    form = read(tmp_path, "id,note\n" + "\n".join(rows) + "\n", columns={"note": {"type": "text"}})
    assert form.values["note"].str.len().tolist() == [1, 1, 1, 6 * 700_000, 1, 1]


def test_rows_are_held_against_what_the_sender_vouches_for(tmp_path: Path) -> None:
    """A CSV that was cut at the end of a line is whole to any reader."""
    data = b"id,score\n1,2\n3,4\n"
    (tmp_path / "form.csv").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    assert len(read_trial(tmp_path, trial_with(), {"form": Vouched(sha256, 2)})["form"].values) == 2
    with pytest.raises(ReadError, match="found 2 records, expected 3, as its manifest says"):
        read_trial(tmp_path, trial_with(), {"form": Vouched(sha256, 3)})
    with pytest.raises(ReadError, match="other contents than its manifest vouches for"):
        read_trial(tmp_path, trial_with(), {"form": Vouched("0" * 64, 2)})


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
