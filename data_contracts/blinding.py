"""A shuffled allocation: which forms and columns tell the arm, and forms in which they are somebody else's.

Not here: the key and where the true ones are kept (pipelines), what blinded people may read of a verdict
(blinded_verdict).

A uniformly random permutation within strata keeps the arms' totals and says nothing else: nobody is kept from
drawing their own arm, since to know that a drawn arm is not the true one would tell it where there are two.
Numbers and blocks of the randomisation list stay with their participant: beside the date they tell who is
meant, and would lead back from the arm that moved with them.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from data_contracts.forms import ROW, ReadForm
from data_contracts.spec import OF_THERAPY, Trial

Allocation = Literal["true", "shuffled"]
HELD = "held apart while the trial is blinded"
THERAPIST = "therapist"  # of a participant: whoever has one is in the therapy arm


@dataclass(frozen=True, slots=True)
class Person:
    """A randomised participant, as far as the permutation asks."""

    participant: str
    stratum: tuple[str, ...]
    arm: str
    randomised_on: str  # ISO 8601; "" where it is not known


@dataclass(frozen=True, slots=True, eq=False)
class Blinded:
    """The forms as they may be stored in the open."""

    forms: Mapping[str, ReadForm]
    rows: Mapping[str, Mapping[int, int]]  # of forms whose records moved: row in the file -> row here


def revealing_forms(trial: Trial) -> frozenset[str]:
    """Return the forms of which to have a record tells the arm."""
    of_therapy = {form.name for form in trial.forms.values() if form.kind in OF_THERAPY}
    return frozenset(of_therapy | {name for name in trial.blinding.reveals if "." not in name})


def revealing_columns(trial: Trial) -> dict[str, tuple[str, ...]]:
    """Return, by form, the columns that tell the arm and are one value per participant: they move."""
    people = (*trial.forms_of("allocation"), *trial.forms_of("participants"))
    declared = set(trial.blinding.reveals)
    return {
        form.name: tuple(c for c in form.columns if c in {"arm", THERAPIST} or f"{form.name}.{c}" in declared)
        for form in people
    }


def held_columns(trial: Trial) -> dict[str, tuple[str, ...]]:
    """Return, by form, the columns that are left empty: free text, in which the arm may be named."""
    moved, declared = revealing_columns(trial), set(trial.blinding.reveals)
    return {
        form.name: tuple(
            name
            for name, column in form.columns.items()
            if column.free_text or (f"{form.name}.{name}" in declared and form.name not in moved)
        )
        for form in trial.forms.values()
    }


def forms_held_apart(trial: Trial) -> frozenset[str]:
    """Return the forms whose true contents are stored apart."""
    columns = (revealing_columns(trial), held_columns(trial))
    return revealing_forms(trial) | {name for part in columns for name, named in part.items() if named}


def blinded(forms: Mapping[str, ReadForm], trial: Trial, key: bytes) -> Blinded:
    """Return forms in which each randomised participant has the arm and the therapy of another.

    Args:
        forms: The forms as read.
        trial: The trial.
        key: The trial's secret key; the same key and participants give the same allocation.

    Returns:
        Columns that tell the arm hold another participant's values; records of therapy belong to another, with
        their dates moved by whole weeks towards the other's randomisation; free text is empty.
    """
    people = randomised(forms, trial)
    drawn = permutation(people, key)
    weeks = _weeks_to_move(drawn, {one.participant: one.randomised_on for one in people})
    columns, held, whole = revealing_columns(trial), held_columns(trial), revealing_forms(trial)
    seen, rows = dict[str, ReadForm](), dict[str, Mapping[int, int]]()
    for name, form in forms.items():
        if name in whole:
            seen[name], rows[name] = _with_records_moved(form, drawn, weeks)
        else:
            seen[name] = _with_columns_moved(form, columns.get(name, ()), drawn)
        seen[name] = _without(seen[name], held.get(name, ()))
    return Blinded(seen, rows)


def randomised(forms: Mapping[str, ReadForm], trial: Trial) -> tuple[Person, ...]:
    """Return who stands once in the allocation, with an arm of the plan."""
    (allocation,), (baseline,) = trial.forms_of("allocation"), trial.forms_of("participants")
    table = forms[allocation.name].values
    once = table[table["participant"].notna() & ~table["participant"].duplicated(keep=False)]
    once = once[once["arm"].isin([arm.code for arm in trial.arms])].set_index("participant")
    others = forms[baseline.name].values.drop_duplicates("participant").set_index("participant")
    strata = [_column(name, once, others) for name in _strata(trial)]
    dates = _column(allocation.date, once, once) if allocation.date else pd.Series("", index=once.index)
    stratum = list(zip(*strata, strict=True)) or [()] * len(once)
    return tuple(
        Person(str(who), where, str(arm), when[:10])
        for who, where, arm, when in zip(once.index, stratum, once["arm"], dates, strict=True)
    )


def _strata(trial: Trial) -> tuple[str, ...]:
    return trial.strata or (("site",) if trial.sites else ())


def _column(name: str, first: pd.DataFrame, second: pd.DataFrame) -> pd.Series:
    """Return a column of whichever table has it, as text by the first table's participants."""
    table = first if name in first else second
    found = table[name].reindex(first.index) if name in table else pd.Series(pd.NA, index=first.index)
    return found.astype("str").where(found.notna(), "")


def permutation(people: Sequence[Person], key: bytes) -> dict[str, str]:
    """Return whose arm each participant is given: a uniformly random permutation within strata.

    Who is randomised later changes the arms of few before them.
    """
    drawn = dict[str, str]()
    for group in _groups(people):
        order = sorted(group, key=lambda one: (one.randomised_on, one.participant))
        names = [one.participant for one in order]
        drawn |= zip(names, _shuffled(names, key), strict=True)
    return drawn


def _shuffled(names: Sequence[str], key: bytes) -> list[str]:
    """Return the names in random order: each in turn changes places with one before it, or stays."""
    order = list[str]()
    for position, name in enumerate(names):
        digest = hmac.digest(key, f"shuffle\0{name}".encode(), hashlib.sha256)
        place = int.from_bytes(digest, "big") % (position + 1)
        order.append(name)
        order[position], order[place] = order[place], order[position]
    return order


def _groups(people: Sequence[Person]) -> list[list[Person]]:
    """Return the people by stratum; strata of one arm alone are shuffled together, as they would tell it."""
    by_stratum = dict[tuple[str, ...], list[Person]]()
    for one in people:
        by_stratum.setdefault(one.stratum, []).append(one)
    mixed = [group for _, group in sorted(by_stratum.items()) if _has_two_arms(group)]
    rest = [one for _, group in sorted(by_stratum.items()) if not _has_two_arms(group) for one in group]
    if rest and not _has_two_arms(rest) and mixed:
        rest += mixed.pop(min(range(len(mixed)), key=lambda at: len(mixed[at])))
    return [*mixed, rest] if rest else mixed


def _has_two_arms(group: Sequence[Person]) -> bool:
    return len({one.arm for one in group}) > 1


def _weeks_to_move(drawn: Mapping[str, str], randomised_on: Mapping[str, str]) -> dict[str, int]:
    """Return by how many weeks the records of each participant's therapy move with it.

    Days from randomisation stay the same to within a week, and no session comes before it; the day of the week
    stays, which would tell otherwise by how much a session was moved.
    """
    moved = dict[str, int]()
    for receiver, giver in drawn.items():
        to, of = randomised_on[receiver], randomised_on[giver]
        if to and of:
            days = (np.datetime64(to, "D") - np.datetime64(of, "D")).astype(int)
            moved[giver] = -(-int(days) // 7)
    return moved


def _with_columns_moved(form: ReadForm, columns: Sequence[str], drawn: Mapping[str, str]) -> ReadForm:
    """Return a form with one record per participant in which some columns are another's."""
    columns = [name for name in columns if name in form.values]
    if not columns:
        return form
    who = form.values["participant"]
    row_of = pd.Series(form.values.index, index=who)[lambda rows: ~rows.index.duplicated()]
    source = who.map(drawn).map(row_of).fillna(0).astype("int64")  # 0 is no row
    values, reasons = form.values.copy(), form.reasons.copy()
    for name in columns:
        values[name] = _taken(form.values[name], source)
        reasons[name] = _taken(form.reasons[name], source).mask(source == 0, HELD)
    cells = form.unreadable
    kept, moving = cells[~cells["column"].isin(columns)], cells[cells["column"].isin(columns)]
    arrived = source[source > 0].rename("source").rename_axis(ROW).reset_index()
    moved = moving.rename(columns={ROW: "source"}).merge(arrived, on="source")[list(cells.columns)]
    unreadable = pd.concat([kept, moved], ignore_index=True).astype(cells.dtypes.to_dict())
    return replace(form, values=values, reasons=reasons, unreadable=unreadable)


def _taken(column: pd.Series, source: pd.Series) -> pd.Series:
    """Return the values of other rows, missing where there is none."""
    return column.reindex(source.to_numpy()).set_axis(source.index)


def _with_records_moved(
    form: ReadForm, drawn: Mapping[str, str], weeks: Mapping[str, int]
) -> tuple[ReadForm, dict[int, int]]:
    """Return a form whose records belong to others, in an order that tells nothing, and where each row went."""
    receiver = {giver: to for to, giver in drawn.items()}
    giver = form.values["participant"]
    values = form.values.assign(participant=giver.map(receiver).astype(giver.dtype))
    values, undated = _with_dates_moved(values, giver.map(dict(weeks)).astype("Int64"))
    reasons = form.reasons.assign(participant=form.reasons["participant"].mask(~giver.isin(receiver), HELD))
    for name in undated:
        reasons[name] = reasons[name].mask(values[name].isna() & form.values[name].notna(), HELD)
    order = values["participant"].sort_values(kind="stable").index
    rows = dict(zip(order.tolist(), range(1, len(order) + 1), strict=True))
    index = pd.RangeIndex(1, len(order) + 1, name=ROW)
    cells = form.unreadable.assign(found=HELD, **{ROW: form.unreadable[ROW].map(rows)})
    moved = replace(
        form,
        values=values.loc[order].set_axis(index),
        reasons=reasons.loc[order].set_axis(index),
        unreadable=cells.astype(form.unreadable.dtypes.to_dict()),
    )
    return moved, rows


def _with_dates_moved(values: pd.DataFrame, weeks: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Return the records with their dates moved; a date that can't be moved is left empty."""
    dates = [str(name) for name in values if np.issubdtype(values[name].to_numpy().dtype, np.datetime64)]
    moved = values.copy()
    by = pd.to_timedelta(weeks.astype("float64") * 7, unit="D").astype("timedelta64[s]")
    for name in dates:
        moved[name] = (values[name] + by).astype(values[name].dtype)
    return moved, dates


def _without(form: ReadForm, columns: Sequence[str]) -> ReadForm:
    """Return a form with some columns left empty, and why; that of all records, as who had a value may tell."""
    values, reasons = form.values.copy(), form.reasons.copy()
    for name in _present(columns, form):
        values[name] = values[name].mask(values[name].notna())
        reasons[name] = reasons[name].mask(reasons[name].ne(HELD), HELD)
    cells = form.unreadable[~form.unreadable["column"].isin(columns)]
    return replace(form, values=values, reasons=reasons, unreadable=cells.reset_index(drop=True))


def _present(columns: Sequence[str], form: ReadForm) -> Iterator[str]:
    return (name for name in columns if name in form.values)
