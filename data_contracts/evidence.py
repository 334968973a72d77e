"""What a rule may ask of a night's data: every form read, the trial, and the day it is. Not here: rules.

Blank text counts as missing, and a column that its file lacks is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.spec import Form, Trial

_NO_DATES = pd.DataFrame({"participant": pd.Series(dtype="str"), "date": pd.Series(dtype="datetime64[s]")})
_NO_ARMS = pd.DataFrame({"participant": pd.Series(dtype="str"), "arm": pd.Series(dtype="str")})


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the rules of one form may ask of the others: all forms read, and the trial."""

    forms: Mapping[str, ReadForm]  # blank text in them is missing
    trial: Trial
    today: pd.Timestamp  # what is dated later has not happened, what was due before has passed

    @classmethod
    def of(cls, forms: Mapping[str, ReadForm], trial: Trial, today: date | None = None) -> Self:
        """Return the evidence that forms give; `today` is else the day on which the newest export was made."""
        day = today or max((form.source.modified.date() for form in forms.values()), default=date.max)
        return cls({name: _without_blanks(form) for name, form in forms.items()}, trial, pd.Timestamp(day))

    @property
    def allocation(self) -> Form:
        """Return the form of the randomisation list."""
        return self.trial.forms_of("allocation")[0]

    def values(self, form: str) -> pd.DataFrame:
        """Return a form's values without the columns its file lacks; an absent form has none."""
        if form not in self.forms:
            return pd.DataFrame()
        read = self.forms[form]
        gone = [name for name in read.absent_columns if name in read.values]
        return read.values.drop(columns=gone) if gone else read.values

    def has(self, form: str, *columns: str) -> bool:
        """Say whether a form was read and its file has these columns."""
        return set(columns) <= set(self.values(form).columns)

    def dates(self, name: str) -> pd.DataFrame:
        """Return participant and date of each record of a `form.column`; empty where it is absent."""
        form, column = name.split(".")
        if not self.has(form, "participant", column):
            return _NO_DATES
        found = self.values(form)[["participant", column]]
        return found.set_axis(["participant", "date"], axis=1).dropna()

    def arms(self) -> pd.DataFrame:
        """Return participant and arm of each record of the allocation."""
        name = self.allocation.name
        known = self.has(name, "participant", "arm")
        return self.values(name)[["participant", "arm"]].dropna() if known else _NO_ARMS

    def participants(self, form: str) -> set[str]:
        """Return who has a record in a form."""
        known = self.has(form, "participant")
        return set(self.values(form)["participant"].dropna()) if known else set()

    def randomised_on(self) -> pd.Series:
        """Return each participant's (first) day of randomisation."""
        name = f"{self.allocation.name}.{self.allocation.date}"
        return self.dates(name).groupby("participant")["date"].min()

    def days_since_randomisation(self, form: ReadForm, date: str) -> pd.Series:
        """Return whole days from the participant's (first) randomisation to a date of each record."""
        return days(by_participant(form, self.randomised_on()), form.values[date])


def by_participant(form: ReadForm, known: pd.Series) -> pd.Series:
    """Return for each record what is known of its participant; missing where nothing is."""
    found = known.reindex(form.values["participant"])
    return found.set_axis(form.values.index)


def days(earlier: pd.Series, later: pd.Series) -> pd.Series:
    """Return the whole days from one date to another; missing where one of them is."""
    return (later - earlier).dt.days.astype("Float64")


def _without_blanks(form: ReadForm) -> ReadForm:
    text = form.values.columns[form.values.dtypes == "str"]
    blank = {name: form.values[name].str.strip() == "" for name in text}
    filled = {name: form.values[name].mask(where) for name, where in blank.items() if where.any()}
    return replace(form, values=form.values.assign(**filled)) if filled else form
