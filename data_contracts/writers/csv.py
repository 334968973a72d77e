"""A frame as the bytes of a CSV file, as its form declares it. Not here: which columns there are (export)."""

import csv
import io
from collections.abc import Sequence

import pandas as pd

from data_contracts.errors import PlanError, Problem
from data_contracts.spec import Column

ISO_DATE = "%Y-%m-%d"


def csv_bytes(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    delimiter: str = ",",
    decimal: str = ".",
    encoding: str = "",
) -> bytes:
    """Return a CSV file's bytes: a header first, a blank for what is absent.

    Text is left as it is, for a program to read back; what people open is neutralised (cells).

    Args:
        frame: (n, columns) by their names in the file; missing codes stand among the values.
        columns: What the columns are, in the file's order.
        delimiter: What stands between two fields.
        decimal: What stands before the decimals of a number.
        encoding: The file's; UTF-8 when empty.

    Raises:
        PlanError: the encoding does not exist, or can't hold the text.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow([column.in_file for column in columns])
    texts = (_texts(frame[column.in_file], column, decimal) for column in columns)
    writer.writerows(zip(*texts, strict=True))
    return _encoded(text.getvalue(), encoding or "utf-8")


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except (LookupError, UnicodeEncodeError):  # its message would hold the text
        problem = Problem("encoding", repr(encoding), "one that holds every character of the form, as utf-8")
        raise PlanError("A form can't be written in its encoding.", [problem]) from None


def _texts(values: pd.Series, column: Column, decimal: str) -> list[str]:
    present = values.notna()
    if column.type == "date":
        return [
            f"{day:{column.format or ISO_DATE}}" if ok else ""
            for day, ok in zip(values, present, strict=True)
        ]
    return [_text(value, decimal) if ok else "" for value, ok in zip(values, present, strict=True)]


def _text(value: object, decimal: str) -> str:
    """Return whole numbers without a decimal point, whatever the frame keeps them as."""
    if not isinstance(value, float):
        return str(value)
    return str(int(value)) if value.is_integer() else str(value).replace(".", decimal)
