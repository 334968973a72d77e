"""What the audit log says of runs: begun, how they ended, on another plan, not as locked. Not here: the log."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_contracts.errors import SrtError
from data_contracts.standing import not_as_locked
from pipelines import audit, store
from pipelines.alerts import NotAsLocked, tell
from pipelines.home import find_home
from pipelines.lock import DIFFERS

BEGAN, ENDED, REPLANNED = "run started", "run finished", "plan changed"
LOG = logging.getLogger("srt")


@dataclass(slots=True)
class Page:
    """One trial in one run."""

    run_id: str
    milestone: str
    line: str  # hash of the line that says it began; "" for a night without news
    facts: dict[str, Any]


@dataclass(slots=True)
class Diary:
    """The runs this process is in, by trial."""

    _pages: dict[str, Page] = field(default_factory=dict)

    def note(self, trial: str, run_id: str, milestone: str, facts: Mapping[str, Any]) -> str:
        """Note how far a run has come, the first time that it began; return the hash of the line that says so.

        Raises:
            StorageError: the audit log can't be written: the run must not go on.
        """
        if trial in self._pages:
            self._pages[trial].milestone = milestone
            return self._pages[trial].line
        said = {name: facts[name] for name in ("data_hash", "plan_hash", "code_version") if name in facts}
        said |= {"allocation": facts.get("allocation", "true"), "lock": facts.get("lock", {}).get("status")}
        line = "" if milestone == "unchanged" else _began(trial, run_id, said, facts)
        self._pages[trial] = Page(run_id, milestone, line, said)
        return line

    def close(self) -> dict[str, str]:
        """Say how each run ended, and return how far each trial came.

        Trouble with the log is told, and changes nothing any more.
        """
        reached = {trial: page.milestone for trial, page in self._pages.items()}
        while self._pages:
            trial, page = self._pages.popitem()
            said = {"run_id": page.run_id, "reached": page.milestone, **page.facts}
            try:
                audit.record(find_home(), ENDED, trial=trial, **said)
            except SrtError as error:
                LOG.warning("The end of the run of %s is not in the audit log: %s", trial, error.summary)
        return reached


def _began(trial: str, run_id: str, said: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    home = find_home()
    before = store.read_facts(home.store(trial, "landing")).get("plan_hash")
    if before and before != said["plan_hash"]:
        audit.record(home, REPLANNED, trial=trial, before=before, plan_hash=said["plan_hash"])
    line = audit.record(home, BEGAN, trial=trial, run_id=run_id, **said)
    if differs := facts.get("lock", {}).get("differs"):
        audit.record(home, DIFFERS, trial=trial, run_id=run_id, differs=differs)
        tell(NotAsLocked(trial, run_id, not_as_locked(facts["lock"])), home)
    return line.hash
