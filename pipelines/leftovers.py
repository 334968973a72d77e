"""Runs of the command line whose process died: they end as failed. Not here: the daemon's own (dagster.yaml)."""

from pathlib import Path

import dagster as dg

from data_contracts.errors import BusyError
from pipelines import locks

BY_COMMAND_LINE = {"srt/started_by": "the command line"}
UNDER_WAY = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def fail_leftovers(instance: dg.DagsterInstance, trial: str, lock_folder: Path) -> None:
    """Fail the trial's runs that say they are under way while nobody holds the trial's lock.

    Such a run, killed or gone with the power, would keep the trial's place in the queue and the night waiting.
    """
    wanted = dg.RunsFilter(job_name=trial, statuses=UNDER_WAY, tags=BY_COMMAND_LINE)
    if not (left := instance.get_runs(wanted)):
        return
    try:
        lock = locks.take(lock_folder, trial)
    except BusyError:
        return
    try:
        for run in left:
            instance.report_run_failed(run, "The process of this run ended before the run did.")
    finally:
        lock.release()
