"""Turn a table with a column per visit into one with a row per visit. Not here: converting cells."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.errors import Problem
from data_contracts.readers.raw import (
    Cells,
    DeclaredMissing,
    MissingCells,
    NumberCells,
    RawColumn,
    RawTable,
    TextCells,
    blank_cells,
    code_of,
    fold,
    refuse,
    text_cells,
)
from data_contracts.spec import Form, Trial

VISIT = "visit"


def visits_of(form: Form, trial: Trial) -> tuple[str, ...]:
    """Return the visits a wide form has columns for, in the trial's order."""
    named = {visit for sources in form.wide.values() for visit in sources}
    return tuple(visit.code for visit in trial.visits if visit.code in named)


def wide_sources(form: Form) -> dict[str, str]:
    """Return the wide columns' names in the export, folded, and the column each belongs to."""
    return {fold(source): name for name, sources in form.wide.items() for source in sources.values()}


def as_long(table: RawTable, form: Form, trial: Trial, where: str) -> RawTable:
    """Return the table with a row per record and visit, records together, visits in the trial's order.

    Each wide column takes its name in the contract; the column `visit` says which visit a row is.

    Raises:
        ReadError: a column is dates at one visit and numbers at another.
    """
    visits, declared = visits_of(form, trial), trial.columns_of(form)
    apart = wide_sources(form)
    columns = {
        key: replace(column, cells=_interleaved([column.cells] * len(visits)))
        for key, column in table.columns.items()
        if key not in apart
    }
    for name in form.wide:
        melted = _melted(table, form, name, visits, where)
        if melted is not None:
            columns[fold(declared[name].in_file)] = melted
    visit = declared[VISIT].in_file if VISIT in declared else VISIT
    columns[fold(visit)] = RawColumn(visit, text_cells(visits * table.n_rows))
    return replace(table, n_rows=table.n_rows * len(visits), columns=columns)


def _melted(table: RawTable, form: Form, name: str, visits: tuple[str, ...], where: str) -> RawColumn | None:
    """Return one wide column, record by record; None when the file has no part of it."""
    sources = form.wide[name]
    parts = [table.columns.get(fold(sources[visit])) if visit in sources else None for visit in visits]
    first = next((part for part in parts if part is not None), None)
    if first is None:
        return None
    refuse(where, _kind_problems([part for part in parts if part is not None], where))
    blank = blank_cells(table.n_rows)
    return replace(first, cells=_interleaved([blank if part is None else part.cells for part in parts]))


def _kind_problems(parts: Sequence[RawColumn], where: str) -> list[Problem]:
    """Return that a column is dates at one visit and numbers at another, which one column can't be."""
    kinds = {one.cells.kind: one.name for one in parts if isinstance(one.cells, NumberCells)}
    if len(kinds) < 2:
        return []
    found = ", ".join(f"{name} as {kind}s" for kind, name in kinds.items())
    return [Problem(where, found, "one kind at every visit", "Give these variables one format.")]


def _interleaved(parts: Sequence[Cells]) -> Cells:
    """Return the first cells of all parts, then the second ones, and so on."""
    numbers = [part for part in parts if isinstance(part, NumberCells)]
    if all(isinstance(part, NumberCells) or _is_blank(part) for part in parts) and numbers:
        none = np.full(len(parts[0]), np.nan)
        values = [part.values if isinstance(part, NumberCells) else none for part in parts]
        strange = [getattr(part, "strange", None) for part in parts]
        return NumberCells(
            np.stack(values, axis=1).reshape(-1), numbers[0].kind, _missing(parts), _positions(strange)
        )
    return TextCells(_texts(parts), _missing(parts))


def _positions(parts: Sequence["npt.NDArray[np.int64] | None"]) -> "npt.NDArray[np.int64] | None":
    found = [part * len(parts) + k for k, part in enumerate(parts) if part is not None]
    return np.sort(np.concatenate(found)) if found else None


def _is_blank(part: Cells) -> bool:
    return isinstance(part, TextCells) and part.missing is None and not any(pc.unique(part.array).to_pylist())


def _texts(parts: Sequence[Cells]) -> Any:
    joined = pa.chunked_array([pa.chunked_array(_text(part)).combine_chunks() for part in parts], pa.string())
    n_rows = len(parts[0])
    order = np.arange(n_rows * len(parts)).reshape(len(parts), n_rows).T.reshape(-1)
    return joined.take(pa.array(order))


def _text(part: Cells) -> list[Any]:
    """Return cells as text in pieces; numbers are written as codes are."""
    if isinstance(part, TextCells):
        return (
            [part.array]
            if isinstance(part.array, pa.Array)
            else part.array.chunks or [pa.array([], pa.string())]
        )
    return [pa.array([None if np.isnan(v) else code_of(v) for v in part.values.tolist()], pa.string())]


def _missing(parts: Sequence[Cells]) -> MissingCells | None:
    """Return which cells hold a code declared missing, of all parts."""
    if all(part.missing is None for part in parts):
        return None
    codes, which = list[DeclaredMissing](), []
    for part in parts:
        none = np.full(len(part), -1, dtype=np.int32)
        own = none if part.missing is None else part.missing.which
        which.append(np.where(own < 0, none, own + len(codes)).astype(np.int32))
        codes += () if part.missing is None else part.missing.codes
    return MissingCells(tuple(codes), np.stack(which, axis=1).reshape(-1))
