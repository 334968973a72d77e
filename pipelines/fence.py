"""Whether a run is still the one to write. Not here: one run at a time (locks), ending dead runs (leftovers).

A process that was stopped, or waited long, may come back after its run was ended and another has published.
"""

from typing import Protocol

import dagster as dg

from data_contracts.errors import BusyError


class Records(Protocol):
    """What is asked of Dagster's record."""

    def get_run_by_id(self, run_id: str) -> dg.DagsterRun | None:
        """Return a run."""
        ...


def refuse_if_ended(records: Records | None, run_id: str | None) -> None:
    """Refuse to go on with a run that the record says has ended.

    Raises:
        BusyError: it was marked as failed or stopped meanwhile; what is published is another's.
    """
    run = records.get_run_by_id(run_id) if records and run_id else None
    if run is not None and run.is_finished:
        raise BusyError(
            "This run was ended while it waited or stood still; nothing more of it is stored. "
            "A newer run has its place."
        )
