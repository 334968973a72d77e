"""The index page: every trial in a line and a section. Not here: gathering what it says (pipelines.index_page)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Light, Row, Table, row
from analysis.reporting.templates import environment, style
from analysis.reporting.validation.content import SEVERITIES
from analysis.reporting.validation.words import counted, listed, moment
from data_contracts.standing import SHUFFLED

Outcome = Literal[
    "published", "withheld", "failed", "not estimated", "checked", "under way", "never run", "no data",
    "plan error", "damaged",
]  # fmt: skip
SAID: Mapping[Outcome, tuple[Light, str]] = {
    "published": ("good", "Published"),
    "withheld": ("bad", "Withheld"),
    "failed": ("bad", "Failed"),
    "not estimated": ("risk", "Not estimated"),
    "checked": ("good", "Checked, not analysed"),
    "under way": ("none", "Under way"),
    "never run": ("none", "Never run"),
    "no data": ("none", "No data yet"),
    "plan error": ("bad", "Mistakes in its file"),
    "damaged": ("bad", "Can’t be read"),
}
ALLOCATIONS = {"open": "true", SHUFFLED: "shuffled", "true": "true", "": numbers.ABSENT}
NO_RESULT = numbers.ABSENT


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial's unresolved queries."""

    by_severity: Mapping[str, int] = field(default_factory=dict)
    overdue: int = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(self.by_severity.values())


@dataclass(frozen=True, slots=True)
class TrialLine:
    """What the page says of one trial; a result of shuffled arms comes with its mark."""

    trial: str
    title: str
    outcome: Outcome
    is_shipped: bool = False
    is_synthetic: bool = False
    trouble: tuple[str, ...] = ()  # what is wrong and what to do, a sentence each
    last_run: datetime | None = None  # UTC
    run_id: str = ""
    blinding: str = ""  # such as "blinded, locked on 2026-11-02 by A. Reader"
    allocation: Literal["open", "shuffled", "true", ""] = ""  # of the result; "" without one
    queries: Asked | None = None  # None where the query book can't be read
    headlines: tuple[str, ...] = ()
    result_time: datetime | None = None  # UTC
    no_result: str = ""  # why none is shown
    not_as_locked: str = ""
    links: Mapping[str, str] = field(default_factory=dict)  # text -> address relative to the page


def render_index(lines: Iterable[TrialLine], made: datetime, runs: str = "") -> str:
    """Return the page of all trials as one HTML page that asks the network for nothing.

    Args:
        lines: The trials in their order.
        made: When, UTC; the same lines at the same time give the same bytes.
        runs: Address before a run's id where Dagster's pages can be reached; "" where they can't, as in a file.
    """
    trials = tuple(lines)
    return environment().get_template("index.html.j2").render(
        marks={},
        trials=trials,
        overview=overview_table(trials),
        said=SAID,
        facts={line.trial: dict(_facts(line)) for line in trials},
        absent=NO_RESULT,
        made=moment(made, UTC),
        runs=runs,
        css=style("report.css", "validation.css", "index.css"),
    )  # fmt: skip


def overview_table(lines: Iterable[TrialLine]) -> Table:
    """Return a row per trial, the unit's own before the shipped examples."""
    trials = tuple(lines)
    own, shipped = ([_row(line) for line in trials if line.is_shipped is which] for which in (False, True))
    groups = (Group(tuple(own), "Trials of this unit"), Group(tuple(shipped), "Shipped examples"))
    return Table(
        name="overview",
        caption="Every trial, and how it stands",
        columns=(
            Column("Trial", "text"),
            Column("Last run", "short"),
            Column("Blinding and lock", "text"),
            Column("Allocation", "short"),
            Column("Open queries", "text"),
        ),
        groups=tuple(group for group in groups if group.rows),
        empty="There is no trial yet.",
    )


def _row(line: TrialLine) -> Row:
    light, word = SAID[line.outcome]
    when = utc(line.last_run) if line.last_run else ""
    return row(
        Cell(line.title, link=f"#trial-{line.trial}", detail=line.trial),
        Cell(word, light=light, detail=when),
        line.blinding or numbers.ABSENT,
        ALLOCATIONS[line.allocation],
        _queries(line),
    )


def _queries(line: TrialLine) -> Cell:
    if line.queries is None:
        return Cell(numbers.ABSENT)
    return Cell(numbers.number(line.queries.total, 0), detail=_in_words(line.queries))


def _in_words(queries: Asked) -> str:
    parts = [f"{queries.by_severity[name]} {name}" for name in SEVERITIES if queries.by_severity.get(name)]
    late = f"; {queries.overdue} overdue" if queries.overdue else ""
    return listed(parts) + late if parts else ""


def _facts(line: TrialLine) -> Iterator[tuple[str, str]]:
    """Yield what stands beside the result, by name."""
    word = SAID[line.outcome][1]
    yield "Last run", f"{word}, {utc(line.last_run)}" if line.last_run else word
    if line.result_time:
        yield "Result of", utc(line.result_time)
    if line.blinding:
        yield "Blinding and lock", line.blinding
    if line.allocation:
        yield "Allocation", ALLOCATIONS[line.allocation]
    if line.queries is not None:
        words = _in_words(line.queries)
        open_ = counted(line.queries.total, "open query", "open queries")
        yield "Queries", f"{open_}: {words}" if words else open_


def utc(time: datetime) -> str:
    """Return a time such as "3 May 2026, 02:00 UTC"."""
    return moment(time, UTC)
