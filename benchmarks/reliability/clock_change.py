"""The clock changes in a night: the hour of the run does not exist, or exists twice.

Dagster's own scheduler is asked, every half hour of three nights, what it would start; time alone is pretended.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from benchmarks.reliability.outcome import Outcome, Progress, Tally, quiet, timed
from benchmarks.reliability.small_trial import NAME, new_place

SCENARIO = "the clock changes in a night"
STEP = timedelta(minutes=30)
CHANGES = {  # the day of the change, and a time in the hour that is left out or comes twice
    "Europe/London, left out": ("Europe/London", "2026-03-29", "30 1 * * *"),
    "Europe/London, twice": ("Europe/London", "2026-10-25", "30 1 * * *"),
    "America/New_York, left out": ("America/New_York", "2026-03-08", "30 2 * * *"),
    "America/New_York, twice": ("America/New_York", "2026-11-01", "30 1 * * *"),
    "Australia/Lord_Howe, half an hour": ("Australia/Lord_Howe", "2026-10-04", "15 2 * * *"),
}


def run(progress: Progress = quiet) -> Outcome:
    """Let the scheduler live through the night before, of, and after each change: one run each is right."""
    tally = Tally()
    with timed() as elapsed:
        for name, (zone, day, cron) in CHANGES.items():
            started = started_runs(zone, day, cron)
            nights = [moment.astimezone(ZoneInfo(zone)).date() for moment in started]
            once_each = len(nights) == len(set(nights)) == 3
            tally.note("one run each night", [] if once_each else [f"{name}: {[str(m) for m in started]}"])
            progress(f"{SCENARIO}: {name}")
        return tally.outcome(SCENARIO, elapsed())


def started_runs(zone: str, day: str, cron: str) -> list[datetime]:
    """Return when runs were started in the three nights around a day, UTC."""
    noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo(zone))
    begin = (noon - timedelta(days=2)).astimezone(UTC)
    return list(_asked(zone, cron, begin, begin + timedelta(days=3)))


def _asked(zone: str, cron: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the time of each step at which the scheduler started a run (a mock takes it)."""
    from dagster._core.test_utils import freeze_time
    from dagster._scheduler.scheduler import launch_scheduled_runs

    quiet_log = logging.getLogger("srt.clock_change")
    quiet_log.setLevel(logging.CRITICAL)
    with _workspace(zone, cron) as workspace:
        known, moment = 0, begin
        while moment <= end:
            with freeze_time(moment):
                list(launch_scheduled_runs(workspace, quiet_log, moment, iteration_times={}))
            if (runs := workspace.instance.get_runs_count(_of_the_night())) != known:
                yield from [moment] * (runs - known)
                known = runs
            moment += STEP


def _of_the_night() -> Any:
    import dagster as dg

    return dg.RunsFilter(tags={"dagster/schedule_name": f"{NAME}_nightly"})


@contextmanager
def _workspace(zone: str, cron: str) -> Iterator[Any]:
    """Yield the small trial as the daemon knows it, with a launcher that starts nothing."""
    import dagster as dg
    from dagster._core.remote_origin import InProcessCodeLocationOrigin
    from dagster._core.test_utils import create_test_daemon_workspace_context
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

    nobody = {"run_launcher": {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}}
    with ExitStack() as stack:
        place = stack.enter_context(new_place())
        file = place.root / "trials" / f"{NAME}.toml"
        text = file.read_text().replace("30 1 * * *", cron).replace("Europe/London", zone)
        file.write_text(text)
        stack.enter_context(patch.dict(os.environ, place.environment))
        instance = stack.enter_context(dg.instance_for_test(overrides=nobody))
        origin = InProcessCodeLocationOrigin(
            LoadableTargetOrigin(module_name="pipelines.definitions"), location_name="srt-trials"
        )
        target = InProcessWorkspaceLoadTarget(origin)
        yield stack.enter_context(create_test_daemon_workspace_context(target, instance))
