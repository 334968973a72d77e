"""What differs between two nights' accepted records, cell by cell. Not here: storing it, showing it.

A record is known by its form's key. Records with the same key are told apart by their order, records of a form
without a key by all they hold. A record whose key was corrected is one removed and one added.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_contracts.blinding import revealing_columns, revealing_forms
from data_contracts.spec import Form, Trial

CHANGED, ADDED, REMOVED = "changed", "record added", "record removed"
NEW_COLUMN, LOST_COLUMN = "column added", "column removed"
CHANGE_COLUMNS = ("form", "change", "participant", "visit", "record", "column", "old", "new")
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Positions of the records of both sides that are the same record, and of those on one side only."""

    old: Positions  # (n,)
    new: Positions  # (n,) parallel to old
    removed: Positions
    added: Positions


def changes_between(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame], trial: Trial
) -> pd.DataFrame:
    """Return a row per cell that differs, per record added or removed, and per column that came or went.

    Values are texts; missing where a cell was blank. Of a trial that is to be blind, only which records of the
    allocation changed is said, and of forms of therapy nothing: their records are shuffled.

    Args:
        before: The accepted records of one night, by form.
        after: Those of a later one.
        trial: The plan, for the keys.
    """
    parts = []
    for name, form in trial.forms.items():
        if name in _of_others(trial):
            continue
        old, new = (_their_own(side.get(name), form, trial) for side in (before, after))
        of_form = [part for part in _form_changes(old, new, form) if len(part)]
        parts += [_without_values(part) for part in of_form] if _is_hidden(form, trial) else of_form
    empty = pd.DataFrame(columns=list(CHANGE_COLUMNS), dtype="str")
    return pd.concat(parts, ignore_index=True) if parts else empty


def counts_of(changes: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many changes of each kind there are in each form."""
    counts = dict[str, dict[str, int]]()
    for form, change in zip(changes["form"], changes["change"], strict=True):
        of_form = counts.setdefault(form, {})
        of_form[change] = of_form.get(change, 0) + 1
    return counts


def _is_hidden(form: Form, trial: Trial) -> bool:
    return form.kind == "allocation" and not trial.blinding.is_declared_open


def _of_others(trial: Trial) -> frozenset[str]:
    """Return the forms whose records belong to others while a trial is blinded: their changes would mislead."""
    return frozenset() if trial.blinding.is_declared_open else revealing_forms(trial)


def _their_own(frame: pd.DataFrame | None, form: Form, trial: Trial) -> pd.DataFrame | None:
    """Return a form's records without the columns whose values are others', which a new participant shuffles."""
    if frame is None or trial.blinding.is_declared_open:
        return frame
    return frame.drop(columns=list(revealing_columns(trial).get(form.name, ())), errors="ignore")


def _without_values(part: pd.DataFrame) -> pd.DataFrame:
    """Return one row per record and change, which says nothing of the columns or their values."""
    hidden = part.assign(column="", old=None, new=None)
    return _as_text(hidden.drop_duplicates(["change", "record"], ignore_index=True))


def _form_changes(old: pd.DataFrame | None, new: pd.DataFrame | None, form: Form) -> list[pd.DataFrame]:
    if old is None and new is None:
        return []
    old, new = _both(old, new)
    key = [name for name in form.key if name in old.columns and name in new.columns]
    shared = [name for name in old.columns if name in new.columns]
    pairs = _pair(old, new, key or shared)
    cells = [_changed_cells(old, new, pairs, name) for name in shared if name not in key] if key else []
    return [
        _records(REMOVED, old, pairs.removed, form),
        _in_order(cells, old, pairs, form),
        _records(ADDED, new, pairs.added, form),
        *(_columns(LOST_COLUMN, name, form) for name in old.columns if name not in shared),
        *(_columns(NEW_COLUMN, name, form) for name in new.columns if name not in shared),
    ]


def _both(old: pd.DataFrame | None, new: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both sides; a form that one side has no table of has no records there."""
    if old is None:
        old = new.iloc[:0] if new is not None else pd.DataFrame()
    return old, old.iloc[:0] if new is None else new


def _pair(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> _Pairs:
    none = np.array([], dtype=np.intp)
    if len(old) == len(new) and not any(_differs(old[name], new[name]).any() for name in key):
        same = np.arange(len(old), dtype=np.intp)
        return _Pairs(same, same, none, none)
    left, right = _identities(old, new, key)
    at = pd.Index(right).get_indexer(pd.Index(left))
    found = np.flatnonzero(at >= 0)
    added = np.setdiff1d(np.arange(len(new), dtype=np.intp), at[found])
    return _Pairs(found, at[found], np.flatnonzero(at < 0), added)


def _identities(old: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> tuple[Positions, Positions]:
    """Return a number per record, the same on both sides for the same key and the same place among its like."""
    both = pd.concat([_comparable(old[key], new[key]), _comparable(new[key], old[key])], ignore_index=True)
    codes = both.groupby(key, sort=False, dropna=False, observed=True).ngroup()
    left, right = codes.iloc[: len(old)], codes.iloc[len(old) :]
    place = [side.groupby(side).cumcount().to_numpy() for side in (left, right)]
    wide = 1 + max((int(p.max()) for p in place if len(p)), default=0)
    return left.to_numpy() * wide + place[0], right.to_numpy() * wide + place[1]


def _comparable(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the columns as they are, or as text where the other side keeps them as another type."""
    return pd.DataFrame(
        {
            name: one[name] if one[name].dtype == other[name].dtype else _texts(_plain(one[name]))
            for name in one.columns
        }
    )


def _differs(old: pd.Series, new: pd.Series) -> npt.NDArray[np.bool_]:
    """Return where two columns of one length differ; two blanks don't, whatever types they are of."""
    old, new = _plain(old), _plain(new)
    if old.dtype != new.dtype and not _are_dates(old, new):
        old, new = _texts(old), _texts(new)
    blank = old.isna().to_numpy(), new.isna().to_numpy()
    equal = pd.array(old.array == new.array, dtype="boolean").to_numpy(dtype=bool, na_value=False)
    differs: npt.NDArray[np.bool_] = np.where(blank[0] | blank[1], blank[0] != blank[1], ~equal)
    return differs


def _are_dates(*columns: pd.Series) -> bool:
    return all(pd.api.types.is_datetime64_dtype(column) for column in columns)


def _plain(column: pd.Series) -> pd.Series:
    """Return a categorical column as the type of its categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.dtype.categories.dtype)
    return column


def _changed_cells(old: pd.DataFrame, new: pd.DataFrame, pairs: _Pairs, name: str) -> pd.DataFrame:
    """Return the changed cells of a column: their place among the pairs, old and new text."""
    was, is_now = old[name].take(pairs.old), new[name].take(pairs.new)
    at = np.flatnonzero(_differs(was, is_now))
    texts = [_texts(_plain(side.take(at))).to_numpy() for side in (was, is_now)]
    return pd.DataFrame({"at": at, "column": name, "old": texts[0], "new": texts[1]})


def _in_order(cells: list[pd.DataFrame], old: pd.DataFrame, pairs: _Pairs, form: Form) -> pd.DataFrame:
    """Return the changed cells of a form, record by record."""
    some = [part for part in cells if len(part)]
    if not some:
        return _named(CHANGED, old.iloc[:0], form)
    every = pd.concat(some, ignore_index=True).sort_values("at", kind="stable", ignore_index=True)
    records = _named(CHANGED, old.take(pairs.old[every["at"].to_numpy()]), form)
    return _as_text(records.assign(column=every["column"], old=every["old"], new=every["new"]))


def _records(change: str, frame: pd.DataFrame, at: Positions, form: Form) -> pd.DataFrame:
    return _named(change, frame.take(at), form)


def _columns(change: str, name: str, form: Form) -> pd.DataFrame:
    row = {**dict.fromkeys(CHANGE_COLUMNS, ""), "form": form.name, "change": change, "column": name}
    return _as_text(pd.DataFrame([{**row, "old": None, "new": None}]))


def _named(change: str, records: pd.DataFrame, form: Form) -> pd.DataFrame:
    """Return a row per record that says which it is, without any cell."""
    records, names = records.reset_index(drop=True), [*form.key, "participant", "visit"]
    known = {name: _texts(_plain(records[name])).fillna("") for name in names if name in records.columns}
    blank = pd.Series("", index=records.index, dtype="str")
    parts = [known[name] for name in form.key if name in known] or [blank]
    row = {
        "form": form.name,
        "change": change,
        "participant": known.get("participant", blank),
        "visit": known.get("visit", blank),
        "record": parts[0].str.cat(pd.concat(parts[1:], axis=1), sep=" · ") if len(parts) > 1 else parts[0],
        "column": "",
        "old": None,
        "new": None,
    }
    return _as_text(pd.DataFrame(row, index=records.index))


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype("str")[list(CHANGE_COLUMNS)]


def _texts(column: pd.Series) -> pd.Series:
    """Return values as a person writes them: 3 rather than 3.0, a date without a time when it has none."""
    if pd.api.types.is_datetime64_dtype(column):
        whole = bool((column.dropna() == column.dropna().dt.normalize()).all())
        days: pd.Series = column.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S")
        return days.astype("str")
    if pd.api.types.is_float_dtype(column):
        numbers = column.astype("float64")
        return (
            pd.Series([_number(n) for n in numbers], index=column.index).where(column.notna()).astype("str")
        )
    return column.astype("str")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
