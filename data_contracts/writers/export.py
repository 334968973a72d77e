"""A form's frame into the file its trial declares. Not here: how SPSS and CSV files are made (sav, csv)."""

from pathlib import Path

import pandas as pd

from data_contracts.readers.delimited_dialect import delimiter_of
from data_contracts.spec import Column, Form, Trial
from data_contracts.writers.atomic import write_atomically
from data_contracts.writers.csv import csv_bytes
from data_contracts.writers.sav import write_sav


def export_form(frame: pd.DataFrame, form: Form, trial: Trial, landing: Path) -> Path:
    """Write a form's file below the landing folder and return its path.

    Args:
        frame: (n, columns) by the contract's names or, for a wide form, by the file's.
        form: The form.
        trial: The trial.
        landing: The trial's landing folder.

    Raises:
        StorageError: the folder can't be written.
    """
    columns, path = file_columns(form, trial), landing / form.file
    renamed = frame.rename(columns={column.name: column.in_file for column in columns})
    if form.format == "sav":
        write_sav(path, renamed, columns, form.label)
    else:
        marks = (delimiter_of(form, form.file)[0], form.decimal, form.encoding)
        write_atomically(path, csv_bytes(renamed, columns, *marks))
    return path


def file_columns(form: Form, trial: Trial) -> tuple[Column, ...]:
    """Return the columns as they stand in the file: a wide one once for each visit."""
    return tuple(one for column in trial.columns_of(form).values() for one in _in_file(column, form, trial))


def _in_file(column: Column, form: Form, trial: Trial) -> tuple[Column, ...]:
    if column.name not in form.wide:
        return (column,)
    labels = {visit.code: visit.label for visit in trial.visits}
    return tuple(
        column.model_copy(update={"source": source, "label": f"{column.label}, {labels[visit].lower()}"})
        for visit, source in form.wide[column.name].items()
    )
