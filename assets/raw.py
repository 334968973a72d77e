"""Hop 2: the exports as typed forms, every row of them. Not here: whether the values are right (checked)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.blinding import at_the_door, in_the_open
from assets.carried import carried
from assets.declared import DATA_MANAGEMENT, form_schema, key, of_hop
from assets.failure import AGAIN, told_to_dagster
from assets.freshness import data_arrived
from assets.ports import NEEDS, Custody, place_of
from assets.source_version import READING
from assets.validation import told_on_the_page
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    from data_contracts.forms import ReadForm


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
            place = place_of(context)
            with told_on_the_page(place, trial):
                read = _read_copies(place.custody(trial.name), trial, receipt)
            forms = at_the_door(read, trial, place)
            forms = in_the_open(forms, trial, place, receipt.facts)
            made = dg.MaterializeResult(value=_stored(forms, receipt), metadata=_shown(forms, receipt))
        yield made

    return _raw


def is_unchanged(receipt: Tables, run_id: str) -> bool:
    """Say whether this run's own receipt found nothing new; an older receipt says nothing of this run."""
    return receipt.facts["run_id"] == run_id and not receipt.facts["changed"]


def _read_copies(custody: Custody, trial: Trial, receipt: Tables) -> "dict[str, ReadForm]":
    """Return the forms of the delivery that landing took in, whatever the landing folder holds by now."""
    from data_contracts.readers.trial import read_received

    files = receipt.facts["files"]
    forms = read_received(custody.received(files), trial)
    return {
        name: replace(form, source=replace(form.source, sha256=files[name]["sha256"]))
        for name, form in forms.items()
    }


def _stored(forms: "Mapping[str, ReadForm]", receipt: Tables) -> Tables:
    from data_contracts.readers.store import forms_to_tables

    tables = forms_to_tables(forms)
    return Tables(tables.frames, {**tables.facts, **carried(receipt.facts)})


def _shown(forms: "Mapping[str, ReadForm]", receipt: Tables) -> dict[str, Any]:
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
