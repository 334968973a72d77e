"""What people have been told already, so that nobody hears it twice. Not here: telling (alerts)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from data_contracts.writers.atomic import write_atomically
from pipelines import locks
from pipelines.home import Home

FILE = "told.json"
MOST_RUNS = 500  # told runs that are remembered


@dataclass(slots=True)
class Memory:
    """What was told: failed runs, trials that are failing, trials without new data."""

    runs: list[str] = field(default_factory=list)
    failing: dict[str, dict[str, Any]] = field(default_factory=dict)  # trial: since, last, in_a_row
    stale: dict[str, str] = field(default_factory=dict)  # trial: since when its data are old

    def note_failure(self, trial: str, moment: str) -> Mapping[str, Any]:
        """Count a failure of a trial; return since when and how often in a row it has failed."""
        before = self.failing.get(trial, {"since": moment, "in_a_row": 0})
        self.failing[trial] = {**before, "last": moment, "in_a_row": before["in_a_row"] + 1}
        return self.failing[trial]


@contextmanager
def remembered(home: Home) -> Iterator[Memory]:
    """Return the memory to read and change, alone; it is stored when the block ends without an error.

    Raises:
        BusyError: another process has it for longer than half a minute.
        StorageError: it can't be stored.
    """
    lock = locks.take(home.ready().locks, "told", wait_seconds=30)
    try:
        memory = recall(home)
        yield memory
        memory.runs = memory.runs[-MOST_RUNS:]
        told = {"runs": memory.runs, "failing": memory.failing, "stale": memory.stale}
        write_atomically(home.logs / FILE, json.dumps(told, indent=1).encode())
    finally:
        lock.release()


def recall(home: Home) -> Memory:
    """Return the memory to read; empty when there is none, or it can't be understood."""
    try:
        return Memory(**json.loads((home.logs / FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Memory()
