"""Of visits: their windows, their order, and those that should have been. Not here: other dates (dates)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from data_contracts.evidence import Evidence, by_participant, days
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule


def _days_outside_window(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days after the visit's window (before it: negative); missing where day or window is unknown."""
    since = evidence.days_since_randomisation(form, rule.columns[0])
    windows = {v.code: v.window for v in evidence.trial.visits if v.window}
    visits = form.values["visit"]
    first = visits.map({code: window[0] for code, window in windows.items()}).astype("Float64")
    last = visits.map({code: window[1] for code, window in windows.items()}).astype("Float64")
    return (since - last).clip(lower=0) + (since - first).clip(upper=0)


def _visit_of_date(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the code of the visit in whose window a record is dated; missing where there is none."""
    since = evidence.days_since_randomisation(form, rule.columns[0])
    found = pd.Series(pd.NA, index=since.index, dtype="str")
    for visit in evidence.trial.visits:
        if visit.window:
            found[since.between(*visit.window).fillna(value=False).astype(bool)] = visit.code
    return found


def _days_after_randomisation(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days from randomisation to a follow-up; other visits are left out."""
    is_follow_up = form.values["visit"].isin([visit.code for visit in evidence.trial.follow_ups])
    return evidence.days_since_randomisation(form, rule.columns[0]).where(is_follow_up)


def _days_after_earlier_visit(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return days from the latest of a participant's earlier visits in the form to this one."""
    dates = form.values[rule.columns[0]]
    months = {visit.code: visit.month for visit in evidence.trial.visits}
    month = form.values["visit"].map(months).astype("float64")
    ordered = pd.DataFrame({"who": form.values["participant"], "month": month, "date": dates}).dropna()
    # The latest date of each month, then of all months before it: records of one visit are not compared.
    latest = ordered.groupby(["who", "month"])["date"].max().sort_index()
    before = latest.groupby(level="who").cummax().groupby(level="who").shift()
    here = pd.MultiIndex.from_frame(ordered[["who", "month"]])
    return days(before.reindex(here).set_axis(ordered.index).reindex(dates.index), dates)


def _same_day(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return at how many visits of the form a participant was seen on the day of this record."""
    named = form.values[["participant", "visit", rule.columns[0]]].dropna()
    count = named.groupby(["participant", rule.columns[0]])["visit"].transform("nunique")
    return count.reindex(form.values.index).astype("Float64")


def _is_there_in_time(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return whether a randomised participant's visit is there; missing while it is not due, or no more.

    `form` is the allocation. Not due: the window is open still. No more: withdrawn before it closed.
    """
    visit = rule.arguments["visit"]
    since = days(by_participant(form, evidence.randomised_on()), pd.Series(evidence.today, form.values.index))
    due = (since > rule.arguments["closes"]).fillna(value=False).astype(bool)
    left = form.values["participant"].isin(_left_before(rule.arguments["closes"], evidence))
    seen = evidence.values(rule.arguments["form"])
    there = (
        set(seen.loc[seen["visit"] == visit, "participant"]) if {"participant", "visit"} <= set(seen) else ()
    )
    return form.values["participant"].isin(there).astype("boolean").where(due & ~left)


def _left_before(closes: int, evidence: Evidence) -> set[str]:
    """Return who was withdrawn by the day since randomisation on which a window closes."""
    randomised, gone = evidence.randomised_on(), set[str]()
    for form in evidence.trial.forms_of("withdrawals"):
        if form.date:
            left = evidence.dates(f"{form.name}.{form.date}").groupby("participant")["date"].min()
            since = days(randomised.reindex(left.index), left)
            gone |= set(since.index[(since <= closes).fillna(value=True).astype(bool)])
        else:
            gone |= evidence.participants(form.name)
    return gone


def _is_filled(rule: Rule, form: ReadForm, _: Evidence) -> pd.Series:
    """Return whether a value is there, at the visits that need it; missing at others."""
    needed = form.values["visit"].isin(rule.arguments["visits"])
    return form.values[rule.columns[0]].notna().astype("boolean").where(np.asarray(needed))


HELPERS: Mapping[str, Helper] = {
    "in_window": Helper("days outside the visit's window", _days_outside_window),
    "assignable": Helper("visit, by date", _visit_of_date),
    "after_randomisation": Helper("days from randomisation to the follow-up", _days_after_randomisation),
    "in_turn": Helper("days after the participant's earlier visits", _days_after_earlier_visit),
    "own_day": Helper("visits of the participant on that day", _same_day),
    "there_in_time": Helper("visit is there", _is_there_in_time),
    "filled_at": Helper("filled in at the visit", _is_filled),
}
