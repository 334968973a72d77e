"""What the hops ask of the place they run in. Not here: its folders, locks and processes (pipelines)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import dagster as dg

if TYPE_CHECKING:
    from data_contracts.forms import ReadForm
    from data_contracts.rules import Finding, Rule
    from data_contracts.spec import Trial

NEEDS = {"place"}  # the resource every hop that touches the outside asks for
STORE = "store"  # the IO manager every hop stores its tables with


class JudgeProcess(Protocol):
    """Great Expectations in a process of its own, started before it is needed."""

    def judge(
        self, forms: "Mapping[str, ReadForm]", trial: "Trial", rules: "tuple[Rule, ...]", docs: Path | None
    ) -> "tuple[Finding, ...]":
        """Return a finding per rule, and write the validation pages below `docs`."""
        ...


class Place(Protocol):
    """Where a trial's files are, and what is there already."""

    def landing(self, trial: str) -> Path:
        """Return the folder the trial's exports arrive in."""
        ...

    def report(self, trial: str) -> Path:
        """Return the path of the trial's report."""
        ...

    def validation(self, trial: str) -> Path:
        """Return the folder of the trial's validation pages."""
        ...

    def published(self, trial: str) -> Mapping[str, Any]:
        """Return the facts of the last published report; empty when there is none."""
        ...

    def hold(self, trial: str) -> None:
        """Take the trial for this run alone, or raise BusyError."""
        ...

    def warm_up(self) -> None:
        """Start loading what the hops after landing need."""
        ...

    def now(self) -> datetime:
        """Return the time, UTC."""
        ...

    def judge(self) -> JudgeProcess:
        """Return the judge."""
        ...


def place_of(context: dg.AssetExecutionContext) -> Place:
    """Return the place the run was given."""
    return cast("Place", context.resources.place)
