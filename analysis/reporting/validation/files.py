"""What arrived and what did not, and what the readers say of it. Not here: judging the contents."""

from collections.abc import Iterator

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row
from analysis.reporting.validation.content import Delivered, ValidationContent
from analysis.reporting.validation.words import counted, listed

DIGITS = 12  # of a hash
NEWS = {True: "changed", False: "as before", None: numbers.ABSENT}


def files_table(content: ValidationContent) -> Table:
    """Return a row per form of the plan: its file, or that none came."""
    return Table(
        name="files-table",
        caption="Files of this night",
        columns=(
            Column("Form", "text"), Column("File", "code"), Column("Records"), Column("Size"),
            Column("Modified (UTC)", "short"), Column("SHA-256", "code", detail=f"first {DIGITS} digits"),
            Column("News", "short"),
        ),
        groups=one_group(_file_row(file, content) for file in content.files),
    )  # fmt: skip


def notes_table(content: ValidationContent) -> Table:
    """Return what the readers noticed, by form."""
    groups = [
        Group(tuple(row(note) for note in _notes(file)), content.label(file.form)) for file in content.files
    ]
    return Table(
        name="notes-table",
        caption="What the readers noticed",
        columns=(Column("By form", "text"),),
        groups=tuple(group for group in groups if group.rows),
        empty="The readers noticed nothing out of the ordinary.",
    )  # fmt: skip


def _file_row(file: Delivered, content: ValidationContent) -> Row:
    label = content.label(file.form)
    if not file.name:
        expected = content.trial.forms[file.form].file
        came = Cell("did not come; the plan does not require it", light="risk", span=5)
        return row(label, expected, came)
    modified = f"{file.modified:%Y-%m-%d %H:%M}" if file.modified else numbers.ABSENT
    return row(
        Cell(label, link=content.docs(file.form)),
        file.name,
        numbers.number(file.records, 0),
        numbers.file_size(file.size),
        modified,
        file.sha256[:DIGITS],
        NEWS[file.is_other],
    )


def _notes(file: Delivered) -> Iterator[str]:
    if file.n_unreadable:
        cells = counted(file.n_unreadable, "cell")
        yield f"{cells} could not be read as the type declared; each is a query."
    if file.absent_columns:
        yield f"Declared and not in the file: {listed(file.absent_columns, 12)}."
    if file.unknown_columns:
        yield f"In the file and not declared: {listed(file.unknown_columns, 12)}."
    yield from file.notes
