"""The nights. Not here: what a night does (assets), what starts a run between nights (sensors)."""

import dagster as dg

from data_contracts.spec import Night
from pipelines.home import find_home
from pipelines.leftovers import fail_leftovers


def nightly(name: str, night: Night, *, runs: bool) -> dg.ScheduleDefinition:
    """Return a trial's nightly schedule, in the trial's time zone.

    Args:
        name: The trial, and its job.
        night: When it runs.
        runs: On from the start; a unit's own trials are, shipped examples are not.

    Raises:
        DagsterInvalidDefinitionError: the cron line is not one.
    """

    @dg.schedule(
        name=f"{name}_nightly",
        job_name=name,
        cron_schedule=night.cron,
        execution_timezone=night.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if runs else dg.DefaultScheduleStatus.STOPPED,
        description=f"Runs {name} at {night.cron} ({night.time_zone}); a night without news costs seconds.",
    )
    def _night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        fail_leftovers(context.instance, name, find_home().ready().locks)
        return dg.RunRequest()

    return _night
