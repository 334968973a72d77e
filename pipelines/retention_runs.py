"""Dagster's own records that may go: old runs, their events, what they printed. Not here: the trials' (retention)."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.home import Home
from pipelines.retention import Removal

if TYPE_CHECKING:
    from data_contracts.spec import Trial

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def old_runs(
    instance: dg.DagsterInstance, home: Home, trials: "Iterable[Trial]", now: datetime | None = None
) -> list[Removal]:
    """Return the runs that may go: older than their trial keeps them, and not the last to make a table."""
    moment, last = now or datetime.now(UTC), _makers(instance)
    found = [_of_job(instance, home, trial, last, moment) for trial in trials]
    return [one for one in found if one.number]


def _of_job(
    instance: dg.DagsterInstance, home: Home, trial: "Trial", last: set[str], now: datetime
) -> Removal:
    before = now - timedelta(days=trial.retention.keep_days)
    ended = instance.get_runs(dg.RunsFilter(job_name=trial.name, statuses=ENDED))
    recent = {run.run_id for run in ended[: trial.retention.keep_nights]}
    aged = instance.get_runs(dg.RunsFilter(job_name=trial.name, statuses=ENDED, updated_before=before))
    gone = [run.run_id for run in aged if run.run_id not in recent | last]
    size = sum(_events_file(home, run_id) for run_id in gone)
    return Removal(trial.name, "runs", len(gone), size, lambda: _delete(instance, home, gone))


def _makers(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs that made the tables there are: the pages show tables by them."""
    events = (instance.get_latest_materialization_event(key) for key in instance.all_asset_keys())
    return {event.run_id for event in events if event is not None}


def _delete(instance: dg.DagsterInstance, home: Home, run_ids: Iterable[str]) -> None:
    for run_id in run_ids:
        instance.delete_run(run_id)
        shutil.rmtree(home.dagster / "storage" / run_id, ignore_errors=True)
        for path in (home.dagster / "history" / "runs").glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
    _shrink(home)


def _shrink(home: Home) -> None:
    """Give the disk back what the records no longer use, unless somebody is at them just now."""
    history = home.dagster / "history"
    for path in (history / "runs.db", history / "runs" / "index.db"):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("VACUUM")


def _events_file(home: Home, run_id: str) -> int:
    files = (home.dagster / "history" / "runs").glob(f"{run_id}.db*")
    return sum(path.stat().st_size for path in files)
