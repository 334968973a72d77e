"""A frame as a CSV file, with dates in the declared format. Not here: which columns there are."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_contracts.spec import Column
from data_contracts.writers.atomic import write_atomically

ISO_DATE = "%Y-%m-%d"


def write_csv(path: Path, frame: pd.DataFrame, columns: Sequence[Column], delimiter: str = ",") -> None:
    """Write a CSV file in UTF-8, a header first, a blank for what is absent.

    Args:
        path: The file.
        frame: (n, columns) by their names in the file; missing codes stand among the values.
        columns: What the columns are, in the file's order.
        delimiter: What stands between two fields.

    Raises:
        StorageError: the folder can't be written.
    """
    write_atomically(path, csv_bytes(frame, columns, delimiter))


def csv_bytes(frame: pd.DataFrame, columns: Sequence[Column], delimiter: str = ",") -> bytes:
    """Return a CSV file's bytes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow([column.in_file for column in columns])
    writer.writerows(zip(*(_texts(frame[column.in_file], column) for column in columns), strict=True))
    return text.getvalue().encode("utf-8")


def _texts(values: pd.Series, column: Column) -> list[str]:
    present = values.notna()
    if column.type == "date":
        return [
            f"{day:{column.format or ISO_DATE}}" if ok else ""
            for day, ok in zip(values, present, strict=True)
        ]
    return [_text(value) if ok else "" for value, ok in zip(values, present, strict=True)]


def _text(value: object) -> str:
    """Return whole numbers without a decimal point, whatever the frame keeps them as."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
