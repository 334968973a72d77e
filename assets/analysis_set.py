"""Hop 4: one row per participant and visit. Not here: scoring, windows, populations (analysis.derive)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from assets.declared import STATISTICS, key, of_hop, schema_of
from assets.failure import told_to_dagster
from assets.source_version import DERIVING
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

ONE_ROW = "one_row_per_participant_and_visit"


def analysis_set(trial: Trial) -> dg.AssetsDefinition:
    """Return the hop that derives a trial's analysis set."""
    asset = key(trial, "analysis_set")

    @dg.asset(
        **of_hop(trial, "analysis_set", DERIVING, STATISTICS, ["pandas", "parquet"]),
        ins={"accepted": dg.AssetIn(key(trial, "accepted"))},
        check_specs=[
            dg.AssetCheckSpec(ONE_ROW, asset=asset, description="Every pair of participant and visit, once.")
        ],
        description="Scored instruments, visits by window, baseline, change, populations; and the flow.",
    )
    def _analysis_set(accepted: Tables) -> Iterator[dg.MaterializeResult[Tables]]:
        from analysis.derive.analysis_set import build_analysis_set

        with told_to_dagster():
            derived = build_analysis_set(accepted.frames, trial)
        tables = Tables(
            {"analysis_set": derived.frame, "flow": derived.flow}, {**accepted.facts, "notes": derived.notes}
        )
        yield dg.MaterializeResult(
            value=tables, metadata=_shown(tables), check_results=[_one_row(derived.frame, len(trial.visits))]
        )

    return _analysis_set


def _one_row(frame: "pd.DataFrame", n_visits: int) -> dg.AssetCheckResult:
    once = not frame.duplicated(["participant", "visit"]).any()
    return dg.AssetCheckResult(
        check_name=ONE_ROW,
        passed=bool(once and len(frame) == frame["participant"].nunique() * n_visits),
        metadata={"participants": int(frame["participant"].nunique()), "visits": n_visits},
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
