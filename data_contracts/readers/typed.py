"""What a column becomes: its contract, and the arrays of the contract's types.

Not here: what one cell means (meaning), converting a column (convert).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from data_contracts.readers.meaning import NUMBERS, is_number
from data_contracts.readers.raw import code_of
from data_contracts.spec import Column, ColumnType

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)  # what pandas calls "str"


@dataclass(frozen=True, slots=True, eq=False)
class TypedColumn:
    """A converted column; `unreadable` are positions, what was found and what was expected."""

    array: Any  # (n,) of the contract's type, from pandas or numpy
    reasons: Any | None  # (n,) pandas str array: why a value is missing; None when no cell has a reason
    unreadable: list[tuple[int, str, str]]  # by position
    n_trimmed: int


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What a column's cells must be: the declared column, the marks of its numbers, and codes by spelling."""

    column: Column
    decimal: str = "."
    spellings: Mapping[str, str] = field(default_factory=dict)
    thousands: str = ""

    @property
    def missing(self) -> Mapping[str, str]:
        """Return the reasons by missing code; a number's codes match however they are written."""
        declared = dict(self.column.missing)
        if self.column.type in NUMBERS:
            declared |= {code_of(float(c)): reason for c, reason in declared.items() if is_number(c)}
        return declared


def typed_array(values: Sequence[Any], kind: ColumnType) -> Any:
    """Return values (None where missing) as the array a contract's type is kept in."""
    if kind == "integer":
        return pd.array(values, dtype="Int64")
    if kind == "number":
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    if kind == "date":
        return np.array(values, dtype="datetime64[s]")
    return pd.array(values, dtype=TEXT)


def text_array(array: Any) -> Any:
    """Return a pyarrow array of strings as pandas keeps text, without a look at each."""
    import pyarrow as pa

    kind: Any = pd.arrays.ArrowStringArray  # pandas's stubs do not know its second argument
    return kind(array.cast(pa.large_string()), dtype=TEXT)
