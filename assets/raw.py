"""Hop 2: the exports as typed forms, every row of them. Not here: whether the values are right (checked)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.declared import DATA_MANAGEMENT, form_schema, key, of_hop
from assets.failure import told_to_dagster
from assets.freshness import data_arrived
from assets.ports import NEEDS, place_of
from assets.source_version import READING
from data_contracts.errors import Problem, ReadError
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    from data_contracts.forms import ReadForm

# A network share that is away, a file another program holds: three tries within two minutes.
AGAIN = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)


def raw(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that reads a trial's exports."""

    @dg.asset(
        **of_hop(trial, "raw", READING, DATA_MANAGEMENT, ["python", "parquet"]),
        ins={"receipt": dg.AssetIn(key(trial, "landing"))},
        required_resource_keys=NEEDS,
        retry_policy=AGAIN,
        output_required=False,
        freshness_policy=data_arrived(trial.night),
        metadata={"dagster/column_schema": form_schema(trial)},
        description="Every row of every export, typed by the contract, with why a value is missing.",
    )
    def _raw(context: dg.AssetExecutionContext, receipt: Tables) -> Iterator[dg.MaterializeResult[Tables]]:
        if is_unchanged(receipt, context.run.run_id):
            context.log.info(
                "The data, the plan and the code are those of the published report: nothing to do."
            )
            return
        with told_to_dagster():
            forms = _read_as_received(place_of(context).landing(trial.name), trial, receipt)
        yield dg.MaterializeResult(value=_stored(forms, receipt), metadata=_shown(forms, receipt))

    return _raw


def is_unchanged(receipt: Tables, run_id: str) -> bool:
    """Say whether this run's own receipt found nothing new; an older receipt says nothing of this run."""
    return receipt.facts["run_id"] == run_id and not receipt.facts["changed"]


def _read_as_received(landing: Path, trial: Trial, receipt: Tables) -> "dict[str, ReadForm]":
    from data_contracts.readers.trial import read_trial

    forms = read_trial(landing, trial)
    files = receipt.facts["files"]
    moved = [name for name, form in forms.items() if files.get(name, {}).get("sha256") != form.source.sha256]
    if moved:
        problems = [
            Problem(name, "other contents than at the start of the run", "one version", "Run again.")
            for name in moved
        ]
        raise ReadError("The landing folder changed while it was being read.", problems)
    return forms


def _stored(forms: "dict[str, ReadForm]", receipt: Tables) -> Tables:
    from data_contracts.readers.store import forms_to_tables

    tables = forms_to_tables(forms)
    hashes = {name: receipt.facts[name] for name in ("data_hash", "plan_hash", "code_version")}
    return Tables(tables.frames, {**tables.facts, **hashes})


def _shown(forms: "dict[str, ReadForm]", receipt: Tables) -> dict[str, Any]:
    header = ("form", "file", "rows", "columns", "unreadable cells", "absent columns", "unknown columns")
    records = [
        (
            f.name,
            f.source.name,
            len(f.values),
            f.values.shape[1],
            len(f.unreadable),
            ", ".join(f.absent_columns),
            ", ".join(f.unknown_columns),
        )
        for f in forms.values()
    ]
    return {
        "forms": shown.rows(header, records),
        **shown.count(sum(len(f.values) for f in forms.values())),
        **shown.hashes(receipt.facts),
    }
