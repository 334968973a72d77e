"""Everything Dagster is to know, built from the trial files. Not here: what each part does."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg

from assets import trial_assets
from assets.broken import broken_trial
from data_contracts.errors import PlanError, Problem
from data_contracts.spec import Night
from pipelines.jobs import all_trials_job, tidy_job, trial_job
from pipelines.resources import TableStore, TrialPlace
from pipelines.schedules import nightly, weekly_tidying
from pipelines.sensors import failures, landing_sensor, watch
from pipelines.trials import Enrolled, load_all

LOG = logging.getLogger("srt")


@dataclass(frozen=True, slots=True)
class Part:
    """What one trial adds."""

    name: str
    assets: tuple[dg.AssetsDefinition, ...]
    schedule: dg.ScheduleDefinition
    sensors: tuple[dg.SensorDefinition, ...] = ()
    runs: bool = False  # by itself: a unit's own trial


def build(trials: Iterable[Enrolled], mistakes: Mapping[str, PlanError]) -> dg.Definitions:
    """Return the definitions of the trials; one with mistakes fails by itself and leaves the others alone."""
    parts, broken = [], dict(mistakes)
    for enrolled in trials:
        try:
            parts.append(part_of(enrolled))
        except PlanError as error:
            broken[enrolled.trial.name] = error
    parts += [broken_part(name, error) for name, error in broken.items()]
    return dg.Definitions(
        assets=[asset for part in parts for asset in part.assets],
        jobs=[*(trial_job(part.name) for part in parts), all_trials_job(), tidy_job],
        schedules=[*(part.schedule for part in parts), weekly_tidying(runs=any(p.runs for p in parts))],
        sensors=[*(sensor for part in parts for sensor in part.sensors), failures, watch],
        resources={"place": TrialPlace(), "store": TableStore()},
        metadata={"plan_errors": dg.MetadataValue.md("\n\n".join(map(str, broken.values())) or "none")},
    )


def part_of(enrolled: Enrolled) -> Part:
    """Return what a trial adds.

    Raises:
        PlanError: Dagster refuses what the file says of the nights.
    """
    trial, runs = enrolled.trial, not enrolled.is_shipped
    try:
        schedule = nightly(trial.name, trial.night, runs=runs)
    except dg.DagsterInvalidDefinitionError:
        problem = Problem(
            f"{trial.name}.toml, night.cron", repr(trial.night.cron), 'a cron line such as "0 2 * * *"'
        )
        raise PlanError(f"{trial.name}.toml has a mistake; nothing was run.", [problem]) from None
    sensor = landing_sensor(trial, runs=runs)
    return Part(trial.name, tuple(trial_assets(trial)), schedule, (sensor,), runs=runs)


def broken_part(name: str, mistakes: PlanError) -> Part:
    """Return what a trial with mistakes adds: a hop and a night that fail, so that people hear of them."""
    LOG.warning("%s", mistakes)
    return Part(name, (broken_trial(name, mistakes),), nightly(name, Night(), runs=True, configured=False))


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of every trial there is."""
    return build(*load_all())
