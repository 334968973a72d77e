"""Who was randomised where, and who was seen at each visit, by site; arms are pooled. Not here: lights, tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from analysis.derive.visits import DAYS_PER_MONTH, assign_visits
from data_contracts.spec import Form, Trial, Visit

Forms = Mapping[str, pd.DataFrame]
ALL = ""  # stands for all sites together


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """How a trial's sites recruit and keep their participants."""

    recruited: pd.DataFrame  # site, randomised
    seen: pd.DataFrame  # site, visit, expected, observed
    form: str  # whose records tell who was seen
    is_dated: bool  # whether dates of randomisation tell which visits are due


def followed_up(accepted: Forms, trial: Trial, today: date) -> Followed | None:
    """Return how many were randomised, and expected and observed at each visit after it, by site.

    A visit is expected of who was randomised once its window has closed (without one, once its planned day has
    passed; without dates of randomisation, at once), or when there is a record of it already. It is observed
    when the form of the primary outcome has an accepted record of it.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.
        today: The day of the run.

    Returns:
        Each site's counts, and those of `ALL`; None when a form or column it takes is not there.
    """
    (allocation,), form = trial.forms_of("allocation"), _form_of_primary(trial)
    if not {"participant"} <= set(accepted.get(allocation.name, ())) & set(accepted.get(form.name, ())):
        return None
    people = _people(accepted, trial, allocation)
    day = _day_of_randomisation(people, allocation)
    observed = _observed(accepted[form.name], form, trial, day)
    rows = [row for visit in trial.follow_ups for row in _by_site(people, day, observed, visit, today)]
    return Followed(
        recruited=_recruited(people),
        seen=pd.DataFrame(rows, columns=["site", "visit", "expected", "observed"]),
        form=form.name,
        is_dated=bool(day.notna().any()),
    )


def _form_of_primary(trial: Trial) -> Form:
    """Return the form of the primary outcome; of one made from others or from events, the first visit form."""
    outcome = trial.outcomes[trial.primary.outcome]
    while outcome.of:
        outcome = trial.outcomes[outcome.of]
    return trial.forms[outcome.form] if outcome.form in trial.forms else trial.forms_of("visits")[0]


def _people(accepted: Forms, trial: Trial, allocation: Form) -> pd.DataFrame:
    """Return who was randomised, by participant, with their site: the allocation's, else the registration's."""
    listed = accepted[allocation.name]
    people = listed[listed["participant"].notna()].drop_duplicates("participant").set_index("participant")
    if "site" in people:
        return people
    (baseline,) = trial.forms_of("participants")
    others = accepted.get(baseline.name, pd.DataFrame())
    if not {"participant", "site"} <= set(others):
        return people.assign(site=ALL)
    known = others.drop_duplicates("participant").set_index("participant")["site"]
    return people.assign(site=known.reindex(people.index))


def _day_of_randomisation(people: pd.DataFrame, allocation: Form) -> pd.Series:
    missing = pd.Series(pd.NaT, index=people.index, dtype="datetime64[s]")
    return people.get(allocation.date, missing)


def _observed(records: pd.DataFrame, form: Form, trial: Trial, day: pd.Series) -> pd.MultiIndex:
    """Return the pairs of participant and visit that have an accepted record."""
    known = records[records["participant"].isin(day.index)]
    assigned = assign_visits(known, form, trial, day if day.notna().any() else day.iloc[:0])
    return pd.MultiIndex.from_frame(assigned[["participant", "visit"]])


def _by_site(
    people: pd.DataFrame, day: pd.Series, observed: pd.MultiIndex, visit: Visit, today: date
) -> list[tuple[str, str, int, int]]:
    """Return what is expected and observed at one visit: all sites together first."""
    there = people.index.isin(observed[observed.get_level_values("visit") == visit.code].droplevel("visit"))
    seen = pd.Series(there, index=people.index)
    expected = seen | _is_due(day, visit, today)
    counted = pd.DataFrame({"expected": expected, "observed": seen}).groupby(people["site"]).sum()
    whole = (ALL, visit.code, int(expected.sum()), int(seen.sum()))
    return [whole, *((str(s), visit.code, int(e), int(o)) for s, e, o in counted.itertuples() if s != ALL)]


def _is_due(day: pd.Series, visit: Visit, today: date) -> pd.Series:
    """Return of whom a visit is due by now; one whose day of randomisation is unknown alone is never due."""
    if not day.notna().any():
        return pd.Series(data=True, index=day.index)
    last = visit.window[1] if visit.window else visit.month * DAYS_PER_MONTH
    due: pd.Series = (pd.Timestamp(today) - day).dt.days > last
    return due


def _recruited(people: pd.DataFrame) -> pd.DataFrame:
    by_site = people["site"].value_counts()
    rows = [(ALL, len(people)), *((str(site), int(n)) for site, n in by_site.items() if site != ALL)]
    return pd.DataFrame(rows, columns=["site", "randomised"])
