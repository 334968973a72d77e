"""Of what looks unlikely rather than wrong: copied records, columns that say nothing. Not here: ranges."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data_contracts.evidence import Evidence
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule

FEWEST_EXPECTED = 1e-3  # records that chance would make the same as one; below, a repetition is worth a look
FEWEST_RECORDS = 20  # below, a constant column is no surprise


def silent_columns(values: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Return which columns of a form say nothing: no value at all, or one and the same in every record."""
    if len(values) < FEWEST_RECORDS:
        return ()
    return tuple(name for name in columns if name in values and _is_silent(values[name].dropna()))


def _is_silent(known: pd.Series) -> bool:
    return known.empty or bool((known == known.iloc[0]).all())


def _number_silent(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return the number of the rule's columns that say nothing, the same for every record."""
    return pd.Series(len(silent_columns(form.values, rule.columns)), index=form.values.index)


def _alike(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return how many records have the values of this one; missing where that is no surprise."""
    values = form.values[list(rule.columns)]
    may_be = values[_fingerprint(values).duplicated(keep=False)]
    telling = may_be[_expected_alike(may_be, values) < FEWEST_EXPECTED]
    alike = telling.groupby(list(rule.columns), dropna=False)[rule.columns[0]].transform("size")
    return alike.reindex(values.index).astype("Float64")


def _fingerprint(values: pd.DataFrame) -> pd.Series:
    """Return a number for each record, the same where all values are; seldom else (checked by whoever asks)."""
    number = np.zeros(len(values))
    for place, name in enumerate(values, start=2):
        number += np.sqrt(place) * _numbers(values[name])
    return pd.Series(number, index=values.index)


def _numbers(column: pd.Series) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    numbers: np.ndarray[tuple[int], np.dtype[np.float64]]
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = np.nan_to_num(column.to_numpy(dtype="float64", na_value=np.nan), nan=-0.7)
    else:
        numbers = pd.factorize(column)[0].astype("float64")
    return numbers


def _expected_alike(some: pd.DataFrame, values: pd.DataFrame) -> pd.Series:
    """Return how many records chance would make the same as each of some, were the columns independent.

    A nought and a missing value tell nothing: they come together, as where nobody did anything that week.
    """
    expected = pd.Series(float(len(values)), index=some.index)
    for name in some if len(some) else ():
        share = values[name].value_counts() / len(values)
        telling = some[name].map(share).where(~some[name].isin([0, "0"]))
        expected *= telling.astype("float64").fillna(1.0)
    return expected


HELPERS: Mapping[str, Helper] = {
    "varied": Helper("columns that say nothing", _number_silent),
    "not_copied": Helper("records with the same values", _alike),
}
