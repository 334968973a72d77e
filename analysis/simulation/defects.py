"""The mistakes planted in the demonstration exports, each in one record. Not here: ordinary missing codes.

    form            record                                      mistake
    participants    first whose consent would move past         day and month of `consented` swapped
                    randomisation by it
    participants    25th                                        `age` 217
    participants    40th                                        entered twice, again at the end of the file
    questionnaires  30th at 9 months                            MARS-5 item 4 answered 7
    time_use        15th at 9 months                            the note names the arm
    time_use        20th at 15 months                           `visit_date` on day 540, between two windows
    time_use        12th at 24 months                           total 10 hours above the sum of its parts
The one exclusion after randomisation is drawn in cohort and stands in allocation and withdrawals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

Forms = Mapping[str, pd.DataFrame]
IMPOSSIBLE_AGE = 217.0
IMPOSSIBLE_ANSWER = 7.0
DAY_BETWEEN_WINDOWS = 540
UNBLINDING_NOTE = "Enjoyed talking about the SRT sessions."
EXCESS_HOURS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A cell of a form, `index` counting its records from 0, and the mistake planted there."""

    kind: str
    form: str
    index: int
    column: str


@dataclass(frozen=True, slots=True)
class Defect:
    """Where a mistake was planted; `row` counts the form's records from 1."""

    kind: str
    form: str
    row: int
    participant: str
    column: str


def plant_defects(forms: Forms) -> tuple[dict[str, pd.DataFrame], tuple[Defect, ...]]:
    """Return the forms with every mistake in them, and where each is."""
    planted, defects = dict(forms), []
    for plant in PLANTERS:
        place = plant(planted)
        participant = _cell(planted[place.form], place.index, "participant")
        defects.append(Defect(place.kind, place.form, place.index + 1, participant, place.column))
    return planted, tuple(defects)


def _swap_day_and_month(forms: dict[str, pd.DataFrame]) -> Place:
    people = forms["participants"]
    swapped = people["consented"].map(lambda d: d.replace(month=d.day, day=d.month) if d.day <= 12 else d)
    after = (swapped > people["participant"].map(_randomised_on(forms))).to_numpy()
    index = int(after.argmax())
    place = Place("day and month swapped", "participants", index, "consented")
    return _planted(forms, place, swapped[index])


def _impossible_age(forms: dict[str, pd.DataFrame]) -> Place:
    return _planted(forms, Place("impossible age", "participants", 24, "age"), IMPOSSIBLE_AGE)


def _duplicate_id(forms: dict[str, pd.DataFrame]) -> Place:
    people = forms["participants"]
    forms["participants"] = pd.concat([people, people.iloc[[39]]], ignore_index=True)
    return Place("duplicate id", "participants", len(people), "participant")


def _impossible_answer(forms: dict[str, pd.DataFrame]) -> Place:
    index = _nth(forms["questionnaires"], "9", 30)
    return _planted(forms, Place("item out of range", "questionnaires", index, "mars5_4"), IMPOSSIBLE_ANSWER)


def _unblinding_note(forms: dict[str, pd.DataFrame]) -> Place:
    index = _nth(forms["time_use"], "9", 15)
    return _planted(
        forms, Place("free text names the arm", "time_use", index, "assessor_note"), UNBLINDING_NOTE
    )


def _visit_between_windows(forms: dict[str, pd.DataFrame]) -> Place:
    records = forms["time_use"]
    index = _nth(records, "15", 20)
    start = _randomised_on(forms)[_cell(records, index, "participant")]
    day = start + pd.Timedelta(days=DAY_BETWEEN_WINDOWS)
    return _planted(forms, Place("visit out of its window", "time_use", index, "visit_date"), day)


def _wrong_total(forms: dict[str, pd.DataFrame]) -> Place:
    records, total = forms["time_use"], "structured_activity_hours"
    index = _nth(records, "24", 12)
    place = Place("total is not the sum of its items", "time_use", index, total)
    return _planted(forms, place, _cell(records, index, total) + EXCESS_HOURS)


def _randomised_on(forms: Forms) -> pd.Series:
    return forms["allocation"].set_index("participant")["randomised_on"]


def _nth(records: pd.DataFrame, visit: str, n: int) -> int:
    """Return the position of the n-th record of a visit, of those that were observed."""
    here = records["visit"] == visit
    if "structured_activity_hours" in records:
        here &= records["structured_activity_hours"] >= 0
    return int(here.to_numpy().nonzero()[0][n - 1])


def _cell(records: pd.DataFrame, index: int, column: str) -> Any:
    return records[column].iloc[index]


def _planted(forms: dict[str, pd.DataFrame], place: Place, value: Any) -> Place:
    """Put a value into a place, in a copy of its form, and return the place."""
    changed = forms[place.form].copy()
    changed.loc[place.index, place.column] = value
    forms[place.form] = changed
    return place


PLANTERS: tuple[Callable[[dict[str, pd.DataFrame]], Place], ...] = (
    _swap_day_and_month,
    _impossible_age,
    _duplicate_id,
    _impossible_answer,
    _unblinding_note,
    _visit_between_windows,
    _wrong_total,
)
