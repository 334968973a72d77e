"""What the hops are given: the trial's place and the store. Not here: folders (home), files (store)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from assets.failure import told_to_dagster
from assets.gate import admit
from assets.ports import JudgeProcess
from data_contracts.tables import Tables
from pipelines import locks, store, warm
from pipelines.home import find_home
from pipelines.news import published_facts

PATIENCE = 300.0  # seconds a nightly run waits for a run somebody started by hand


class TrialPlace(dg.ConfigurableResource):
    """The folders of the trials in the state folder, and each trial's lock while the run lasts."""

    wait_seconds: float = PATIENCE
    _held: list[Any] = PrivateAttr(default_factory=list)

    def landing(self, trial: str) -> Path:
        """Return the folder the trial's exports arrive in."""
        return find_home().landing(trial)

    def report(self, trial: str) -> Path:
        """Return the path of the trial's report."""
        return find_home().report(trial)

    def validation(self, trial: str) -> Path:
        """Return the folder of the trial's validation pages."""
        return find_home().validation(trial)

    def published(self, trial: str) -> Mapping[str, Any]:
        """Return what the published report was made from; empty when there is none, or it can't stand."""
        return published_facts(trial, find_home())

    def hold(self, trial: str) -> None:
        """Take the trial's lock until the run ends."""
        self._held.append(locks.take(find_home().ready().locks, trial, self.wait_seconds))

    def warm_up(self) -> None:
        """Start the judge and the slow imports."""
        warm.start_judge()
        warm.start_imports()

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.now(UTC)

    def judge(self) -> JudgeProcess:
        """Return the judge, started by now."""
        return warm.start_judge()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Let the trials go and end the judge."""
        while self._held:
            self._held.pop().release()
        warm.end_judge()


class TableStore(dg.ConfigurableIOManager):
    """Stores each hop's tables in its folder; `accepted` is read only past the gate."""

    wait_seconds: float = PATIENCE
    _held: dict[str, Any] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: dg.OutputContext, obj: Tables) -> None:
        """Store a hop's tables."""
        trial, hop = context.asset_key.path
        with told_to_dagster():
            self._hold(trial)
            store.write_tables(find_home().store(trial, hop), obj)

    def load_input(self, context: dg.InputContext) -> Tables:
        """Return a hop's tables."""
        trial, hop = context.asset_key.path
        with told_to_dagster():
            self._hold(trial)
            tables = store.read_tables(find_home().store(trial, hop))
            if hop == "accepted":
                admit(trial, tables.facts, store.read_facts(find_home().store(trial, "checked")))
            return tables

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Let the trials go."""
        while self._held:
            self._held.popitem()[1].release()

    def _hold(self, trial: str) -> None:
        # A run of later hops alone has not been through landing: it must not write beside another run either.
        if trial not in self._held:
            self._held[trial] = locks.take(find_home().ready().locks, trial, self.wait_seconds)
