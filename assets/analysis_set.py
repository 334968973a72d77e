"""Hop 4: one row per participant and visit. Not here: scoring, windows, populations (analysis.derive)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.carried import carried
from assets.declared import STATISTICS, key, of_hop, schema_of
from assets.failure import told_to_dagster
from assets.gate import still_blinded
from assets.ports import NEEDS, place_of
from assets.source_version import DERIVING
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

ONE_ROW = "one_row_per_participant_and_visit"
RECOUNTED = "counts_agree"


def analysis_set(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that derives a trial's analysis set."""
    asset = key(trial, "analysis_set")

    @dg.asset(
        **of_hop(trial, "analysis_set", DERIVING, STATISTICS, ["pandas", "parquet"]),
        ins={"accepted": dg.AssetIn(key(trial, "accepted"))},
        required_resource_keys=NEEDS,
        check_specs=[
            dg.AssetCheckSpec(ONE_ROW, asset=asset, description="Every pair of participant and visit, once."),
            dg.AssetCheckSpec(
                RECOUNTED, asset=asset, description="The flow, counted again record by record."
            ),
        ],
        description="Scored instruments, visits by window, baseline, change, populations; and the flow.",
    )
    def _analysis_set(
        context: dg.AssetExecutionContext, accepted: Tables
    ) -> Iterator[dg.MaterializeResult[Tables]]:
        from analysis.derive.analysis_set import build_analysis_set
        from analysis.derive.recount import disagreements, recount

        with told_to_dagster():
            still_blinded(trial, accepted.facts, place_of(context).standing(trial, accepted.facts))
            derived = build_analysis_set(accepted.frames, trial)
            facts = {**carried(accepted.facts), "notes": derived.notes}
            tables = Tables({"analysis_set": derived.frame, **derived.course.frames}, facts)
            apart = disagreements(derived.course.flow, recount(accepted.frames, trial))
            checks = [_one_row(derived.frame, len(trial.visits)), _recounted(apart)]
            made = dg.MaterializeResult(value=tables, metadata=_shown(tables), check_results=checks)
        yield made

    return _analysis_set


def _one_row(frame: "pd.DataFrame", n_visits: int) -> dg.AssetCheckResult:
    once = not frame.duplicated(["participant", "visit"]).any()
    return dg.AssetCheckResult(
        check_name=ONE_ROW,
        passed=bool(once and len(frame) == frame["participant"].nunique() * n_visits),
        metadata={"participants": int(frame["participant"].nunique()), "visits": n_visits},
    )


def _recounted(apart: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=RECOUNTED,
        passed=not apart,
        metadata={"counted otherwise": shown.rows(["count"], [[one] for one in apart[: shown.MOST_ROWS]])},
    )


def _shown(tables: Tables) -> dict[str, Any]:
    frame, flow = tables.frames["analysis_set"], tables.frames["flow"]
    populations = [name for name in frame.columns if str(name).startswith("in_")]
    members = frame.drop_duplicates("participant")[[*populations, "arm"]].groupby("arm", observed=True).sum()
    columns = {str(name): str(kind) for name, kind in frame.dtypes.items()}
    return {
        "participants": int(frame["participant"].nunique()),
        "populations": shown.table(members.reset_index()),
        "flow": shown.table(flow),
        "notes": shown.rows(["note"], [[note] for note in tables.facts["notes"][: shown.MOST_ROWS]]),
        "dagster/column_schema": dg.MetadataValue.table_schema(schema_of(columns)),
        **shown.count(len(frame)),
        **shown.hashes(tables.facts),
    }
