"""The order of a factor's levels: a categorical's own, else numeric, else alphabetical with numbers in order."""

import re

import pandas as pd

PARTS = re.compile(r"(\d+)")


def as_factor(column: pd.Series) -> pd.Series:
    """A categorical of the levels that occur; its own order if it had one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    present = column.dropna().unique()
    return column.astype(pd.CategoricalDtype(sorted(present, key=natural)))


def natural(level: object) -> tuple[tuple[int, float, str], ...]:
    """Sort key in which "visit 2" comes before "visit 10" and numbers before text."""
    if isinstance(level, str):
        parts = PARTS.split(level)
        return tuple((0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part)
    return ((0, float(level), ""),)  # type: ignore[arg-type]


def is_factor(column: pd.Series) -> bool:
    """Whether a column is one by its type: categorical, text or boolean."""
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
