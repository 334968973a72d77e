"""Claims about keeping forms as tables. Not here: random round trips (property)."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from data_contracts.forms import ReadForm, SourceFile
from data_contracts.readers import forms_from_tables, forms_to_tables
from data_contracts.tables import Tables

ROWS = pd.RangeIndex(1, 3, name="row")
FORM = ReadForm(
    name="form",
    values=pd.DataFrame({"n": pd.array([1, None], dtype="Int64")}, index=ROWS),
    reasons=pd.DataFrame({"n": pd.array([None, None], dtype="str")}, index=ROWS),
    unreadable=pd.DataFrame({"row": [2], "column": ["n"], "found": ["x"], "expected": ["a whole number"]}),
    source=SourceFile("form.csv", "0" * 64, 10, datetime(2026, 1, 2, tzinfo=UTC)),
    absent_columns=("a",),
    unknown_columns=("b",),
    notes=("A note.",),
    variable_labels={"n": "Count"},
    value_labels={"n": {"1": "One"}},
    measures={"n": "ordinal"},
    formats={"n": "F8.2"},
    declared_missing={"n": ("LOWEST thru -1", "99")},
)


def test_nothing_a_reader_found_is_lost_in_the_store(tmp_path: Path) -> None:
    """Queries and the report are made from what was stored, not from the file."""
    tables = forms_to_tables({"form": FORM})
    for name, frame in tables.frames.items():
        frame.to_parquet(tmp_path / name)
    back = forms_from_tables(Tables({n: pd.read_parquet(tmp_path / n) for n in tables.frames}, tables.facts))[
        "form"
    ]
    for frame in ("values", "reasons", "unreadable"):
        pd.testing.assert_frame_equal(getattr(back, frame), getattr(FORM, frame))
    for fact in (
        "name",
        "source",
        "absent_columns",
        "unknown_columns",
        "notes",
        "variable_labels",
        "value_labels",
        "measures",
        "formats",
        "declared_missing",
    ):
        assert getattr(back, fact) == getattr(FORM, fact)


def test_a_store_that_keeps_the_row_as_index_changes_nothing() -> None:
    """Whether row numbers are a column or an index is storage's business."""
    tables = forms_to_tables({"form": FORM})
    indexed = {n: f.set_index("row") if not n.endswith("unreadable") else f for n, f in tables.frames.items()}
    back = forms_from_tables(Tables(indexed, tables.facts))["form"]
    pd.testing.assert_frame_equal(back.values, FORM.values)
