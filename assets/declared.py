"""What Dagster's catalogue says of a hop: key, group, owner, version, columns. Not here: what a hop does."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from assets.source_version import source_version
from data_contracts.spec import Column, Trial

DATA_MANAGEMENT = "team:data-management"
STATISTICS = "team:statistics"
TYPES = {"text": "string", "integer": "int", "number": "float", "category": "string", "date": "date"}


def key(trial: Trial, hop: str) -> dg.AssetKey:
    """Return a hop's asset key."""
    return dg.AssetKey([trial.name, hop])


def op_name(trial: Trial, hop: str) -> str:
    """Return the name of the step that makes a hop; a step's name can hold no slash."""
    return f"{trial.name}__{hop}"


def pool(trial: Trial) -> str:
    """Return the pool of a trial: one run of it at a time."""
    return f"trial_{trial.name}"


def version(trial: Trial, parts: tuple[str, ...]) -> str:
    """Return a hop's code version: its sources and the trial's plan."""
    return f"{source_version(parts)}-{trial.plan_hash[:8]}"


def of_hop(
    trial: Trial, hop: str, parts: tuple[str, ...], owner: str, kinds: Iterable[str]
) -> Mapping[str, Any]:
    """Return what `dg.asset` is told of a hop that makes one table."""
    return {
        "key": key(trial, hop),
        "op_tags": {"srt/hop": hop},
        "group_name": trial.name,
        "owners": [owner],
        "kinds": set(kinds),
        "code_version": version(trial, parts),
        "pool": pool(trial),
        "io_manager_key": "store",
    }


def form_schema(trial: Trial) -> dg.TableSchema:
    """Return the columns of every form, as the trial's contract declares them."""
    columns = [
        dg.TableColumn(
            name=f"{form.name}.{column.name}",
            type=TYPES[column.type],
            description=_described(column),
            constraints=dg.TableColumnConstraints(
                nullable=not column.required, unique=(column.name,) == form.key
            ),
        )
        for form in trial.forms.values()
        for column in trial.columns_of(form).values()
    ]
    return dg.TableSchema(columns=columns)


def schema_of(columns: Mapping[str, str]) -> dg.TableSchema:
    """Return a schema from names and types."""
    return dg.TableSchema(columns=[dg.TableColumn(name=n, type=t) for n, t in columns.items()])


def _described(column: Column) -> str:
    limits = f"{column.range[0]:g} to {column.range[1]:g}" if column.range else ""
    codes = ", ".join(f"{code} = {label}" for code, label in column.labels.items())
    parts = [column.label or column.name, limits, codes, column.unit]
    return "; ".join(part for part in parts if part)
