"""A job per trial, and one for all. Not here: when they start (schedules, sensors)."""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.home import find_home

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as Job

ALL = "all_trials"
TIDY = "tidy_state"
# A night whose process died is done again as a whole: its first hops may be about an older delivery by then.
WHOLE_AGAIN = {"dagster/retry_strategy": "ALL_STEPS"}


def trial_job(name: str) -> "Job":
    """Return the job that runs a trial's hops, one after the other in one process.

    A process per step would load the libraries again for each; what goes side by side is runs.
    """
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.groups(name),
        executor_def=dg.in_process_executor,
        description=f"From the landing folder of {name} to its report.",
        tags={"srt/trial": name, **WHOLE_AGAIN},
    )


def all_trials_job() -> "Job":
    """Return the job that runs every trial in turn; a trial that fails does not stop the rest."""
    return dg.define_asset_job(
        ALL,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="Every trial, from its landing folder to its report.",
        tags=WHOLE_AGAIN,
    )


@dg.op(name="tidy", description="Removes what is older than each trial keeps it; see `srt tidy`.")
def _tidy(context: dg.OpExecutionContext) -> None:
    from pipelines.tidying import tidied, what_may_go
    from pipelines.trials import load_all

    home = find_home().ready()
    with what_may_go(home, [one.trial for one in load_all()[0]]) as found:
        for one in tidied(home, found):
            context.log.info("%s: %s %s, %.1f MB", one.trial, one.number, one.what, one.size / 1e6)


@dg.job(name=TIDY, executor_def=dg.in_process_executor, description="Retention, as each trial declares it.")
def tidy_job() -> None:
    """Remove what is older than each trial keeps it."""
    _tidy()
