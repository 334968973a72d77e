"""When a table is too old. Not here: when runs are started (pipelines.schedules)."""

from datetime import timedelta

import dagster as dg

from data_contracts.spec import Night

GRACE = 2  # hours a night may take


def night_happened(night: Night) -> dg.FreshnessPolicy | None:
    """Return the policy that each night's run has come: between its time and two hours later.

    Only for a line "minute hour * * days" that leaves those two hours before midnight: Dagster's policy takes
    a deadline as cron and can't hold one that falls on the day after.
    """
    minute, hour, *days = night.cron.split()
    if not (minute.isdigit() and hour.isdigit() and days[:2] == ["*", "*"] and int(hour) + GRACE < 24):
        return None
    return dg.FreshnessPolicy.cron(
        deadline_cron=" ".join([minute, str(int(hour) + GRACE), *days]),
        lower_bound_delta=timedelta(hours=GRACE, minutes=5),
        timezone=night.time_zone,
    )


def data_arrived(night: Night) -> dg.FreshnessPolicy:
    """Return the policy that new data came within the days the trial expects them in."""
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=night.stale_after_days))
