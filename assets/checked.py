"""Hop 3: the verdict on the data: what is accepted, set aside and asked about. Not here: rules and judging.

`accepted` is stored last, and not at all when the data are withheld: whoever reads it compares it with the
verdict (gate), so that neither a kill between two outputs nor a later run of a later hop gets past a verdict.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.blinding import known_as, rules_in_the_open, true_forms, verdict_in_the_open
from assets.carried import carried
from assets.contract_checks import check_results, check_specs
from assets.declared import DATA_MANAGEMENT, form_schema, key, op_name, pool, version
from assets.failure import as_failure, told_to_dagster
from assets.ports import NEEDS, STORE, Place, place_of
from assets.source_version import JUDGING
from assets.validation import docs_of, page_of, write_page
from data_contracts.errors import ContractError
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    from data_contracts.rules import Verdict

OUTPUTS = {  # in the order they are stored; accepted is last
    "checked": "The verdict: every rule of the contract with the number of records that break it.",
    "quarantine": "Whole records set aside, with the rule and the reason; they reach no analysis.",
    "queries": "What to ask the sites: one row per doubtful value. The only table that shows values.",
    "accepted": "The records that passed, a table per form. Absent while the data are withheld.",
}


def checked(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that judges a trial's data by its contract."""

    @dg.multi_asset(
        name=op_name(trial, "checked"),
        outs={hop: _out(trial, hop) for hop in OUTPUTS},
        ins={"raw": dg.AssetIn(key(trial, "raw"))},
        internal_asset_deps=_edges(trial),
        check_specs=check_specs(key(trial, "checked")),
        required_resource_keys=NEEDS,
        pool=pool(trial),
        op_tags={"srt/hop": "checked"},
    )
    def _checked(context: dg.AssetExecutionContext, raw: Tables) -> Iterator[dg.MaterializeResult[Tables]]:
        place = place_of(context)
        with told_to_dagster():
            verdict = _verdict(raw, trial, place)
            milestone = "withheld" if verdict.withheld else "checked"
            place.reached(trial.name, context.run.run_id, milestone, raw.facts)
            yield from _stored(verdict, trial, raw, place, context.run.run_id)

    return _checked


def _verdict(raw: Tables, trial: Trial, place: Place) -> "Verdict":
    from data_contracts.query_sites import with_sites
    from data_contracts.readers.store import forms_from_tables
    from data_contracts.suites import rules_of
    from data_contracts.verdict import verdict_of

    forms = true_forms(forms_from_tables(raw), trial, place, raw.facts)
    rules = rules_in_the_open(rules_of(trial), trial, raw.facts)
    findings = place.judge().judge(forms, trial, rules, docs_of(place, trial))
    verdict = verdict_of(forms, trial, findings)
    asked = replace(verdict, queries=with_sites(verdict.queries, forms, trial))
    return verdict_in_the_open(asked, forms, trial, place, raw.facts)


def _stored(
    verdict: "Verdict", trial: Trial, raw: Tables, place: Place, run_id: str
) -> Iterator[dg.MaterializeResult[Tables]]:
    """Yield the outputs in their order, then raise if the data are withheld."""
    hashes = carried(raw.facts)
    judged = Tables(
        {"findings": _findings(verdict), "counts": verdict.counts},
        {"withheld": verdict.withheld, "reasons": list(verdict.reasons), "forms": _counts(verdict), **hashes},
    )
    yield dg.MaterializeResult(
        asset_key=key(trial, "checked"),
        value=judged,
        metadata={**_shown_verdict(judged), "validation report": shown.link(page_of(place, trial))},
        check_results=check_results(verdict),
    )
    yield _aside(trial, "quarantine", verdict.quarantine, by=["form", "rule"], hashes=hashes)
    with told_to_dagster():
        asked = place.record_night(trial, verdict, {**known_as(raw.facts), "run_id": run_id})
        write_page(place, trial, verdict, raw, run_id)
    by = ["form", "severity", "rule"]
    yield _aside(trial, "queries", asked.frames["queries"], by=by, hashes=hashes, more=asked.facts)
    if verdict.withheld:
        raise as_failure(withheld(trial.name, verdict.reasons))
    with told_to_dagster():
        place.note_changes(trial, run_id, verdict.accepted)  # what is stored below, and nothing else
    yield dg.MaterializeResult(
        asset_key=key(trial, "accepted"),
        value=Tables(verdict.accepted, hashes),
        metadata={**shown.count(sum(map(len, verdict.accepted.values()))), **shown.hashes(hashes)},
    )


def withheld(trial: str, reasons: Iterable[str]) -> ContractError:
    """Return the error that says why nothing may be analysed."""
    why = "".join(f"\n  - {reason}" for reason in reasons)
    return ContractError(f"The data of {trial} are withheld from analysis; the last good results stay.{why}")


def _out(trial: Trial, hop: str) -> dg.AssetOut:
    schema = {"dagster/column_schema": form_schema(trial)} if hop == "accepted" else {}
    return dg.AssetOut(
        key=key(trial, hop),
        description=OUTPUTS[hop],
        is_required=False,
        io_manager_key=STORE,
        group_name=trial.name,
        code_version=version(trial, JUDGING),
        owners=[DATA_MANAGEMENT],
        kinds={"greatexpectations", "parquet"},
        metadata=schema,
    )


def _edges(trial: Trial) -> dict[str, set[dg.AssetKey]]:
    from_verdict = {hop: {key(trial, "checked")} for hop in OUTPUTS if hop != "checked"}
    return {"checked": {key(trial, "raw")}, **from_verdict}


def _findings(verdict: "Verdict") -> Any:
    import pandas as pd

    columns = [
        "rule",
        "form",
        "dimension",
        "severity",
        "effect",
        "message",
        "passed",
        "n_failed",
        "n_checked",
        "error",
    ]
    records = [
        (
            f.rule.id,
            f.rule.form,
            f.rule.dimension,
            f.rule.severity,
            f.rule.effect,
            f.rule.message,
            f.passed,
            len(f.rows),
            f.n_checked,
            f.error,
        )
        for f in verdict.findings
    ]
    return pd.DataFrame.from_records(records, columns=columns)


def _shown_verdict(judged: Tables) -> dict[str, Any]:
    broken = judged.frames["findings"].query("not passed")
    return {
        "verdict": "withheld" if judged.facts["withheld"] else "accepted",
        "records": shown.table(judged.frames["counts"]),
        "rules broken": shown.table(
            broken[["rule", "severity", "effect", "n_failed", "n_checked", "message"]]
        ),
        **shown.count(len(judged.frames["findings"])),
        **shown.hashes(judged.facts),
    }


def _counts(verdict: "Verdict") -> list[dict[str, Any]]:
    return [
        {
            "form": str(c.form),
            "rows_in": int(c.rows_in),
            "accepted": int(c.accepted),
            "quarantined": int(c.quarantined),
        }
        for c in verdict.counts.itertuples()
    ]


def _aside(  # noqa: PLR0913, PLR0917 - a table, what it is counted by, and what goes with it
    trial: Trial,
    hop: str,
    frame: Any,
    by: list[str],
    hashes: Mapping[str, Any],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dg.MaterializeResult[Tables]:
    counted = frame.groupby(by, observed=True).size().rename("n").reset_index()
    return dg.MaterializeResult(
        asset_key=key(trial, hop),
        value=Tables({hop: frame}, {**hashes, **more, "counts": counted.to_dict("records")}),
        metadata={"counts": shown.table(counted), **shown.count(len(frame)), **shown.hashes(hashes)},
    )
