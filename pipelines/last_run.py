"""How each trial's last run ended: a small file per trial. Not here: what it made (store), who began it (audit)."""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from data_contracts.errors import StorageError
from data_contracts.writers.atomic import write_atomically
from pipelines.home import Home

Outcome = Literal["under way", "received", "checked", "withheld", "published", "not estimated", "failed"]
LOG = logging.getLogger("srt")
# The last words of a run that came to its end, and what they mean; a quiet night finds its report published.
ENDS: Mapping[str, Outcome] = {
    "published": "published",
    "not estimated": "not estimated",
    "withheld": "withheld",
    "unchanged": "published",
}
QUIET = "unchanged"


@dataclass(frozen=True, slots=True)
class LastRun:
    """A trial's last run; one whose process died stays under way."""

    run_id: str
    time: str  # ISO 8601, UTC: when it ended; of one under way, when it began
    outcome: Outcome
    reached: str = ""  # how far it came, as the audit log has it


@dataclass(frozen=True, slots=True)
class Ending:
    """A run that ends: how far each of its trials came."""

    run_id: str
    time: datetime  # UTC
    reached: Mapping[str, str]  # trial -> milestone, "" of one that came to nothing
    hops: Mapping[str, Collection[str]]  # trial -> the hops asked for; none named means all


def last_run(home: Home, trial: str) -> LastRun | None:
    """Return a trial's last run; None when none was noted, or its note can't be read."""
    try:
        return LastRun(**json.loads(_path(home, trial).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def begin(home: Home, trial: str, run_id: str, now: datetime) -> LastRun | None:
    """Note that a run of a trial is under way, and return the run before it; must be called under its lock."""
    before = last_run(home, trial)
    _note(home, trial, LastRun(run_id, _iso(now), "under way"))
    return before


def end(home: Home, ending: Ending) -> None:
    """Note how a run ended, for each of its trials."""
    for trial, reached in ending.reached.items():
        outcome = outcome_of(reached, ending.hops.get(trial, ()))
        _note(home, trial, LastRun(ending.run_id, _iso(ending.time), outcome, reached))


def is_news(ending: Ending, before: Mapping[str, LastRun | None]) -> bool:
    """Say whether a run changed how any of its trials stands: all but a quiet night after a published one."""
    return any(
        reached != QUIET or (last := before.get(trial)) is None or last.outcome != "published"
        for trial, reached in ending.reached.items()
    )


def outcome_of(reached: str, hops: Collection[str]) -> Outcome:
    """Return how a run ended.

    Args:
        reached: The last milestone it told of; "" when there was none.
        hops: The hops that were asked for; none named means all.
    """
    if reached in ENDS:
        return ENDS[reached]
    if reached == "checked" and hops and not {"analysis_set", "results", "report"} & set(hops):
        return "checked"
    return "received" if reached == "received" and set(hops) == {"landing"} else "failed"


def _note(home: Home, trial: str, run: LastRun) -> None:
    """Write the note; that it can't be written stops no run."""
    try:
        write_atomically(_path(home, trial), json.dumps(asdict(run)).encode())
    except StorageError as error:
        LOG.warning("How the run of %s stands is not noted: %s", trial, error.summary)


def _path(home: Home, trial: str) -> Path:
    return home.logs / "last_run" / f"{trial}.json"


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
