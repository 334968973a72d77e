"""Columns of text converted as a whole, against each cell judged by itself. Not here: what a cell means."""

import math
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.readers.convert_text import convert_text
from data_contracts.readers.meaning import BLANK, judge_text, trim
from data_contracts.readers.raw import TextCells
from data_contracts.readers.typed import Contract
from data_contracts.spec import Column

MANY = settings(deadline=None, max_examples=800)
NASTY = [
    "", " ", "0", "-0", "0.0", "00", "007", "+4", "1", "-1", "12", "12.0", "12,0", "1.5", "1,5", ".5", ",5", "5.", "5,",
    "1e5", "1E5", "1e400", "-1e400", "1e-400", "0e9", "1e-320", "inf", "-inf", "Infinity", "nan", "NaN", "nan(1)",
    "0x10", "0X1F", "1_000", "1,234", "1.234", "1.234,5", "1,234.5", "1 234", "1,23", "12,34,567", "1,234,",
    "9,999,999,999,999,999,999,999", "1,000,000,000,000,000,000", "1..2",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775807",
    "999999999999999999", "1000000000000000000", "9007199254740993", "9007199254740992", "1" * 5000,
    "0.30000000000000004", "1.7976931348623157e308", "123456789.123456789", "2.2250738585072014e-308",
    " 12", "12 ", "12\n", "\t12", "\u00a012", "12\u200b", "1\u00a0234", "\u0661\u0662", "\uff11", "1\x1c", "\x1f1",
    "-99", "-99.0", "-99,0", "-099", "+99", "99", "ND", "nd", " ND ", "A", "a", "SRT", " SRT", "É", "É1É", "1É",
    "2021-03-01", "2021-02-30", "0000-01-01", "9999-12-31", "2021-3-1", "01/03/2021", "2021", "44256", "UN-MAR-2021",
    "NA", "None", "null", "TRUE", "=1+1", "'1", '"', "\ufeff1", "e5", "-", "+", ".", ",", "1e", "1e+", "--1", "1-",
]  # fmt: skip
NUMBERLIKE = st.text(st.sampled_from("0123456789+-.,eExX_ '\u00a0"), max_size=9)
CELLS = (
    st.none()
    | st.sampled_from(NASTY)
    | NUMBERLIKE
    | st.integers(-(2**64), 2**64).map(str)
    | st.floats().map(repr)
)
CODES = [
    "-99",
    "99",
    "ND",
    "0",
    "1,5",
    "1.5",
    "9007199254740993",
    "1,234",
    "nan",
    "1e5",
    "2021-03-01",
    "A",
    "12",
]


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Return a column's contract with marks, codes and spellings of any kind."""
    kind = draw(st.sampled_from(["integer", "number", "text", "category", "date"]))
    codes = draw(st.lists(st.sampled_from(CODES), max_size=3, unique=True))
    column = Column(
        name="v",
        type=kind,
        missing={code: f"reason {code}" for code in codes},
        format=draw(st.sampled_from(["", "%d/%m/%Y"])) if kind == "date" else "",
    )
    decimal, thousands = draw(
        st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'")])
    )
    spellings = draw(st.sampled_from([{}, {"1": "SRT", "SRT": "SRT", "a": "A"}])) if kind == "text" else {}
    return Contract(column, decimal, spellings, thousands)


def one_by_one(cells: list[str | None], contract: Contract) -> dict[str, Any]:
    """Return what each cell means, judged by itself."""
    judged = [BLANK if c is None else judge_text(c, contract, contract.missing) for c in cells]
    return {
        "values": [told(verdict.value) for verdict in judged],
        "reasons": [verdict.reason for verdict in judged],
        "unreadable": [
            (k, cells[k], verdict.expected) for k, verdict in enumerate(judged) if verdict.expected
        ],
        "n_trimmed": sum(cell is not None and trim(cell) != cell for cell in cells),
    }


def as_a_whole(array: Any, contract: Contract) -> dict[str, Any]:
    """Return what the column means, converted as a whole."""
    typed = convert_text(TextCells(array), contract)
    reasons = [None] * len(array) if typed.reasons is None else list(typed.reasons)
    return {
        "values": [told(value) for value in pd.Series(typed.array)],
        "reasons": [None if pd.isna(reason) else reason for reason in reasons],
        "unreadable": typed.unreadable,
        "n_trimmed": typed.n_trimmed,
    }


def told(value: Any) -> Any:
    """Return a value so that equal ones are alike to the last bit: a zero's sign too, missing as none."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.hex() if isinstance(value, float) else value


@MANY
@given(st.lists(CELLS, max_size=12), contracts())
def test_a_column_means_what_its_cells_mean_one_by_one(cells: list[str | None], contract: Contract) -> None:
    """Speed may change no value, no reason, no message: 0x10, 1e400, -2**63, 001 with a no-break space."""
    assert as_a_whole(pa.array(cells, pa.string()), contract) == one_by_one(cells, contract)


@pytest.mark.parametrize("kind", ["integer", "number", "text", "date"])
@pytest.mark.parametrize(("decimal", "thousands"), [(".", ""), (",", ""), (".", ","), (",", ".")])
def test_each_nasty_cell_means_what_it_means_alone(kind: Any, decimal: str, thousands: str) -> None:
    """A neighbour that does not convert must not change how the others do."""
    contract = Contract(Column(name="v", type=kind, missing={"-99": "refused"}), decimal, {}, thousands)
    for cell in NASTY:
        for cells in ([cell], [cell, "1"], [cell, None, "x"]):
            assert as_a_whole(pa.array(cells, pa.string()), contract) == one_by_one(cells, contract)


@MANY
@given(st.lists(CELLS, min_size=1, max_size=12), contracts(), st.data())
def test_how_a_column_is_kept_changes_nothing(
    cells: list[str | None], contract: Contract, data: st.DataObject
) -> None:
    """Parsers give columns in pieces, or parts of longer ones."""
    cut = data.draw(st.integers(0, len(cells)))
    whole = pa.array(cells, pa.string())
    in_pieces = pa.chunked_array([whole[:cut], whole[cut:]], pa.string())
    assert as_a_whole(in_pieces, contract) == as_a_whole(whole, contract)
    assert as_a_whole(whole[cut:], contract) == as_a_whole(pa.array(cells[cut:], pa.string()), contract)
