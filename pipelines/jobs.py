"""A job per trial, and one for all. Not here: when they start (schedules, sensors)."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as Job

ALL = "all_trials"


def trial_job(name: str) -> "Job":
    """Return the job that runs a trial's hops, one after the other in one process.

    A process per step would load the libraries again for each; what goes side by side is runs.
    """
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.groups(name),
        executor_def=dg.in_process_executor,
        description=f"From the landing folder of {name} to its report.",
        tags={"srt/trial": name},
    )


def all_trials_job() -> "Job":
    """Return the job that runs every trial in turn; a trial that fails does not stop the rest."""
    return dg.define_asset_job(
        ALL,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="Every trial, from its landing folder to its report.",
    )
