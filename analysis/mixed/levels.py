"""The order of a factor's levels: a categorical's own, else numeric, else alphabetical with numbers in order."""

import re

import numpy as np
import pandas as pd

PARTS = re.compile(r"(\d+)")


def as_factor(column: pd.Series) -> pd.Series:
    """A categorical of the levels that occur; its own order if it had one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    codes, found = pd.factorize(column)
    present = list(found)
    order = sorted(range(len(present)), key=lambda number: natural(present[number]))
    place = np.full(len(present) + 1, -1, dtype=np.intp)  # the last is for a missing value, code -1
    place[order] = np.arange(len(present))
    dtype = pd.CategoricalDtype([present[number] for number in order])
    factor = pd.Categorical.from_codes(place[codes], dtype=dtype)
    return pd.Series(factor, index=column.index, name=column.name)


def natural(level: object) -> tuple[tuple[int, float, str], ...]:
    """Sort key in which "visit 2" comes before "visit 10" and numbers before text."""
    if isinstance(level, str):
        parts = PARTS.split(level)
        return tuple((0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part)
    return ((0, float(level), ""),)  # type: ignore[arg-type]


def is_factor(column: pd.Series) -> bool:
    """Whether a column is one by its type: categorical, text or boolean."""
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
