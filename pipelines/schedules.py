"""The nights. Not here: what a night does (assets), what starts a run between nights (sensors)."""

import dagster as dg

from data_contracts.spec import Night
from pipelines.home import find_home
from pipelines.jobs import TIDY
from pipelines.leftovers import fail_leftovers
from pipelines.news import LANDING_ONLY, is_quiet, unforced


def nightly(name: str, night: Night, *, runs: bool, configured: bool = True) -> dg.ScheduleDefinition:
    """Return a trial's nightly schedule, in the trial's time zone.

    Args:
        name: The trial, and its job.
        night: When it runs.
        runs: On from the start; a unit's own trials are, shipped examples are not.
        configured: The trial's `landing` takes a configuration; that of a file with mistakes does not.

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
        home = find_home().ready()
        fail_leftovers(context.instance, [name], home.locks)
        if not is_quiet(name, home):
            return dg.RunRequest(run_config=unforced(name) if configured else None)
        # Only the receipt is taken: hops that would be skipped are not even planned, so that the pages go
        # on showing the checks of the night that made what is published.
        receipt = [dg.AssetKey([name, hop]) for hop in LANDING_ONLY]
        return dg.RunRequest(run_config=unforced(name), asset_selection=receipt)

    return _night


def weekly_tidying(*, runs: bool) -> dg.ScheduleDefinition:
    """Return the schedule of retention: Sundays at noon, when no night is under way."""
    return dg.ScheduleDefinition(
        name="tidy_weekly",
        job_name=TIDY,
        cron_schedule="0 12 * * 0",
        default_status=dg.DefaultScheduleStatus.RUNNING if runs else dg.DefaultScheduleStatus.STOPPED,
        description="Removes what is older than each trial keeps it ([retention] in its file).",
    )
