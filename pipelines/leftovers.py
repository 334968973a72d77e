"""Runs whose process died: they end as failed, and the trial is free again. Not here: trying again (dagster.yaml).

A worker that dies alone is noticed by the server that started it. What dies with its server, or with the
machine, is found here: nobody holds the trial's lock, and nobody answers for the run.
"""

import json
import socket
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from data_contracts.errors import BusyError
from pipelines import locks
from pipelines.jobs import ALL

BY_COMMAND_LINE = {"srt/started_by": "the command line", "dagster/max_retries": "0"}
STARTED_BY = "srt/started_by"
SERVER = ".dagster/grpc_info"  # where Dagster notes which of its servers runs a run
UNDER_WAY = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
SETTLING = 90.0  # seconds in which a run has reached its trial's lock, however slow the machine
PATIENCE = 5.0  # seconds a server has to answer
WHY = "The process of this run ended before the run did."


def fail_leftovers(instance: dg.DagsterInstance, trials: Iterable[str], lock_folder: Path) -> list[str]:
    """Fail the runs that say they are under way while nobody does them, and return their ids.

    Such a run, killed or gone with the power, would keep the trial's place in the queue and the night waiting.

    Args:
        instance: Dagster's record.
        trials: The trials to look at.
        lock_folder: Where their locks are.
    """
    dead = dead_runs(instance, list(trials), lock_folder)
    for run in dead:
        instance.report_run_failed(run, WHY)
    return [run.run_id for run in dead]


def dead_runs(
    instance: dg.DagsterInstance, trials: Collection[str], lock_folder: Path
) -> list[dg.DagsterRun]:
    """Return the runs of some trials that say they are under way while nobody does them."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY))
    return [
        record.dagster_run
        for record in records
        if (needed := trials if record.dagster_run.job_name == ALL else _own(record, trials))
        and _is_dead(record)
        and not any(is_held(lock_folder, trial) for trial in needed)
    ]


def _own(record: dg.RunRecord, trials: Collection[str]) -> Collection[str]:
    return {record.dagster_run.job_name}.intersection(trials)


def _is_dead(record: dg.RunRecord) -> bool:
    """Say whether nobody answers for a run; that nobody holds its trial's lock is asked beside this."""
    run = record.dagster_run
    if run.tags.get(STARTED_BY) == BY_COMMAND_LINE[STARTED_BY]:
        return True  # it takes the lock before it is recorded
    if run.status is dg.DagsterRunStatus.NOT_STARTED:
        return False  # it waits for its turn, or is launched just now: the daemon has a time limit for that
    age = (datetime.now(UTC) - record.update_timestamp.replace(tzinfo=UTC)).total_seconds()
    return age > SETTLING and not _answers(run.tags.get(SERVER, ""))


def _answers(server: str) -> bool:
    """Say whether the server that started a run still listens; it notices a dead worker itself."""
    if not server:
        return False
    told = json.loads(server)
    try:
        if told.get("socket"):
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(PATIENCE)
                line.connect(told["socket"])
        else:
            socket.create_connection((told["host"], told["port"]), timeout=PATIENCE).close()
    except (OSError, KeyError):
        return False
    return True


def is_held(folder: Path, trial: str) -> bool:
    """Say whether another process holds a trial."""
    try:
        locks.take(folder, trial).release()
    except BusyError:
        return True
    return False
