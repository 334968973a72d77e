"""Of single cells: whether they could be read, and what their missing codes could mean. Not here: values."""

from collections.abc import Mapping

import pandas as pd

from data_contracts.evidence import Evidence
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule


def _unreadable(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return how many cells of the rule's columns could not be read, by record."""
    cells = form.unreadable[form.unreadable["column"].isin(rule.columns)]
    return cells.groupby("row").size().reindex(form.values.index, fill_value=0)


def _ambiguous(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return whether a value is missing by a code that is a legal value too."""
    name = rule.columns[0]
    if name not in form.reasons:
        return pd.Series(0, index=form.values.index)
    return form.reasons[name].isin(rule.arguments["reasons"]).astype("int64")


HELPERS: Mapping[str, Helper] = {
    "readable": Helper("number of unreadable cells", _unreadable),
    "unambiguous": Helper("missing by a code that is a legal value too", _ambiguous),
}
