"""One run in this process, recorded as if Dagster had started it. Not here: what came of it (run).

Private parts of Dagster are used here and in `record`: its public `execute_in_process` gives its events
when all is over, copies the terminal through two more processes, and leaves runs that the failure sensor
does not see.
"""

import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._utils.error import SerializableErrorInfo

from assets.failure import as_error
from data_contracts.errors import SrtError
from pipelines.home import PROJECT, Home
from pipelines.hops import Follower, OnHop
from pipelines.leftovers import BY_COMMAND_LINE, fail_leftovers
from pipelines.record import recorded

LOCATION = "srt-trials"  # as in workspace.yaml and pyproject.toml
INTERRUPTS = {dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Executed:
    """A run that has ended."""

    run_id: str
    succeeded: bool
    errors: tuple[SrtError, ...] = field(default=())


def execute(
    job: dg.JobDefinition, home: Home, hops: Iterable[str] | None, config: Mapping[str, Any], on_hop: OnHop
) -> Executed:
    """Run a trial's job, or some of its hops only, and tell of each hop as it starts and ends.

    Raises:
        StorageError: Dagster's record can't be opened.
    """
    run_id, follower, events = str(uuid4()), Follower(on_hop), []
    with recorded(home, run_id) as instance:
        fail_leftovers(instance, [job.name], home.locks)
        run = instance.create_run_for_job(
            job,
            run_id=run_id,
            run_config={**QUIET, **config},
            tags={**job.run_tags, **BY_COMMAND_LINE},
            asset_selection=frozenset(dg.AssetKey([job.name, hop]) for hop in hops) if hops else None,
            remote_job_origin=_origin(job.name),
        )
        with closing(execute_run_iterator(InMemoryJob(job), run, instance)) as under_way:
            for event in under_way:
                _stop_if_interrupted(event)
                follower.note(event)
                events.append(event)
    return Executed(run_id, any(e.is_job_success for e in events), tuple(_errors(events)))


def _origin(job: str) -> RemoteJobOrigin:
    """Return where Dagster's pages and sensors find the job this run is of."""
    target = LoadableTargetOrigin(
        executable_path=sys.executable, module_name="pipelines.definitions", working_directory=str(PROJECT)
    )
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)


def _stop_if_interrupted(event: dg.DagsterEvent) -> None:
    """Stop where Dagster would try the hop again in a while: it takes Ctrl-C for a reason to."""
    if event.is_step_up_for_retry and _comes_of_an_interrupt(event.step_retry_data.error):
        raise KeyboardInterrupt


def _comes_of_an_interrupt(error: SerializableErrorInfo | None) -> bool:
    """Say whether an error is Ctrl-C, or what a library has made of it."""
    if error is None:
        return False
    return error.cls_name in INTERRUPTS or any(map(_comes_of_an_interrupt, (error.cause, error.context)))


def _errors(events: Iterable[dg.DagsterEvent]) -> Iterable[SrtError]:
    for event in events:
        if event.is_step_failure:
            yield _error(event)
        elif event.is_resource_init_failure:
            yield SrtError(f"The run could not start: {event.message}")


def _error(event: dg.DagsterEvent) -> SrtError:
    data = event.step_failure_data
    known = as_error(data.user_failure_data.metadata) if data.user_failure_data else None
    if known is not None:
        return known
    # The message of an error nobody foresaw may hold a record's value: it stays in Dagster's own record.
    if _comes_of_an_interrupt(data.error):
        raise KeyboardInterrupt  # which Dagster has recorded as the step's failure
    if data.user_failure_data and data.user_failure_data.description:  # kind and place alone: assets.failure
        return SrtError(f"{event.step_key}: {data.user_failure_data.description}")
    kind = (data.error.cause or data.error).cls_name if data.error else "error"
    return SrtError(
        f"An unexpected {kind} stopped {event.step_key}. `srt ui` shows the run with its traceback."
    )
