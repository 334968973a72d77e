"""How every trial stands, in a line each: the terminal's list and the index page say the same. Not here: either."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.home import Home
    from pipelines.last_run import LastRun

DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what a damaged manifest gives


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial in one line; with mistakes in its file, only their count."""

    trial: str
    file: Path
    status: str  # no data, never run, under way, checked, done, withheld, not estimated, failed, damaged, plan error
    title: str = ""
    arms: tuple[str, ...] = ()
    outcome: str = ""
    visit: str = ""
    landing: str = ""
    last_run: datetime | None = None  # UTC
    mistakes: int = 0
    silent_days: int | None = None  # without new data, where that is longer than the trial expects
    state: str = ""  # open, blinded, locked, unblinded; "" where the trial's file has mistakes
    run_id: str = ""  # of the last run, where it is known


def standings(home: "Home") -> "list[tuple[Standing, Trial | None]]":
    """Return how each trial stands, shipped or the unit's own, and its plan; None where its file has mistakes."""
    from data_contracts.load import trial_files

    return [standing_of(name, path, home) for name, path in trial_files().items()]


def standing_of(name: str, path: Path, home: "Home") -> "tuple[Standing, Trial | None]":
    """Return how a trial stands, and its plan."""
    from data_contracts.errors import PlanError
    from pipelines.last_run import last_run
    from pipelines.trials import load_named

    try:
        trial = load_named(name).trial
    except PlanError as error:
        return Standing(name, path, "plan error", mistakes=max(1, len(error.problems))), None
    run = last_run(home, name)
    found = Standing(
        name,
        path,
        _status(home, name, run),
        trial.title,
        tuple(arm.code for arm in trial.arms),
        trial.outcomes[trial.primary.outcome].label,
        next(visit.label for visit in trial.visits if visit.code == trial.primary.visit),
        str(home.landing(name)),
        _last_run(home, name, run),
        silent_days=_silent_days(home, trial, path),
        state=_state(home, trial),
        run_id=run.run_id if run else "",
    )
    return found, trial


def _silent_days(home: "Home", trial: "Trial", path: Path) -> int | None:
    """Return for how long no new data have come; None while they are on time, and for a shipped example."""
    from data_contracts.load import SHIPPED_TRIALS
    from pipelines.data_age import silence

    stale = None if path.parent == SHIPPED_TRIALS else silence(trial, home)
    return round(stale.days) if stale else None


def _state(home: "Home", trial: "Trial") -> str:
    """Return whether a trial is blinded, locked or unblinded; "unclear" when nothing vouches for it."""
    from data_contracts.errors import StorageError
    from pipelines.lock import standing

    try:
        return standing(home, trial.name).state_of(trial)
    except StorageError:
        return "unclear"


def _status(home: "Home", trial: str, run: "LastRun | None") -> str:
    from data_contracts.readers.find import data_files

    if run and run.outcome in {"under way", "failed"}:
        return "under way" if run.outcome == "under way" and _is_held(home, trial) else "failed"
    try:
        verdict, published = _facts(home, trial, "checked"), _facts(home, trial, "report")
    except DAMAGED:
        return "damaged"
    if verdict.get("withheld"):
        return "withheld"
    if published:
        return "done" if published.get("estimated") else "not estimated"
    if verdict:
        return "checked"
    landing = home.landing(trial)
    return "never run" if landing.is_dir() and data_files(landing) else "no data"


def _is_held(home: "Home", trial: str) -> bool:
    """Say whether another process is at a trial: a run whose process died is under way no more."""
    from data_contracts.errors import BusyError, StorageError
    from pipelines import locks

    try:
        locks.take(home.locks, trial).release()
    except BusyError:
        return True
    except StorageError:
        return False
    return False


def _facts(home: "Home", trial: str, hop: str) -> Mapping[str, Any]:
    from pipelines.store import read_facts

    return read_facts(home.store(trial, hop))


def _last_run(home: "Home", trial: str, run: "LastRun | None") -> datetime | None:
    """Return when the last run was; before runs were noted, when the first hop last stored its receipt."""
    if run:
        return datetime.fromisoformat(run.time)
    receipt = home.store(trial, "landing") / "manifest.json"
    return datetime.fromtimestamp(receipt.stat().st_mtime, UTC) if receipt.is_file() else None
