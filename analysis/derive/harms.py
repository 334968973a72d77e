"""Adverse events of the people randomised, a row per event. Not here: counting them by arm (estimators.harms).

What is what follows from the names a form's columns are declared under, whatever the export calls them:
`category` is the kind of event, `serious` and `related` ask yes or no. Each of the three may be absent, and then is
said of no event.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.derive.answers import answers
from data_contracts.spec import Form, Trial
from data_contracts.yes_no import RELATED, SERIOUS, labels_saying_yes

Forms = Mapping[str, pd.DataFrame]
CATEGORY = "category"
COLUMNS = ["participant", "arm", CATEGORY, SERIOUS, RELATED]
NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True, eq=False)
class Harms:
    """The adverse events that count as harms, and what was left aside."""

    events: pd.DataFrame  # participant, arm, category, serious, related; a column for what is declared
    notes: tuple[str, ...]


def harms_of(accepted: Forms, trial: Trial, people: pd.DataFrame, randomised_on: pd.Series) -> Harms:
    """Return the adverse events of whoever was randomised and not excluded, from the day of randomisation on.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.
        people: By participant, those who count; column arm.
        randomised_on: Dates by participant.

    Returns:
        Categories by label, in text; `serious` and `related` as True or False, missing where not recorded. An
        event without a date counts. Without any such form there is no column `arm`: nobody kept a record.
    """
    parts, notes = [], []
    for form in trial.forms_of("adverse_events"):
        records = accepted.get(form.name)
        if records is None:
            continue
        known = records[records["participant"].isin(people.index)]
        early = _before(known, form, randomised_on)
        notes += [*_note(form, len(records) - len(known), "of nobody in the flow, or of somebody excluded")]
        notes += [*_note(form, int(early.sum()), "began before randomisation")]
        parts.append(_told(known[~early], form).assign(arm=lambda e: e["participant"].map(people["arm"])))
    if not parts:
        return Harms(pd.DataFrame({"participant": pd.Series(dtype="str")}), ())
    whole = pd.concat(parts, ignore_index=True)
    kept = [name for name in COLUMNS if name in whole]
    return Harms(whole[kept].sort_values(kept, ignore_index=True), tuple(notes))


def counted_labels(form: Form, name: str) -> tuple[str, ...]:
    """Return the labels by which a form calls an event `serious`, or `related`."""
    column = form.columns.get(name)
    return labels_saying_yes(column.labels, name) if column else ()


def categories(trial: Trial) -> tuple[str, ...]:
    """Return the kinds of event that the trial's forms declare, in their order."""
    columns = [form.columns.get(CATEGORY) for form in trial.forms_of("adverse_events")]
    return tuple(dict.fromkeys(label for c in columns if c is not None for label in c.labels.values()))


def _before(records: pd.DataFrame, form: Form, randomised_on: pd.Series) -> pd.Series:
    if form.date not in records:
        return pd.Series(data=False, index=records.index)
    start = pd.to_datetime(records["participant"].map(randomised_on))
    return records[form.date] < start


def _note(form: Form, n: int, why: str) -> tuple[str, ...]:
    return (f"{form.label}: {n} left out of the harms, {why}.",) if n else ()


def _told(records: pd.DataFrame, form: Form) -> pd.DataFrame:
    """Return participant, category, serious and related, as far as the form declares them."""
    told = records[["participant"]].copy()
    if CATEGORY in form.columns and CATEGORY in records:
        labels = dict(form.columns[CATEGORY].labels)
        codes = records[CATEGORY].astype("object")
        told[CATEGORY] = codes.map(lambda code: labels.get(code, code)).where(codes.notna(), NOT_STATED)
    for name in (SERIOUS, RELATED):
        if name in form.columns and name in records:
            told[name] = answers(records[name], form.columns[name])
    return told
