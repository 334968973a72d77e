"""What the hops ask of the place they run in. Not here: its folders, locks and processes (pipelines)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import dagster as dg

if TYPE_CHECKING:
    import pandas as pd

    from data_contracts.forms import ReadForm
    from data_contracts.readers.vouched import Received
    from data_contracts.rules import Finding, Rule, Verdict
    from data_contracts.spec import Trial
    from data_contracts.tables import Tables

NEEDS = {"place"}  # the resource every hop that touches the outside asks for
STORE = "store"  # the IO manager every hop stores its tables with


class JudgeProcess(Protocol):
    """Great Expectations in a process of its own, started before it is needed."""

    def judge(
        self, forms: "Mapping[str, ReadForm]", trial: "Trial", rules: "tuple[Rule, ...]", docs: Path | None
    ) -> "tuple[Finding, ...]":
        """Return a finding per rule, and write the validation pages below `docs`."""
        ...


class Custody(Protocol):
    """The copies of a trial's deliveries, which nothing changes."""

    def keep(
        self,
        landing: Path,
        files: Mapping[str, Mapping[str, Any]],
        run_id: str,
        *,
        verify: bool,
        known: Mapping[str, str] | None = None,
    ) -> tuple[str, ...]:
        """Hold a copy of each file of a receipt, note the delivery, and return the forms whose copy was mended."""
        ...

    def received(self, files: Mapping[str, Mapping[str, Any]]) -> "Mapping[str, Received]":
        """Return the copies of a receipt's files, their contents verified."""
        ...


class Place(Protocol):
    """Where a trial's files are, and what is there already."""

    def landing(self, trial: str) -> Path:
        """Return the folder the trial's exports arrive in."""
        ...

    def report(self, trial: str) -> Path:
        """Return the path of the trial's report."""
        ...

    def publish(self, trial: str, files: Mapping[str, bytes]) -> None:
        """Put the files of a trial's report in place of the last run's; the last of them is the page."""
        ...

    def validation(self, trial: str) -> Path:
        """Return the folder of the trial's validation pages."""
        ...

    def pages(self) -> str:
        """Return the address at which the pages below the reports are served."""
        ...

    def published(self, trial: str) -> Mapping[str, Any]:
        """Return the facts of the last published report; empty when there is none."""
        ...

    def data_since(self, trial: str) -> datetime | None:
        """Return when the newest of the trial's data came, UTC."""
        ...

    def custody(self, trial: str) -> Custody:
        """Return the custody of the trial's deliveries."""
        ...

    def note_changes(self, trial: "Trial", run_id: str, accepted: "Mapping[str, pd.DataFrame]") -> None:
        """Note what differs between the accepted records and the last ones; counts once these are stored."""
        ...

    def standing(self, trial: "Trial", hashes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return whose arms this run uses, and what differs from the trial's lock."""
        ...

    def secret(self, trial: str, purpose: str) -> bytes:
        """Return the trial's key for a purpose."""
        ...

    def hold_apart(self, trial: str, name: str, tables: "Tables") -> None:
        """Store what tells the arms, apart from everything else."""
        ...

    def held_apart(self, trial: str, name: str) -> "Tables":
        """Return what was stored apart."""
        ...

    def reached(self, trial: str, run_id: str, milestone: str, facts: Mapping[str, Any]) -> str:
        """Note how far the run of a trial has come; return the audit log's line that says it began."""
        ...

    def hold(self, trial: str) -> None:
        """Take the trial for this run alone, or raise BusyError."""
        ...

    def warm_up(self) -> None:
        """Start loading what the hops after landing need."""
        ...

    def pause(self, seconds: float) -> None:
        """Let some time pass."""
        ...

    def now(self) -> datetime:
        """Return the time, UTC."""
        ...

    def record_night(self, trial: "Trial", verdict: "Verdict", facts: Mapping[str, str]) -> "Tables":
        """Keep the night in the query book; return its queries with their lives, and how all of them stand."""
        ...

    def history(self, trial: "Trial") -> "Tables":
        """Return how the trial's queries stand, its nights, and the hashes of the night before's files."""
        ...

    def judge(self) -> JudgeProcess:
        """Return the judge."""
        ...


def place_of(context: dg.AssetExecutionContext) -> Place:
    """Return the place the run was given."""
    return cast("Place", context.resources.place)
