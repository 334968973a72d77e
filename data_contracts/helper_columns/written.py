"""Of the rules a trial's file writes out itself: whether a record keeps them. Not here: their spelling (check).

A comparison with a missing value says nothing: neither that a rule applies, nor that it is broken. Whether
something is there is asked by `is = "present"` and `is = "missing"`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from data_contracts.check import Comparison
from data_contracts.evidence import Evidence
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule

Compared = Callable[[pd.Series, Any], pd.Series]
COMPARED: Mapping[str, Compared] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _keeps(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return whether a record keeps the rule; missing where it does not apply or can't be told."""
    applies = _all(rule.arguments["when"], form)
    return _all(rule.arguments["must"], form).where(applies.fillna(value=False).astype(bool))


def _all(comparisons: Iterable[Comparison], form: ReadForm) -> pd.Series:
    """Return whether every comparison holds; missing where one can't be told and none fails."""
    result = pd.Series(True, index=form.values.index, dtype="boolean")
    for comparison in comparisons:
        result &= _holds(comparison, form.values)
    return result


def _holds(comparison: Comparison, values: pd.DataFrame) -> pd.Series:
    left = values[comparison.column]
    if comparison.op in {"present", "missing"}:
        return (left.notna() if comparison.op == "present" else left.isna()).astype("boolean")
    if comparison.op == "one of":
        return (
            left.isin([_typed(one, left) for one in comparison.values]).astype("boolean").where(left.notna())
        )
    other = values[comparison.other] if comparison.other else None
    right = _typed(comparison.value, left) if other is None else other
    known = left.notna() if other is None else left.notna() & other.notna()
    return COMPARED[comparison.op](left, right).astype("boolean").where(known)


def _typed(value: Any, column: pd.Series) -> Any:
    """Return a value of the trial file as the column holds it: a date for dates, a text for texts."""
    if column.dtype.kind == "M":
        return pd.Timestamp(value)
    return value if pd.api.types.is_numeric_dtype(column.dtype) else str(value)


HELPERS: Mapping[str, Helper] = {"written": Helper("keeps the rule", _keeps)}
