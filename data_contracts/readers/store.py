"""Forms as tables that Parquet can keep, and back. Not here: writing files (pipelines.store)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pandas as pd

from data_contracts.forms import ROW, ReadForm, SourceFile
from data_contracts.tables import Tables

REASONS, UNREADABLE = ".reasons", ".unreadable"  # a form's name holds no dot


def forms_to_tables(forms: Mapping[str, ReadForm]) -> Tables:
    """Return forms as plain frames (the row number is a column `row`) and JSON facts."""
    frames = dict[str, pd.DataFrame]()
    for name, form in forms.items():
        frames[name] = form.values.reset_index()
        frames[name + REASONS] = form.reasons.reset_index()
        frames[name + UNREADABLE] = form.unreadable
    return Tables(frames, {"forms": {name: _facts(form) for name, form in forms.items()}})


def forms_from_tables(tables: Tables) -> dict[str, ReadForm]:
    """Return the forms that `forms_to_tables` gave, whatever types storage made of them."""
    return {name: _form(name, facts, tables.frames) for name, facts in tables.facts["forms"].items()}


def _facts(form: ReadForm) -> dict[str, Any]:
    source = {**asdict(form.source), "modified": form.source.modified.isoformat()}
    return {
        "source": source,
        "types": {str(name): str(dtype) for name, dtype in form.values.dtypes.items()},
        "absent_columns": list(form.absent_columns),
        "unknown_columns": list(form.unknown_columns),
        "notes": list(form.notes),
        "variable_labels": dict(form.variable_labels),
        "value_labels": {name: dict(labels) for name, labels in form.value_labels.items()},
        "measures": dict(form.measures),
        "formats": dict(form.formats),
        "declared_missing": {name: list(codes) for name, codes in form.declared_missing.items()},
    }


def _form(name: str, facts: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> ReadForm:
    source = {**facts["source"], "modified": datetime.fromisoformat(facts["source"]["modified"])}
    values, reasons = frames[name], frames[name + REASONS]
    return ReadForm(
        name=name,
        values=_by_row(values).astype(facts["types"]),
        reasons=_by_row(reasons).astype("str"),
        unreadable=frames[name + UNREADABLE].astype(
            {ROW: "int64", "column": "str", "found": "str", "expected": "str"}
        ),
        source=SourceFile(**source),
        absent_columns=tuple(facts["absent_columns"]),
        unknown_columns=tuple(facts["unknown_columns"]),
        notes=tuple(facts["notes"]),
        variable_labels=facts["variable_labels"],
        value_labels=facts["value_labels"],
        measures=facts.get("measures", {}),  # absent from what earlier versions stored
        formats=facts.get("formats", {}),
        declared_missing={n: tuple(codes) for n, codes in facts.get("declared_missing", {}).items()},
    )


def _by_row(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its row numbers as index, which the store may have kept as either."""
    by_row = frame.set_index(ROW) if ROW in frame.columns else frame
    return by_row.set_axis(pd.RangeIndex(1, len(by_row) + 1, name=ROW), axis="index")
