"""What starts a run between nights, and what happens when one fails. Not here: the nights (schedules)."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from data_contracts.arrival import look_at
from data_contracts.errors import ReadError
from data_contracts.manifest import is_data, speaks_for_data
from data_contracts.readers.find import find_sources
from data_contracts.spec import Trial
from pipelines.home import find_home
from pipelines.news import is_quiet, unforced
from pipelines.noticing import tell_of_failure
from pipelines.watch import look_around

STABLE_TICKS = 2  # looks at the folder that must agree before its files count as copied in full


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sensor remembers from tick to tick."""

    fingerprint: str = ""
    ticks: int = 0  # looks that found this fingerprint
    started: str = ""  # the fingerprint a run was started for


def landing_sensor(trial: Trial, *, runs: bool) -> dg.SensorDefinition:
    """Return the sensor that starts a trial's run when a delivery has arrived in full."""

    @dg.sensor(
        name=f"{trial.name}_landing",
        job_name=trial.name,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=f"Starts {trial.name} when the files in its landing folder are complete and settled.",
    )
    def _landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = Seen(**json.loads(context.cursor)) if context.cursor else Seen()
        now, outcome = look(find_home().landing(trial.name), trial, before)
        cursor = json.dumps(asdict(now))
        if not isinstance(outcome, str) and is_quiet(trial.name, find_home()):
            outcome = "The files were written again with the contents that are published."
        if isinstance(outcome, str):
            return dg.SensorResult(skip_reason=outcome, cursor=cursor)
        return dg.SensorResult(run_requests=[outcome], cursor=cursor)

    return _landing


def look(landing: Path, trial: Trial, before: Seen) -> tuple[Seen, dg.RunRequest | str]:
    """Return what to remember, and the run to start or the reason not to."""
    fingerprint = folder_fingerprint(landing)
    if fingerprint == before.started:
        return before, "Nothing new since the last run was started."
    ticks = before.ticks + 1 if fingerprint == before.fingerprint else 1
    now = Seen(fingerprint, ticks, before.started)
    if missing := _missing(landing, trial):
        return now, missing
    if ticks < STABLE_TICKS:
        return now, "The files changed since the last look; waiting until they no longer do."
    request = dg.RunRequest(run_key=f"{trial.name}:{fingerprint}", run_config=unforced(trial.name))
    return Seen(fingerprint, ticks, fingerprint), request


def folder_fingerprint(landing: Path) -> str:
    """Return a hash of the names, sizes and times of the files below a folder; "" when there is none.

    Data and what speaks for them count; hidden files and copies under way don't.
    """
    lines = sorted(line for path in _files_below(landing) if (line := _fingerprint(path, landing)))
    return hashlib.sha256(repr(lines).encode()).hexdigest()[:32] if lines else ""


def _files_below(landing: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(landing):
        yield from (Path(folder, name) for name in names)


def _fingerprint(path: Path, landing: Path) -> str:
    """Return a file's name, size and time; nothing for one that does not count, or has gone meanwhile."""
    name = path.relative_to(landing)
    if not (is_data(name) or speaks_for_data(name)):
        return ""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{name} {status.st_size} {status.st_mtime_ns}"


def _missing(landing: Path, trial: Trial) -> str:
    """Return what is not there yet: a delivery under way is no failure, the night will judge it."""
    now = datetime.now(UTC)
    try:
        sources = find_sources(landing, trial)
        looks = [look_at(path, form, trial.landing, now) for form, path in sources.items()]
    except ReadError as error:
        return str(error)
    waits = [f"form {look.where} lacks {look.lacks}" for look in looks if look.lacks]
    waits += [f"the file of form {look.where} changed just now" for look in looks if look.settles_in > 0]
    return f"Not all is there yet: {'; '.join(waits)}." if waits else ""


@dg.run_failure_sensor(
    name="failures",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people of each failed run: logs/failures.log, then whom alerts.toml names.",
)
def failures(context: dg.RunFailureSensorContext) -> None:
    """Tell people of a failed run."""
    tell_of_failure(context.instance, context.dagster_run, find_home())
    context.log.info("%s failed; written to failures.log.", context.dagster_run.job_name)


@dg.sensor(
    name="watch",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process died; tells of recovery and of silence; sends what was not taken.",
)
def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look after what no run looks after itself."""
    return dg.SkipReason(look_around(context.instance, find_home()))
