"""What starts a run between nights, and what happens when one fails. Not here: the nights (schedules)."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg

from data_contracts.errors import ReadError
from data_contracts.spec import Trial
from pipelines.alerts import Failed, tell
from pipelines.home import find_home
from pipelines.news import is_quiet, unforced

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
    """Return a hash of the names, sizes and times of the files below a folder; "" when there is none."""
    status = [(path, path.stat()) for path in sorted(landing.rglob("*")) if path.is_file()]
    lines = [f"{path.relative_to(landing)} {s.st_size} {s.st_mtime_ns}" for path, s in status]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32] if lines else ""


def _missing(landing: Path, trial: Trial) -> str:
    """Return what is not there yet: a delivery under way is no failure, the night will judge it."""
    from data_contracts.readers.find import find_sources

    try:
        find_sources(landing, trial)
    except ReadError as error:
        return str(error)
    return ""


@dg.run_failure_sensor(
    name="failures",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes each failed run to logs/failures.log in the state folder.",
)
def failures(context: dg.RunFailureSensorContext) -> None:
    """Tell people of a failed run."""
    steps = context.get_step_failure_events()
    # Where no step ran, the run's own message serves.
    reasons = [reason for event in steps if (reason := _reason(event))] or [
        context.failure_event.message or "unknown"
    ]
    run = context.dagster_run
    tell(Failed(run.tags.get("srt/trial", run.job_name), run.run_id, tuple(reasons)), find_home().logs)
    context.log.info("%s failed; written to failures.log.", run.job_name)


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    return f"{event.step_key}: {data.error.message.strip()}" if data.error else ""
