"""The doctor's questions to Dagster's record: daemon, schedules, runs left over. Not here: other questions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.doctor_answer import Answer
from pipelines.home import Home

if TYPE_CHECKING:
    import dagster as dg

WHY_A_DAEMON = "Start it (docs/night.md), unless cron runs the nights."


def dagster_record(home: Home, trials: list[str], own_trials: list[str]) -> Iterator[Answer]:
    """Is the daemon alive, are the nights on, and did any run lose its process?"""
    if not _is_made(home):
        yield Answer("Dagster's record", "ok", "made by the first run")
        return
    with _instance(home) as instance:
        yield from schema(instance)
        yield daemon(instance)
        yield nights(instance, own_trials)
        yield from runs(instance, home, trials)


def _is_made(home: Home) -> bool:
    """Say whether there is a record to open; a server's is declared in dagster.yaml."""
    if (home.dagster / "history" / "runs.db").is_file():
        return True
    configuration = home.dagster / "dagster.yaml"
    return configuration.is_file() and "\nstorage:" in configuration.read_text(encoding="utf-8")


@contextmanager
def _instance(home: Home) -> "Iterator[dg.DagsterInstance]":
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance


def schema(instance: "dg.DagsterInstance") -> Iterator[Answer]:
    """Is the record of this version of Dagster?"""
    versions = {
        "runs": instance.run_storage.alembic_version(),
        "events": instance.event_log_storage.alembic_version(),
    }
    old = [name for name, version in versions.items() if version and version[0] != version[1]]
    if old:
        remedy = "Stop the daemon, then: DAGSTER_HOME=… dagster instance migrate"
        yield Answer(
            "Dagster's record", "failure", f"{', '.join(old)}: made by another version of Dagster", remedy
        )
    else:
        yield Answer("Dagster's record", "ok", "of this version")


def daemon(instance: "dg.DagsterInstance") -> Answer:
    """Does every part of the daemon give a sign of life?"""
    statuses = instance.get_daemon_statuses()
    dead = sorted(name for name, status in statuses.items() if status.required and not status.healthy)
    beats = [s.last_heartbeat.timestamp for s in statuses.values() if s.last_heartbeat]
    if not dead:
        return Answer("daemon", "ok", f"{len(statuses)} parts, all alive")
    if len(dead) < len(statuses):
        return Answer("daemon", "failure", f"no sign of life from {', '.join(dead).lower()}", "Restart it.")
    last = f"{datetime.fromtimestamp(max(beats), UTC):%Y-%m-%d %H:%M} UTC" if beats else "never"
    return Answer("daemon", "warning", f"not running; last sign of life: {last}", WHY_A_DAEMON)


def nights(instance: "dg.DagsterInstance", own_trials: list[str]) -> Answer:
    """Are the schedules on that look after a unit's own trials, and the sensors that look after the nights?"""
    states = instance.all_instigator_state()
    stopped = {state.instigator_name for state in states if state.status.value == "STOPPED"}
    expected = [*(f"{name}_nightly" for name in own_trials), "failures", "watch"]
    if off := [name for name in expected if name in stopped]:
        remedy = "Switch it on in Dagster's pages (Automation), unless it is off on purpose."
        return Answer("nights", "warning", f"switched off: {', '.join(off)}", remedy)
    return Answer("nights", "ok", f"{len(own_trials)} trials of this unit's own run by themselves")


def runs(instance: "dg.DagsterInstance", home: Home, trials: list[str]) -> Iterator[Answer]:
    """Do runs say they are under way while nobody does them, or is a trial held by no run?"""
    import dagster as dg

    from pipelines.leftovers import UNDER_WAY, dead_runs, is_held

    dead = dead_runs(instance, trials, home.locks)
    for run in dead:
        found = f"a run of {run.job_name} ({run.run_id[:8]}) lost its process"
        yield Answer("runs", "warning", found, "The next night, or the daemon, ends it as failed.")
    held = [name for name in trials if is_held(home.locks, name)]
    recorded = {run.job_name for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))}
    for name in set(held) - recorded if "all_trials" not in recorded else ():
        remedy = f"It is free when that process ends: fuser {home.locks / name}.lock names it."
        yield Answer("runs", "warning", f"{name} is held by a process that records no run", remedy)
    if not dead:
        yield Answer("runs", "ok", f"under way: {', '.join(held)}" if held else "none is left over")
