"""What happened to whom after randomisation, and how long each was followed. Not here: what it is compared as.

Days are counted from randomisation, which is day 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from data_contracts.plan import Event, Outcome
from data_contracts.spec import Trial

Forms = Mapping[str, pd.DataFrame]
CONTACTS = ("visits", "sessions", "withdrawals")  # kinds of forms whose dates show that somebody was seen


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """The dated events of the people randomised, and the last day anybody heard of each."""

    days: Mapping[str, pd.DataFrame]  # event -> participant, day; day 0 or later, in order
    last_contact: pd.Series  # (participants,) day; missing where there is no date after randomisation
    unheld: pd.DataFrame  # participant, event: a row per event of an outcome that came too late to be in it
    notes: tuple[str, ...]


def events_of(accepted: Forms, trial: Trial, randomised_on: pd.Series) -> Happened:
    """Return each declared event's days by participant, and each participant's last contact.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.
        randomised_on: dates by participant, of everybody randomised.
    """
    days, notes, unheld = {}, [], [pd.DataFrame({"participant": [], "event": []}, dtype="str")]
    contact = _last_contact(accepted, trial, randomised_on)
    in_outcomes = {outcome.event for outcome in trial.outcomes.values()}
    for event in trial.events.values():
        found = _days(_records(accepted, event), _date(event, trial), randomised_on)
        if early := int((found["day"] < 0).sum()):
            notes.append(f"{event.label}: {early} dated before randomisation, left aside.")
        if event.name in in_outcomes:  # of another nobody expects one
            unheld.append(_after_contact(found, contact).assign(event=event.name))
            if late := len(unheld[-1]):
                notes.append(
                    f"{event.label}: {late} after the participant's last dated contact, in no outcome."
                )
        days[event.name] = found[found["day"] >= 0].sort_values(["participant", "day"], ignore_index=True)
    return Happened(days, contact, pd.concat(unheld, ignore_index=True), tuple(notes))


def _after_contact(found: pd.DataFrame, contact: pd.Series) -> pd.DataFrame:
    """Return the participant of each event after the last day that anybody heard of them."""
    heard_of = found["participant"].map(contact).astype("float64").fillna(0)
    return found.loc[found["day"] > heard_of, ["participant"]]


def first_days(happened: Happened, people: pd.Index) -> pd.DataFrame:
    """Return the day of each participant's first event as `event_<name>_day`, missing where it did not happen."""
    first = {
        f"event_{name}_day": days.groupby("participant")["day"].min().reindex(people).astype("Float64")
        for name, days in happened.days.items()
    }
    return pd.DataFrame(first, index=people)


def event_outcome(happened: Happened, outcome: Outcome, people: pd.Index) -> pd.DataFrame:
    """Return an outcome made from an event, as two columns by participant.

    Returns:
        `<name>`: the number of events (kind "count") or 1 and 0 for had it or not (kind "time to event"), as far
        as the participant was followed; `<name>_days`: the days followed, or until the event. Both are missing
        for whoever was not heard of after randomisation.
    """
    end = happened.last_contact.reindex(people)
    if outcome.until_days is not None:
        end = end.clip(upper=outcome.until_days)
    end = end.where(end > 0)
    days = happened.days[outcome.event]
    seen = days[days["day"] <= days["participant"].map(end).astype("float64")]
    if outcome.kind == "count":
        value, followed = seen.groupby("participant").size().reindex(people, fill_value=0), end
    else:
        first = seen.groupby("participant")["day"].min().reindex(people)
        # An event on the day of randomisation counts as half a day: a time of nothing has no hazard.
        value, followed = first.notna().astype(int), first.clip(lower=0.5).fillna(end)
    return pd.DataFrame(
        {
            outcome.name: value.astype("float64").where(end.notna()),
            f"{outcome.name}_days": followed.astype("float64"),
        },
        index=people,
    )


def _records(accepted: Forms, event: Event) -> pd.DataFrame:
    records = accepted.get(event.form)
    if records is None:
        return pd.DataFrame({"participant": pd.Series(dtype="str")})
    for column, codes in event.where.items():
        records = records[records[column].astype("str").isin(list(codes))]
    return records


def _date(event: Event, trial: Trial) -> str:
    return event.date or trial.forms[event.form].date


def _days(records: pd.DataFrame, date: str, randomised_on: pd.Series) -> pd.DataFrame:
    """Return participant and day of each dated record of somebody randomised."""
    if date not in records:
        return pd.DataFrame({"participant": pd.Series(dtype="str"), "day": pd.Series(dtype="float64")})
    start = pd.to_datetime(records["participant"].map(randomised_on))
    day = (records[date] - start).dt.days.astype("float64")
    return pd.DataFrame({"participant": records["participant"], "day": day}).dropna()


def _last_contact(accepted: Forms, trial: Trial, randomised_on: pd.Series) -> pd.Series:
    contacts = [
        _days(accepted[name], date, randomised_on)
        for name, date in _dated(trial)
        if name in accepted and trial.forms[name].kind in CONTACTS
    ]
    if not contacts:
        return pd.Series(float("nan"), index=randomised_on.index)
    return pd.concat(contacts).groupby("participant")["day"].max().reindex(randomised_on.index)


def _dated(trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield the forms with the column that dates their records."""
    yield from ((form.name, form.date) for form in trial.forms.values() if form.date)
