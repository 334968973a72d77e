"""Tables without a plan: what a column becomes, and what is said about it."""

import math

import pandas as pd
import pytest

from data_contracts.errors import ReadError
from data_contracts.readers.adhoc import Spelling, read_adhoc


def csv(tmp_path, text, **spelling):
    """Return what a CSV of this text reads as."""
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return read_adhoc(path, Spelling(**spelling))


def test_numbers_are_numbers_and_text_is_text(tmp_path):
    """Full precision, exponents and signs."""
    frame = csv(tmp_path, "a,b\n1.5,x\n-2e-3,y\n+.25,x\n").frame
    assert frame["a"].tolist() == [1.5, -0.002, 0.25]
    assert frame["b"].tolist() == ["x", "y", "x"]


@pytest.mark.parametrize("word", ["", "NA", "NaN", "."])
def test_missing_in_a_column_of_numbers(tmp_path, word):
    """As R, pandas and SAS write it."""
    values = csv(tmp_path, f"a,b\n1,x\n{word},y\n").frame["a"]
    assert values[0] == 1
    assert math.isnan(values[1])


def test_na_among_text_is_a_level_and_that_is_said(tmp_path):
    """A region may be called NA; --missing makes it missing."""
    text = "region\nNorth\nNA\n"
    table = csv(tmp_path, text)
    assert table.frame["region"].tolist() == ["North", "NA"]
    assert any("'NA' are kept as text" in note for note in table.notes)
    assert csv(tmp_path, text, missing=frozenset({"NA"})).frame["region"].isna().tolist() == [False, True]


def test_an_empty_cell_is_missing_in_text_too(tmp_path):
    """Nothing was written."""
    assert csv(tmp_path, "a,b\nx,1\n,2\n").frame["a"].isna().tolist() == [False, True]


@pytest.mark.parametrize("code", ["007", "12345678901234567890"])
def test_digits_that_are_codes_stay_text(tmp_path, code):
    """007 and 7 are two people."""
    table = csv(tmp_path, f"id,y\n{code},1\n17,2\n")
    assert table.frame["id"].tolist() == [code, "17"]
    assert any("codes" in note for note in table.notes)


def test_mostly_numbers_is_marked_with_its_records(tmp_path):
    """A slip of the pen must not turn a covariate into a factor with hundreds of levels."""
    table = csv(tmp_path, "age\n20\n21\n2O\n23\n")
    assert table.mixed == {"age": "1 of 4 cells that are not numbers (records 3)"}


def test_an_infinite_number_is_no_number(tmp_path):
    """1e400 is beyond a float."""
    assert "y" in csv(tmp_path, "y\n1\n2\n3\n1e400\n").mixed


def test_row_names_are_left_out_and_that_is_said(tmp_path):
    """R and pandas write them without a name."""
    for first in ("", '""'):
        table = csv(tmp_path, f"{first},a\n1,5\n2,6\n")
        assert list(table.frame) == ["a"]
        assert "first column has no name" in table.notes[0]


def test_other_marks_are_given_not_guessed(tmp_path):
    """A decimal comma is not a thousands mark."""
    text = "a;b\n1,5;x\n2;y\n"
    assert csv(tmp_path, text, delimiter=";", decimal=",").frame["a"].tolist() == [1.5, 2.0]
    with pytest.raises(ReadError, match="--delimiter"):
        csv(tmp_path, text)


@pytest.mark.parametrize("text", ["", "a,b\n", "a,b\n1\n", "a,a\n1,2\n", "a\n1", 'a\n"1\n'])
def test_damaged_files_are_refused(tmp_path, text):
    """Empty, no records, a short row, a name twice, no last line end, an open quote."""
    with pytest.raises(ReadError):
        csv(tmp_path, text)


def test_an_unknown_ending_and_an_absent_file_are_refused(tmp_path):
    """With the endings there are."""
    with pytest.raises(ReadError, match=r"\.parquet"):
        read_adhoc(tmp_path / "data.xlsx")
    with pytest.raises(ReadError, match="can't be opened"):
        read_adhoc(tmp_path / "none.csv")


def test_spss_keeps_codes_labels_and_declared_missing(tmp_path):
    """Codes stay numbers; what the file declares missing is, and is counted."""
    import pyreadstat

    path = tmp_path / "data.sav"
    frame = pd.DataFrame({"arm": [0.0, 1.0, 1.0], "y": [1.5, -99.0, 2.5], "name": ["a", "", "c"]})
    labels = {"arm": {0.0: "UC", 1.0: "SRT"}}
    pyreadstat.write_sav(frame, path, variable_value_labels=labels, missing_ranges={"y": [-99.0]})
    table = read_adhoc(path)
    assert table.frame["arm"].tolist() == [0.0, 1.0, 1.0]
    assert table.labels == {"arm": {"0": "UC", "1": "SRT"}}
    assert table.frame["y"].isna().tolist() == [False, True, False]
    assert table.frame["name"].isna().tolist() == [False, True, False]
    assert "column 'y': 1 cells hold codes that the file declares missing" in table.notes


def test_parquet_keeps_its_types(tmp_path):
    """Categories with their order, nullable integers as numbers, booleans as levels."""
    path = tmp_path / "data.parquet"
    pd.DataFrame(
        {"arm": pd.Categorical(["b", "a"], ["b", "a"]), "n": pd.array([1, None], dtype="Int64"),
         "flag": [True, False], "text": ["x", None]}
    ).to_parquet(path)  # fmt: skip
    frame = read_adhoc(path).frame
    assert list(frame["arm"].cat.categories) == ["b", "a"]
    assert frame["n"].isna().tolist() == [False, True]
    assert frame["flag"].tolist() == ["True", "False"]
    assert frame["text"].isna().tolist() == [False, True]


def test_a_damaged_parquet_file_is_refused(tmp_path):
    """In our words."""
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ReadError, match="a Parquet file"):
        read_adhoc(path)
