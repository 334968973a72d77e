"""A frame as an SPSS file: labels, user-missing codes, SPSS dates. Not here: which columns there are."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from data_contracts.spec import Column
from data_contracts.writers.atomic import write_atomically

CREATED_AT = 92  # byte offset in the header: 9 bytes of date, 8 of time
CREATED = b"01 Jan 2000:00:00"
DATE_FORMAT = "DATE11"


def write_sav(path: Path, frame: pd.DataFrame, columns: Sequence[Column], label: str = "") -> None:
    """Write an SPSS file; the same frame gives the same bytes, whenever it is written.

    Args:
        path: The file.
        frame: (n, columns) by their names in the file; missing codes stand among the values.
        columns: What the columns are, in the file's order.
        label: The file's label.

    Raises:
        StorageError: the folder can't be written.
    """
    write_atomically(path, sav_bytes(frame, columns, label))


def sav_bytes(frame: pd.DataFrame, columns: Sequence[Column], label: str = "") -> bytes:
    """Return an SPSS file's bytes, its time of creation set to a fixed one."""
    import pyreadstat

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "export.sav"
        pyreadstat.write_sav(
            pd.DataFrame({c.in_file: _values(frame[c.in_file], c) for c in columns}),
            file,
            file_label=label,
            column_labels={c.in_file: c.label for c in columns},
            variable_value_labels={c.in_file: labels for c in columns if (labels := _value_labels(c))},
            missing_ranges={c.in_file: _missing(c) for c in columns if c.missing},
            variable_format={c.in_file: how for c in columns if (how := _format(c))},
            variable_measure={c.in_file: _measure(c) for c in columns},
        )
        raw = file.read_bytes()
    return raw[:CREATED_AT] + CREATED + raw[CREATED_AT + len(CREATED) :]


def is_numeric(column: Column) -> bool:
    """Return whether SPSS keeps the column as numbers: a category does if its codes are numbers."""
    if column.type == "category":
        return all(_is_number(code) for code in column.labels)
    return column.type in {"integer", "number"}


def _is_number(code: str) -> bool:
    try:
        float(code)
    except ValueError:
        return False
    return True


def _values(values: pd.Series, column: Column) -> pd.Series:
    """Return the values as SPSS keeps them: numbers as doubles, absent text as blank."""
    if column.type == "date":
        return pd.to_datetime(values).astype("datetime64[us]")  # pyreadstat writes [s] as 1970
    if is_numeric(column):
        return pd.to_numeric(values).astype("float64")
    return values.astype("object").where(values.notna(), "").astype("str")


def _value_labels(column: Column) -> Mapping[float | str, str]:
    numeric, labels = is_numeric(column), {**column.labels, **column.missing}
    return {float(code) if numeric else code: text for code, text in labels.items()}


def _missing(column: Column) -> list[float | str]:
    """Return the user-missing codes; of text, what is spelt so, a blank too."""
    is_text = column.type == "text" or (column.type == "category" and not is_numeric(column))
    return [code if is_text else float(code) for code in column.missing]


def _format(column: Column) -> str:
    if column.type == "date":
        return DATE_FORMAT
    if not is_numeric(column):
        return ""  # the width that the longest value needs
    return "F8.2" if column.type == "number" else "F8.0"


def _measure(column: Column) -> str:
    if column.type in {"text", "category"}:
        return "nominal"
    return "ordinal" if column.labels else "scale"
