"""Turn a table with a column per visit into one with a row per visit. Not here: converting cells."""

from dataclasses import replace

from data_contracts.readers.raw import Cell, RawColumn, RawTable, fold
from data_contracts.spec import Form, Trial

VISIT = "visit"


def visits_of(form: Form, trial: Trial) -> tuple[str, ...]:
    """Return the visits a wide form has columns for, in the trial's order."""
    named = {visit for sources in form.wide.values() for visit in sources}
    return tuple(visit.code for visit in trial.visits if visit.code in named)


def wide_sources(form: Form) -> dict[str, str]:
    """Return the wide columns' names in the export, folded, and the column each belongs to."""
    return {fold(source): name for name, sources in form.wide.items() for source in sources.values()}


def as_long(table: RawTable, form: Form, trial: Trial) -> RawTable:
    """Return the table with a row per record and visit, records together, visits in the trial's order.

    Each wide column takes its name in the contract; the column `visit` says which visit a row is.
    """
    visits, declared = visits_of(form, trial), trial.columns_of(form)
    apart = wide_sources(form)
    columns = {
        key: replace(column, cells=[cell for cell in column.cells for _ in visits])
        for key, column in table.columns.items()
        if key not in apart
    }
    for name in form.wide:
        melted = _melted(table, form, name, visits)
        if melted is not None:
            columns[fold(declared[name].in_file)] = melted
    visit = declared[VISIT].in_file if VISIT in declared else VISIT
    columns[fold(visit)] = RawColumn(visit, visits * table.n_rows)
    return RawTable(table.n_rows * len(visits), columns, table.notes)


def _melted(table: RawTable, form: Form, name: str, visits: tuple[str, ...]) -> RawColumn | None:
    """Return one wide column, record by record; None when the file has no part of it."""
    sources = form.wide[name]
    parts = [table.columns.get(fold(sources[visit])) if visit in sources else None for visit in visits]
    first = next((part for part in parts if part is not None), None)
    if first is None:
        return None
    blank: list[Cell] = [None] * table.n_rows
    cells = zip(*(blank if part is None else part.cells for part in parts), strict=True)
    return replace(first, cells=[cell for record in cells for cell in record])
