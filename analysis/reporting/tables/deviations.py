"""Deviations from the plan: declared by people, then found by the program. Not here: finding them (deviations)."""

from collections.abc import Iterable, Sequence

from analysis.reporting import numbers
from analysis.reporting.deviations import Departure, Kind
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from data_contracts.spec import Trial

KINDS: dict[Kind, str] = {
    "declared": "Declared in the trial file",
    "fallback": "Another method was used, by an order laid down beforehand",
    "not estimated": "Planned, and not estimated",
    "second route": "Two computations of one estimate disagree",
    "no second route": "An estimate could not be computed a second way",
    "not as locked": "The run is not as locked",
    "left aside": "Accepted records that the analysis set does not use",
}


def deviations_table(found: Sequence[Departure], trial: Trial) -> Table:
    """Return a row per departure from the plan, by kind."""
    return Table(
        name="deviations-table",
        caption="Deviations from the plan",
        columns=(
            Column("Clause", "short"),
            Column("Of", "text"),
            Column("What", "text"),
            Column("Why", "text"),
            Column("Decided on", "short"),
        ),
        groups=tuple(_groups(found, trial)),
        notes=("The first group was declared by people; the program found the others.",)
        if len({one.kind for one in found}) > 1
        else (),
        empty="No deviation was declared, and the program found none.",
    )


def _groups(found: Sequence[Departure], trial: Trial) -> Iterable[Group]:
    for kind, label in KINDS.items():
        if rows := tuple(_row(one, trial) for one in found if one.kind == kind):
            yield Group(rows, label)


def _row(one: Departure, trial: Trial) -> Row:
    return row(
        one.clause or numbers.ABSENT,
        trial.analyses[one.analysis].label if one.analysis else "the trial",
        Cell(one.what, one.source),
        Cell(one.why or numbers.ABSENT, one.source),
        one.on or numbers.ABSENT,
    )
