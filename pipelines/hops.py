"""A run's events as a person follows them: a hop starts, ends, is left out, fails. Not here: printing."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dagster import DagsterEvent

State = Literal["started", "done", "unchanged", "skipped", "trying again", "failed"]


@dataclass(frozen=True, slots=True)
class HopEvent:
    """What has just happened to a hop."""

    hop: str  # landing, raw, checked, analysis_set, results, report
    state: State
    seconds: float = 0.0  # since the hop started
    counts: Mapping[str, int] = field(default_factory=dict)  # rows by table


OnHop = Callable[[HopEvent], None]


def ignore(event: HopEvent) -> None:
    """Do nothing with an event."""


@dataclass(slots=True)
class Follower:
    """Turns Dagster's events of one run into hop events."""

    tell: OnHop
    _since: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, event: "DagsterEvent") -> None:
        """Tell of an event if it starts or ends a hop."""
        hop = str(event.step_key or "").rpartition("__")[2]
        if not hop:
            return
        if event.is_step_materialization:
            self._count(hop, event)
        elif state := self._state(hop, event):
            if state == "started":
                self._since[hop] = time.monotonic()
            seconds = time.monotonic() - self._since.get(hop, time.monotonic())
            self.tell(HopEvent(hop, state, seconds, self._counts.get(hop, {})))

    def _state(self, hop: str, event: "DagsterEvent") -> State | None:
        if event.is_step_start or event.is_step_restarted:
            return "started"
        if event.is_step_success:
            return "done" if hop in self._counts else "unchanged"
        if event.is_step_skipped:
            return "skipped"
        if event.is_step_up_for_retry:
            return "trying again"
        return "failed" if event.is_step_failure else None

    def _count(self, hop: str, event: "DagsterEvent") -> None:
        materialization = event.step_materialization_data.materialization
        rows = materialization.metadata.get("dagster/row_count")
        counts = self._counts.setdefault(hop, {})
        if rows is not None and materialization.asset_key is not None:
            counts[materialization.asset_key.path[-1]] = int(rows.value)
