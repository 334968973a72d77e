"""What holds of each value of one column, a missing one aside, for a whole column at once.

Great Expectations' own conditions go value by value on pandas' nullable types and copy the whole table to
leave missing values out; these do neither. Not here: giving them to Great Expectations (judge).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Condition = Callable[..., pd.Series]  # (column, *arguments) -> (n,) bool, true where the value is missing


@dataclass(frozen=True, slots=True)
class Conditioned:
    """A condition, and which of the expectation's arguments it takes."""

    holds: Condition
    arguments: tuple[str, ...] = ()


def within(column: pd.Series, lowest: float | None, highest: float | None) -> pd.Series:
    """Return where a number lies between two limits, each of which may be open."""
    numbers = column.to_numpy(dtype="float64", na_value=np.nan)
    outside = np.zeros(len(numbers), dtype=np.bool_)  # a comparison with a missing value is false
    if lowest is not None:
        outside |= numbers < lowest
    if highest is not None:
        outside |= numbers > highest
    return pd.Series(~outside, index=column.index)


def among(column: pd.Series, values: Collection[Any]) -> pd.Series:
    """Return where a value is one of those given."""
    return column.isin(list(values)) | column.isna()


def unrepeated(column: pd.Series) -> pd.Series:
    """Return where a value stands once in the column."""
    return ~column.duplicated(keep=False) | column.isna()


def without(column: pd.Series, pattern: str) -> pd.Series:
    """Return where a text does not match a regular expression; each distinct text is searched once."""
    search = re.compile(pattern).search
    return ~column.isin([text for text in column.dropna().unique() if search(text)])


CONDITIONS: Mapping[str, Conditioned] = {  # by the class of Great Expectations that asks for it
    "ExpectColumnValuesToBeBetween": Conditioned(within, ("min_value", "max_value")),
    "ExpectColumnValuesToBeInSet": Conditioned(among, ("value_set",)),
    "ExpectColumnValuesToBeUnique": Conditioned(unrepeated),
    "ExpectColumnValuesToNotMatchRegex": Conditioned(without, ("regex",)),
}
