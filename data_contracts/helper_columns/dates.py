"""Of dates: which came first, and which have not come yet. Not here: visits' windows (visits)."""

from collections.abc import Mapping

import pandas as pd

from data_contracts.evidence import Evidence, by_participant, days
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule


def _between(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days from the earlier date to the later; of several in another form, those that lie closest."""
    earlier, later = rule.arguments["earlier"], rule.arguments["later"]
    dates = {name: _own_or_known(name, name == later, form, evidence) for name in (earlier, later)}
    return days(dates[earlier], dates[later])


def _own_or_known(name: str, is_later: bool, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a date of each record: its own, or another form's (of several the first later, last earlier)."""
    of, column = name.split(".")
    if of == form.name:
        return form.values[column]
    by_person = evidence.dates(name).groupby("participant")["date"]
    return by_participant(form, by_person.min() if is_later else by_person.max())


def _ahead(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return how many days after today a date lies."""
    dates = form.values[rule.columns[0]]
    return days(pd.Series(evidence.today, index=dates.index), dates)


HELPERS: Mapping[str, Helper] = {
    "in_order": Helper("days from the earlier date to the later", _between),
    "not_future": Helper("days after today", _ahead),
}
