"""What has happened that people should hear of: failures, recovery, silence. Not here: the words (alerts)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from pipelines import store
from pipelines.alerts import Failed, Recovered, note, send, tell
from pipelines.data_age import silence
from pipelines.home import Home
from pipelines.jobs import ALL
from pipelines.news import published_facts
from pipelines.told import Memory, recall, remembered

if TYPE_CHECKING:
    from data_contracts.spec import Trial

OF_A_FAILURE = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
DAY = 86400.0  # seconds
WILL_RETRY = "dagster/will_retry"  # what Dagster notes of a failed run it will do again


def tell_of_failure(instance: dg.DagsterInstance, run: dg.DagsterRun, home: Home) -> None:
    """Tell people of a failed run, once; it counts as told when it is in the log and on its way."""
    with remembered(home) as memory:
        if run.run_id in memory.runs:
            return
        noted = [note(failed, home) for failed in _with_history(failures_of(instance, run), memory)]
        memory.runs.append(run.run_id)
    for message in noted:
        send(message, home)


def tell_of_all_failures(instance: dg.DagsterInstance, home: Home, within_days: float = 7) -> None:
    """Tell of the failed runs nobody has been told of: for a machine where no daemon runs."""
    after = datetime.fromtimestamp(datetime.now(UTC).timestamp() - within_days * DAY, UTC)
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=after)
    known = set(recall(home).runs)
    for run in instance.get_runs(wanted, ascending=True):
        if run.run_id not in known:
            tell_of_failure(instance, run, home)


def failures_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[Failed]:
    """Return a failure for each trial that failed in a run: one, but for the run of all trials."""
    events = [log.dagster_event for log in instance.all_logs(run.run_id, of_type=OF_A_FAILURE)]
    steps = [event for event in events if event is not None and event.is_step_failure]
    if not steps:
        said = next((event.message for event in events if event is not None and event.message), "unknown")
        tags = (instance.get_run_by_id(run.run_id) or run).tags
        family = "process ended" if tags.get(WILL_RETRY) == "true" else ""
        return [Failed(run.tags.get("srt/trial", run.job_name), run.run_id, (said,), family=family)]
    by_trial: dict[str, list[dg.DagsterEvent]] = {}
    for event in steps:
        by_trial.setdefault(str(event.step_key).rpartition("__")[0], []).append(event)
    return [_failed(trial or run.job_name, run.run_id, of_it) for trial, of_it in by_trial.items()]


def _failed(trial: str, run_id: str, steps: list[dg.DagsterEvent]) -> Failed:
    first = steps[0]
    reasons = tuple(f"{event.step_key}: {_reason(event)}" for event in steps)
    return Failed(trial, run_id, reasons, str(first.step_key).rpartition("__")[2], _family(first))


def _reason(event: dg.DagsterEvent) -> str:
    """Return the message of an error of ours; of another its kind alone, for its text may quote a cell."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    return f"an unexpected {(data.error.cause or data.error).cls_name}" if data.error else "unknown"


def _family(event: dg.DagsterEvent) -> str:
    told = event.step_failure_data.user_failure_data
    return str(getattr(told.metadata.get("family"), "value", "")) if told else ""


def _with_history(failures: Iterable[Failed], memory: Memory) -> Iterator[Failed]:
    from dataclasses import replace

    now = datetime.now(UTC).isoformat(timespec="seconds")
    for failed in failures:
        before = memory.note_failure(failed.trial, now)
        yield replace(failed, since=before["since"], in_a_row=before["in_a_row"])


def tell_of_recoveries(instance: dg.DagsterInstance, home: Home) -> None:
    """Tell of the trials whose night works again."""
    for trial in recall(home).failing:
        if (run_id := _last_success(instance, trial)) and _is_current(trial, home):
            with remembered(home) as memory:
                gone = memory.failing.pop(trial, None)
            if gone:
                tell(Recovered(trial, run_id, gone["since"], gone["in_a_row"]), home)


def _last_success(instance: dg.DagsterInstance, trial: str) -> str:
    """Return the last run of a trial that has ended, if it succeeded."""
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    wanted = (dg.RunsFilter(job_name=job, statuses=ended) for job in (trial, ALL))
    records = [record for each in wanted for record in instance.get_run_records(each, limit=1)]
    last = max(records, key=lambda record: record.storage_id, default=None)
    succeeded = last is not None and last.dagster_run.status is dg.DagsterRunStatus.SUCCESS
    return last.dagster_run.run_id if last is not None and succeeded else ""


def _is_current(trial: str, home: Home) -> bool:
    """Say whether what is published is of the last receipt: a run of the first hops alone cures nothing."""
    receipt, published = store.read_facts(home.store(trial, "landing")), published_facts(trial, home)
    return bool(published) and receipt.get("data_hash") == published.get("data_hash")


def tell_of_silence(trials: "Iterable[Trial]", home: Home, now: datetime) -> None:
    """Tell of each trial to which no new data have come for longer than it expects; once, until they do."""
    for trial in trials:
        stale = silence(trial, home, now)
        if (stale.since if stale else None) == recall(home).stale.get(trial.name):
            continue
        with remembered(home) as memory:
            memory.stale.pop(trial.name, None)
            if stale:
                memory.stale[trial.name] = stale.since
        if stale:
            tell(stale, home)
