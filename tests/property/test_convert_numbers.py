"""The fast conversion of numbers says of each cell what the slow judge of one cell says."""

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_contracts.readers.convert import convert
from data_contracts.readers.meaning import judge_number
from data_contracts.readers.raw import DeclaredMissing, MissingCells, NumberCells, RawColumn
from data_contracts.readers.typed import Contract, TypedColumn
from data_contracts.spec import Column

EDGES = [
    math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, 1.0, 9.0, -99.0, 2.0**53, 2.0**53 + 2, 1e17, 1e300,
    86_399.0, 86_400.0, 12_219_379_200.0, 13_000_000_000.5, 265_621_679_999.0, 265_621_680_000.0,
]  # fmt: skip
NUMBERS = st.sampled_from(EDGES) | st.floats(allow_nan=False) | st.integers(-200, 200).map(float)
CELLS = st.lists(NUMBERS, max_size=12)
KINDS = st.sampled_from(["number", "date", "duration", "month"])
TYPES = st.sampled_from(["text", "integer", "number", "category", "date"])
MISSING = st.dictionaries(
    st.sampled_from(["-99", "9", "9.0", "0", "x", "1e300", "1994-09"]), st.just("refused")
)
SPELLINGS = st.sampled_from([{}, {"1": "A", "0": "B"}])


def contract_of(type_: str, missing: dict[str, str], spellings: dict[str, str]) -> Contract:
    """Return a column's contract."""
    column = Column.model_validate({"name": "v", "type": type_, "missing": missing})
    return Contract(column, spellings=spellings)


def values_of(typed: TypedColumn) -> list[Any]:
    """Return a converted column as Python's own values, None where missing."""
    return [None if pd.isna(value) else value for value in pd.Series(typed.array).tolist()]


@settings(max_examples=500)
@given(CELLS, KINDS, TYPES, MISSING, SPELLINGS)
@example(EDGES, "date", "date", {}, {})
@example(EDGES, "month", "text", {"1994-09": "refused"}, {})
@example(EDGES, "number", "integer", {"9.0": "refused"}, {})
def test_the_fast_conversion_agrees_with_the_judge_of_one_cell(
    cells: list[float], kind: Any, type_: str, missing: dict[str, str], spellings: dict[str, str]
) -> None:
    """The judge is the definition; the arrays are how it is done for a million rows."""
    contract = contract_of(type_, missing, spellings)
    typed = convert(RawColumn("v", NumberCells(np.array(cells, dtype=float), kind)), contract)
    judged = [judge_number(cell, kind, contract, contract.missing) for cell in cells]
    assert values_of(typed) == [None if one.value is None else one.value for one in judged]
    reasons = (
        [None] * len(cells) if typed.reasons is None else values_of(TypedColumn(typed.reasons, None, [], 0))
    )
    assert reasons == [one.reason for one in judged]
    assert [(row, expected) for row, _, expected in typed.unreadable] == [
        (row, one.expected) for row, one in enumerate(judged) if one.expected
    ]


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=12), TYPES)
def test_a_code_the_file_declares_missing_is_blank_with_its_reason(which: list[int], type_: str) -> None:
    """For every type of contract, and the contract's own reason first."""
    missing = MissingCells((DeclaredMissing("8", "Refused"), DeclaredMissing("9")), np.array(which, np.int32))
    values = np.where(np.array(which) < 0, 13_000_000_000.0, np.nan)
    cells = NumberCells(values, "date" if type_ == "date" else "number", missing)
    typed = convert(RawColumn("v", cells), contract_of(type_, {"9": "lost"}, {}))
    words = {-1: None, 0: "declared missing in the file: Refused", 1: "lost"}
    assert values_of(TypedColumn(typed.reasons, None, [], 0)) == [words[one] for one in which]
    assert [value is None for value in values_of(typed)] == [one >= 0 for one in which]
