"""How old a trial's data are: since their contents last changed. Not here: when its runs were (Dagster's record)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.alerts import Stale
from pipelines.deliveries import Delivery, read_deliveries
from pipelines.home import Home

if TYPE_CHECKING:
    from data_contracts.spec import Trial

DAY = 86400.0  # seconds


def data_since(trial: str, home: Home) -> datetime | None:
    """Return when the newest of a trial's data came, UTC; None before the first delivery.

    The same contents delivered again are no new data: a form's are as old as the first delivery in the unbroken
    line of those with the same hash.
    """
    since = _first_of_the_same(read_deliveries(home.custody(trial)))
    return max(map(datetime.fromisoformat, since.values()), default=None)


def _first_of_the_same(deliveries: Iterable[Delivery]) -> dict[str, str]:
    """Return, by form, the time from which its contents have been what they are."""
    contents, since = dict[str, str](), dict[str, str]()
    for delivery in deliveries:
        if contents.get(delivery.form) != delivery.sha256:
            contents[delivery.form], since[delivery.form] = delivery.sha256, delivery.time
    return since


def silence(trial: "Trial", home: Home, now: datetime | None = None) -> Stale | None:
    """Return since when a trial's data are older than it expects; None when they aren't, or none ever came."""
    since = data_since(trial.name, home)
    if since is None:
        return None
    days = ((now or datetime.now(UTC)) - since).total_seconds() / DAY
    if days <= trial.night.stale_after_days:
        return None
    return Stale(trial.name, since.isoformat(timespec="seconds"), days, trial.night.stale_after_days)
