"""What the hops are given: the trial's place and the store. Not here: folders (home), files (store)."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from assets.failure import told_to_dagster
from assets.gate import admit
from assets.ports import JudgeProcess
from data_contracts.tables import Tables
from data_contracts.writers.together import sweep
from pipelines import blinding, locks, store, warm
from pipelines.change_log import ChangeLog
from pipelines.custody import Custody
from pipelines.data_age import data_since
from pipelines.diary import Diary
from pipelines.fence import refuse_if_ended
from pipelines.home import find_home
from pipelines.index_page import keep_index
from pipelines.keys import secret_key
from pipelines.last_run import Ending, LastRun, begin
from pipelines.lock import facts_of_run
from pipelines.news import published_facts
from pipelines.published import publish
from pipelines.snapshots import folder_of, keep_snapshot

if TYPE_CHECKING:
    import pandas as pd

    from data_contracts.rules import Verdict
    from data_contracts.spec import Trial

PATIENCE = 300.0  # seconds a nightly run waits for a run somebody started by hand


def change_log(trial: str) -> ChangeLog:
    """Return what is known of a trial's nights."""
    home = find_home()
    return ChangeLog(home.nights(trial), home.store(trial, "accepted"))


class TrialPlace(dg.ConfigurableResource):
    """The folders of the trials in the state folder, and each trial's lock while the run lasts."""

    wait_seconds: float = PATIENCE
    _held: list[Any] = PrivateAttr(default_factory=list)
    _diary: Diary = PrivateAttr(default_factory=Diary)
    _before: dict[str, LastRun | None] = PrivateAttr(default_factory=dict)  # the run before, by trial
    _run: dg.DagsterRun | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Remember which run this is."""
        self._run = context.run

    def landing(self, trial: str) -> Path:
        """Return the folder the trial's exports arrive in."""
        return find_home().landing(trial)

    def report(self, trial: str) -> Path:
        """Return the path of the trial's report."""
        return find_home().report(trial)

    def publish(self, trial: str, files: Mapping[str, bytes]) -> None:
        """Put the files of a trial's report in place of the last run's; the last of them is the page."""
        publish(find_home().reports(trial), files)

    def validation(self, trial: str) -> Path:
        """Return the folder of the trial's validation pages."""
        return find_home().validation(trial)

    def pages(self) -> str:
        """Return the address at which `srt ui` serves the pages; SRT_PAGES names another."""
        return os.environ.get("SRT_PAGES", "http://127.0.0.1:3001")

    def published(self, trial: str) -> Mapping[str, Any]:
        """Return what the published report was made from; empty when there is none, or it can't stand."""
        return published_facts(trial, find_home())

    def data_since(self, trial: str) -> datetime | None:
        """Return when the newest of the trial's data came, UTC."""
        return data_since(trial, find_home())

    def custody(self, trial: str) -> Custody:
        """Return the custody of the trial's deliveries."""
        return Custody(find_home().custody(trial), trial, self.now)

    def note_changes(self, trial: "Trial", run_id: str, accepted: "Mapping[str, pd.DataFrame]") -> None:
        """Note what differs between the accepted records and the last ones; counts once these are stored."""
        change_log(trial.name).note(trial, run_id, self.now(), accepted)

    def hold(self, trial: str) -> None:
        """Take the trial's lock until the run ends."""
        self._held.append(locks.take(find_home().ready().locks, trial, self.wait_seconds))
        sweep(find_home().reports(trial))
        if trial not in self._before:  # a hop that is tried again takes it again
            run_id = self._run.run_id if self._run else ""
            self._before[trial] = begin(find_home(), trial, run_id, self.now())

    def warm_up(self) -> None:
        """Start the judge and the slow imports."""
        warm.start_judge()
        warm.start_imports()

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        time.sleep(seconds)

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.now(UTC)

    def record_night(self, trial: "Trial", verdict: "Verdict", facts: Mapping[str, str]) -> Tables:
        """Keep the night in the query book; return its queries with their lives, and how all of them stand."""
        from pipelines.querybook.book import open_book
        from pipelines.querybook.nightly import keep_night

        return keep_night(open_book(find_home()), trial, verdict, facts, self.now())

    def history(self, trial: "Trial") -> Tables:
        """Return how the trial's queries stand, its nights, and the hashes of the night before's files."""
        from pipelines.deliveries import files_of
        from pipelines.querybook.book import open_book
        from pipelines.querybook.overview import overview

        home = find_home()
        told = overview(open_book(home), trial, self.now())
        runs = told.frames["nights"]["run_id"].tolist()
        before = files_of(home.custody(trial.name), runs[-2]) if len(runs) > 1 else {}
        return Tables(told.frames, {"before": before})

    def standing(self, trial: "Trial", hashes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return whose arms this run uses, and what differs from the trial's lock."""
        return facts_of_run(find_home(), trial, hashes)

    def secret(self, trial: str, purpose: str) -> bytes:
        """Return the trial's key for a purpose."""
        return secret_key(find_home(), trial, purpose)

    def hold_apart(self, trial: str, name: str, tables: Tables) -> None:
        """Store what tells the arms, apart from everything else."""
        blinding.hold_apart(find_home(), trial, name, tables)

    def held_apart(self, trial: str, name: str) -> Tables:
        """Return what was stored apart."""
        return blinding.held_apart(find_home(), trial, name)

    def reached(self, trial: str, run_id: str, milestone: str, facts: Mapping[str, Any]) -> str:
        """Note how far the run of a trial has come; return the audit log's line that says it began."""
        return self._diary.note(trial, run_id, milestone, facts)

    def judge(self) -> JudgeProcess:
        """Return the judge, started by now."""
        return warm.start_judge()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Let the trials go, say in the audit log and on the index page how their runs ended, and end the judge."""
        reached = {**dict.fromkeys(self._before, ""), **self._diary.close()}
        keep_index(find_home(), self._ending(reached), self._before)
        while self._held:
            self._held.pop().release()
        warm.end_judge()

    def _ending(self, reached: Mapping[str, str]) -> Ending:
        """Return how far each trial came in this run, and which of its hops were asked for."""
        hops = dict[str, set[str]]()
        for asset in (self._run.asset_selection if self._run else None) or ():
            hops.setdefault(asset.path[0], set()).add(asset.path[-1])
        return Ending(self._run.run_id if self._run else "", self.now(), reached, hops)


class TableStore(dg.ConfigurableIOManager):
    """Stores each hop's tables in its folder; `accepted` is read only past the gate."""

    wait_seconds: float = PATIENCE
    _held: dict[str, Any] = PrivateAttr(default_factory=dict)
    _record: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Remember where it is written whether the run still lasts."""
        self._record = context.instance

    def handle_output(self, context: dg.OutputContext, obj: Tables) -> None:
        """Store a hop's tables, unless the run has been ended meanwhile."""
        trial, hop = context.asset_key.path
        with told_to_dagster():
            self._hold(trial)
            refuse_if_ended(self._record, context.run_id)
            if hop == "accepted":
                self._keep_snapshot(trial, "earlier")
            store.write_tables(find_home().store(trial, hop), obj)
            if hop == "accepted":
                change_log(trial).settle()
                self._keep_snapshot(trial, context.run_id)

    def load_input(self, context: dg.InputContext) -> Tables:
        """Return a hop's tables, unless the run has been ended meanwhile: what it makes of them is not wanted."""
        trial, hop = context.asset_key.path
        with told_to_dagster():
            self._hold(trial)
            refuse_if_ended(self._record, context.step_context.run_id)
            tables = store.read_tables(find_home().store(trial, hop))
            if hop == "accepted":
                admit(trial, tables.facts, store.read_facts(find_home().store(trial, "checked")))
            return tables

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Let the trials go."""
        while self._held:
            self._held.popitem()[1].release()

    def _keep_snapshot(self, trial: str, run_id: str) -> None:
        home = find_home()
        keep_snapshot(home.store(trial, "accepted"), folder_of(home, trial), run_id)

    def _hold(self, trial: str) -> None:
        # A run of later hops alone has not been through landing: it must not write beside another run either.
        if trial not in self._held:
            self._held[trial] = locks.take(find_home().ready().locks, trial, self.wait_seconds)
