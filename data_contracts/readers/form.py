"""Put a form together from a file's table: lookup by name, conversion, reasons, what did not fit.

Not here: reading a format, judging.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.readers.convert import convert
from data_contracts.readers.raw import NumberCells, RawColumn, RawTable, blank_cells, fold
from data_contracts.readers.typed import Contract, TypedColumn, text_array
from data_contracts.readers.wide import VISIT, as_long, wide_sources
from data_contracts.spec import Column, Form, Trial

UNREADABLE = {ROW: "int64", "column": "str", "found": "str", "expected": "str"}


def typed_form(table: RawTable, form: Form, trial: Trial, source: SourceFile) -> ReadForm:
    """Return a file's table as its form's contract types it; what is absent or unknown is named."""
    where = f"landing/{trial.name}/{source.name}"
    long = as_long(table, form, trial, where) if form.wide else table
    declared = declared_columns(form, trial)
    raws = {name: _find(long, column) for name, column in declared.items()}
    contracts = [_contract(declared[name], form, trial) for name in raws]
    with ThreadPoolExecutor(2) as pool:  # numpy and pyarrow let go of the interpreter
        typed = dict(zip(raws, pool.map(convert, raws.values(), contracts), strict=True))
    index = pd.RangeIndex(1, long.n_rows + 1, name=ROW)
    return ReadForm(
        name=form.name,
        values=pd.DataFrame({n: column.array for n, column in typed.items()}, index=index, copy=False),
        reasons=_reasons(typed, index),
        unreadable=_unreadable(typed),
        source=source,
        absent_columns=_absent(table, form, declared),
        unknown_columns=_unknown(table, form, declared),
        notes=(*table.notes, *_notes(typed, raws)),
        variable_labels={name: raw.label for name, raw in raws.items() if raw.label},
        value_labels={name: raw.value_labels for name, raw in raws.items() if raw.value_labels},
        measures={name: raw.measure for name, raw in raws.items() if raw.measure},
        formats={name: raw.format for name, raw in raws.items() if raw.format},
        declared_missing={name: raw.declared_missing for name, raw in raws.items() if raw.declared_missing},
    )


def declared_columns(form: Form, trial: Trial) -> dict[str, Column]:
    """Return the columns a form's values have, in order: `visit` follows the participant in a wide form."""
    declared = dict(trial.columns_of(form))
    if not form.wide or VISIT in declared:
        return declared
    visit = {VISIT: Column(name=VISIT, type="text", label="Visit")}
    first = {name: column for name, column in declared.items() if name == "participant"}
    return {**first, **visit, **declared}


def has_a_declared_column(table: RawTable, form: Form, trial: Trial) -> bool:
    """Return whether the file holds anything the contract names."""
    names = {fold(column.in_file) for column in trial.columns_of(form).values()} | set(wide_sources(form))
    return not names.isdisjoint(table.columns)


def _find(table: RawTable, column: Column) -> RawColumn:
    """Return a column's cells; a column that is absent is all blank."""
    return table.columns.get(fold(column.in_file)) or RawColumn(column.in_file, blank_cells(table.n_rows))


def _contract(column: Column, form: Form, trial: Trial) -> Contract:
    planned: Mapping[str, Sequence[Any]] = {"arm": trial.arms, "site": trial.sites, VISIT: trial.visits}
    spellings = {s: one.code for one in planned.get(column.name, ()) for s in one.spellings}
    if spellings:  # codes are text, whatever the export keeps them as
        column = column.model_copy(update={"type": "text"})
    return Contract(column, form.decimal, spellings, form.thousands)


def _reasons(typed: Mapping[str, TypedColumn], index: pd.RangeIndex) -> pd.DataFrame:
    none = text_array(blank_cells(len(index)).array)
    columns = {n: none.copy() if column.reasons is None else column.reasons for n, column in typed.items()}
    return pd.DataFrame(columns, index=index, copy=False)


def _unreadable(typed: Mapping[str, TypedColumn]) -> pd.DataFrame:
    cells = [
        (position + 1, name, found, expected)
        for name, column in typed.items()
        for position, found, expected in column.unreadable
    ]
    return pd.DataFrame(cells, columns=list(UNREADABLE)).astype(UNREADABLE)


def _absent(table: RawTable, form: Form, declared: Mapping[str, Column]) -> tuple[str, ...]:
    """Return the declared columns the file lacks; a wide column with one visit's part missing is absent."""
    return tuple(
        name
        for name, column in declared.items()
        if not all(fold(source) in table.columns for source in _sources(form, name, column))
    )


def _sources(form: Form, name: str, column: Column) -> tuple[str, ...]:
    """Return the export's names of a column: several in a wide form, none for its visit."""
    if name in form.wide:
        return tuple(form.wide[name].values())
    return () if form.wide and name == VISIT else (column.in_file,)


def _unknown(table: RawTable, form: Form, declared: Mapping[str, Column]) -> tuple[str, ...]:
    used = {fold(s) for name, column in declared.items() for s in _sources(form, name, column)}
    return tuple(column.name for key, column in table.columns.items() if key not in used)


def _notes(typed: Mapping[str, TypedColumn], raws: Mapping[str, RawColumn]) -> list[str]:
    trimmed = [
        f"{name}: spaces around {column.n_trimmed} value{'s' if column.n_trimmed > 1 else ''} were removed."
        for name, column in typed.items()
        if column.n_trimmed
    ]
    months = [
        f"{name}: the file keeps months; each date is the first day of one."
        for name, raw in raws.items()
        if _is_of_months(raw) and typed[name].array.dtype.kind == "M"
    ]
    return trimmed + months


def _is_of_months(raw: RawColumn) -> bool:
    return isinstance(raw.cells, NumberCells) and raw.cells.kind == "month"
