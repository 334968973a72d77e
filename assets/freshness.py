"""When a table, or what it is made of, is too old. Not here: when runs are started (pipelines.schedules)."""

from datetime import datetime, timedelta

import dagster as dg

from data_contracts.spec import Night

GRACE = 2  # hours a night may take
NEW_DATA = "new_data_came"


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


def new_data_check(asset: dg.AssetKey, night: Night) -> dg.AssetCheckSpec:
    """Return the check that the contents of the delivery changed within the days the trial expects it in.

    Beside the policy below: a run that somebody asks for reads old data anew, which makes them no younger.
    """
    description = f"The contents of the exports changed within {night.stale_after_days:g} days."
    return dg.AssetCheckSpec(NEW_DATA, asset=asset, description=description)


def new_data_came(night: Night, since: datetime | None, now: datetime) -> dg.AssetCheckResult:
    """Return whether new data came in time: a warning where they did not, since the run itself is well."""
    days = (now - since) / timedelta(days=1) if since else 0.0
    return dg.AssetCheckResult(
        check_name=NEW_DATA,
        passed=days <= night.stale_after_days,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"days since": round(days, 1), "expected every (days)": night.stale_after_days},
    )


def data_arrived(night: Night) -> dg.FreshnessPolicy:
    """Return the policy that a run read new data within the days the trial expects them in."""
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=night.stale_after_days))
