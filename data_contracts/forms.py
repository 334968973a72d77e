"""What a reader gives: a form's typed values, the reasons for missing ones, and what did not convert.

Not here: reading (readers) and judging (rules, judge).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

ROW = "row"  # index name: the record's position in its file, the first record being 1


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file a form came from."""

    name: str  # relative to the landing folder
    sha256: str
    size: int  # bytes
    modified: datetime  # UTC


@dataclass(frozen=True, slots=True, eq=False)
class ReadForm:
    """A form as read and converted by its contract; every row of the file is here."""

    name: str
    values: (
        pd.DataFrame
    )  # (n, columns) index `row`; text str, integer Int64, number float64, date datetime64[s]
    reasons: pd.DataFrame  # (n, columns) str: why a value is missing, from its declared code; else missing
    unreadable: pd.DataFrame  # columns row, column, found, expected: cells that did not convert
    source: SourceFile
    absent_columns: tuple[str, ...] = ()  # declared, not in the file
    unknown_columns: tuple[str, ...] = ()  # in the file, not declared
    notes: tuple[str, ...] = ()  # warnings of the reader
    variable_labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    measures: Mapping[str, str] = field(
        default_factory=dict
    )  # nominal, ordinal or scale, where the file says
    formats: Mapping[str, str] = field(default_factory=dict)  # the file's own, such as F8.2 or DATE11
    declared_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # as the file declares them
