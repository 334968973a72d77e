"""The table a form is judged on: its values, and a helper column where a rule needs more than one column.

Not here: the expectations on it (expectations), judging (judge).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import pandas as pd

from data_contracts.forms import ReadForm
from data_contracts.rules import Rule
from data_contracts.spec import Trial

UNDECLARED = "undeclared: "  # before the name of a column that the plan does not declare
Helper = Callable[[Rule, ReadForm, "Evidence"], pd.Series]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the rules of one form may ask of the others: all forms read, and the trial."""

    forms: Mapping[str, ReadForm]  # blank text in them is missing
    trial: Trial

    @classmethod
    def of(cls, forms: Mapping[str, ReadForm], trial: Trial) -> Self:
        """Return the evidence that forms give, with blank text made missing."""
        return cls({name: _without_blanks(form) for name, form in forms.items()}, trial)

    def values(self, form: str) -> pd.DataFrame:
        """Return a form's values without the columns its file lacks; an absent form has none."""
        if form not in self.forms:
            return pd.DataFrame()
        read = self.forms[form]
        return read.values.drop(columns=[c for c in read.absent_columns if c in read.values])

    def dates(self, name: str) -> pd.DataFrame:
        """Return participant and date of each record of a `form.column`; empty where it is absent."""
        form, column = name.split(".")
        values = self.values(form)
        found = (
            values
            if {"participant", column} <= set(values.columns)
            else _NO_DATES.rename(columns={"date": column})
        )
        return found[["participant", column]].set_axis(["participant", "date"], axis=1).dropna()

    def arms(self) -> pd.DataFrame:
        """Return participant and arm of each record of the allocation."""
        values = self.values(self.trial.forms_of("allocation")[0].name)
        known = {"participant", "arm"} <= set(values.columns)
        return values[["participant", "arm"]].dropna() if known else _NO_ARMS

    def days_since_randomisation(self, form: ReadForm, date: str) -> pd.Series:
        """Return whole days from the participant's (first) randomisation to a date of each record."""
        (allocation,) = self.trial.forms_of("allocation")
        randomised = self.dates(f"{allocation.name}.{allocation.date}").groupby("participant")["date"].min()
        return _days(_by_participant(form, randomised), form.values[date])


_NO_DATES = pd.DataFrame({"participant": pd.Series(dtype="str"), "date": pd.Series(dtype="datetime64[s]")})
_NO_ARMS = pd.DataFrame({"participant": pd.Series(dtype="str"), "arm": pd.Series(dtype="str")})


def checking_frame(form: str, evidence: Evidence, rules: tuple[Rule, ...]) -> pd.DataFrame:
    """Return the table on which a form's rules are judged.

    Args:
        form: The form's name.
        evidence: All forms read.
        rules: The form's rules that can be judged: see `is_judgeable`.

    Returns:
        (n, columns) `row`, the form's own columns, the rules' helper columns, and an
        empty column for each that the file has and the plan does not declare.
    """
    read = evidence.forms[form]
    frame = evidence.values(form)
    helpers = [HELPERS[r.check](r, read, evidence).rename(subject_of(r)) for r in rules if r.check in HELPERS]
    undeclared = pd.DataFrame(
        index=frame.index, columns=[UNDECLARED + c for c in read.unknown_columns], dtype="str"
    )
    return pd.concat([frame, *helpers, undeclared], axis=1).rename_axis("row").reset_index()


def is_judgeable(rule: Rule, evidence: Evidence) -> bool:
    """Return whether the file has the rule's columns: their absence is a finding of its own."""
    if rule.check == "readable":
        return True
    present = evidence.values(rule.form).columns
    return rule.check == "present" or set(rule.columns) <= set(present)


def subject_of(rule: Rule) -> str:
    """Return the column of the checking frame that a rule judges: its helper's, or its own first one."""
    return f"{MEANINGS[rule.check]} ({rule.id})" if rule.check in HELPERS else rule.columns[0]


def _without_blanks(form: ReadForm) -> ReadForm:
    text = form.values.columns[form.values.dtypes == "str"]
    blank = {name: form.values[name].str.strip() == "" for name in text}
    filled = {name: form.values[name].mask(where) for name, where in blank.items() if where.any()}
    return replace(form, values=form.values.assign(**filled)) if filled else form


def _by_participant(form: ReadForm, known: pd.Series) -> pd.Series:
    """Return for each record what is known of its participant; missing where nothing is."""
    found = known.reindex(form.values["participant"])
    return found.set_axis(form.values.index)


def _days(earlier: pd.Series, later: pd.Series) -> pd.Series:
    return (later - earlier).dt.days.astype("Float64")


def _unreadable_cells(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return how many cells of the rule's columns could not be read, by record."""
    cells = form.unreadable[form.unreadable["column"].isin(rule.columns)]
    return cells.groupby("row").size().reindex(form.values.index, fill_value=0)


def _days_outside_window(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days after the visit's window (before it: negative); missing where day or window is unknown."""
    days = evidence.days_since_randomisation(form, rule.columns[0])
    windows = {v.code: v.window for v in evidence.trial.visits if v.window}
    visits = form.values["visit"]
    first = visits.map({code: window[0] for code, window in windows.items()}).astype("Float64")
    last = visits.map({code: window[1] for code, window in windows.items()}).astype("Float64")
    return (days - last).clip(lower=0) + (days - first).clip(upper=0)


def _visit_of_date(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the code of the visit in whose window a record is dated; missing where there is none."""
    days = evidence.days_since_randomisation(form, rule.columns[0])
    found = pd.Series(pd.NA, index=days.index, dtype="str")
    for visit in evidence.trial.visits:
        if visit.window:
            found[days.between(*visit.window).fillna(value=False).astype(bool)] = visit.code
    return found


def _days_between(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days from the earlier date to the later; of several in another form, those that lie closest."""
    earlier, later = rule.arguments["earlier"], rule.arguments["later"]
    dates = {name: _own_or_known(name, name == later, form, evidence) for name in (earlier, later)}
    return _days(dates[earlier], dates[later])


def _own_or_known(name: str, is_later: bool, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a date of each record: its own, or another form's (of several the first later, last earlier)."""
    of, column = name.split(".")
    if of == form.name:
        return form.values[column]
    by_participant = evidence.dates(name).groupby("participant")["date"]
    return _by_participant(form, by_participant.min() if is_later else by_participant.max())


def _total_less_parts(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a total less its parts; missing where the total or a part is."""
    total, *parts = rule.columns
    values = form.values[parts].astype("Float64")
    if name := rule.arguments.get("instrument"):
        return form.values[total].astype("Float64") - _instrument_total(values, str(name), evidence.trial)
    return form.values[total].astype("Float64") - values.sum(axis=1, skipna=False)


def _instrument_total(answers: pd.DataFrame, name: str, trial: Trial) -> pd.Series:
    """Return an instrument's total of complete answers, reversed items turned round."""
    instrument = trial.instruments[name]
    scale = instrument.scales.get("total") or next(iter(instrument.scales.values()))
    scored = answers.set_axis(range(1, instrument.n_items + 1), axis=1)
    for item in instrument.reversed:
        scored[item] = sum(instrument.answer_range(item)) - scored[item]
    counted = scored[list(scale.items)]
    if scale.method == "count":
        counted = counted.isin(scale.counted).astype("Float64").where(counted.notna())
    return counted.mean(axis=1, skipna=False) if scale.method == "mean" else counted.sum(axis=1, skipna=False)


def _is_known(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return whether each record's participant is in another form; missing where the record names none."""
    other = evidence.values(rule.arguments["form"])
    known = list(other["participant"].dropna()) if "participant" in other else []
    participants = form.values["participant"]
    return participants.isin(known).astype("boolean").where(participants.notna())


def _number_of_arms(_: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return in how many arms each record's participant is listed."""
    return _by_participant(form, evidence.arms().groupby("participant")["arm"].nunique().astype("Int64"))


def _arm_of_participant(_: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the arm of each record's participant; missing where there is none, or more than one."""
    arms = evidence.arms().drop_duplicates().drop_duplicates("participant", keep=False)
    return _by_participant(form, arms.set_index("participant")["arm"])


HELPERS: Mapping[str, Helper] = {
    "readable": _unreadable_cells,
    "in_window": _days_outside_window,
    "assignable": _visit_of_date,
    "in_order": _days_between,
    "adds_up": _total_less_parts,
    "known": _is_known,
    "one_arm": _number_of_arms,
    "in_therapy_arm": _arm_of_participant,
}
MEANINGS: Mapping[str, str] = {
    "readable": "number of unreadable cells",
    "in_window": "days outside the visit's window",
    "assignable": "visit, by date",
    "in_order": "days from the earlier date to the later",
    "adds_up": "total less its parts",
    "known": "participant is known",
    "one_arm": "number of arms of the participant",
    "in_therapy_arm": "arm of the participant",
}
