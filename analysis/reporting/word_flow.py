"""The participant flow as a table, for a document that has no picture of it. Not here: counting (consort)."""

from collections.abc import Iterator, Sequence

from analysis.reporting.consort import Flow, Reasons
from analysis.reporting.numbers import ABSENT
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row

Counts = Sequence[int | Reasons | None]


def flow_table(flow: Flow) -> Table:
    """Return a row per stage and a column per way through the trial."""
    columns = (Column("Stage", "text"), *(Column(way.label) for way in flow.ways))
    return Table("flow-table", "Participant flow", columns, one_group(_rows(flow)), tuple(_why(flow)))


def _rows(flow: Flow) -> Iterator[Row]:
    ways = flow.ways
    stages: list[tuple[str, Counts]] = [
        ("Randomised", [way.randomised for way in ways]),
        ("Excluded after randomisation", [way.excluded for way in ways]),
        ("Received therapy", [way.received for way in ways]),
        ("Had no therapy", [way.untreated for way in ways]),
    ]
    for seen in zip(*(way.visits for way in ways), strict=True):
        label = seen[0].visit.label
        stages += [
            (f"Observed, {label}", [one.observed for one in seen]),
            (f"Not observed, {label}", [one.lost for one in seen]),
        ]
    stages += [
        ("Not analysed", [way.not_analysed for way in ways]),
        ("In the primary analysis", [way.analysed for way in ways]),
    ]
    for label, counts in stages:
        numbers = [_number(count) for count in counts]
        if any(n is not None for n in numbers):
            yield row(label, *(Cell(ABSENT if n is None else str(n)) for n in numbers))


def _number(count: int | Reasons | None) -> int | None:
    return count.n if isinstance(count, Reasons) else count


def _why(flow: Flow) -> Iterator[str]:
    """Yield the reasons of those who left before the analysis, by way."""
    for way in flow.ways:
        left = {"excluded": way.excluded, "no therapy": way.untreated, "not analysed": way.not_analysed}
        for what, found in left.items():
            if found and found.by_reason:
                reasons = "; ".join(f"{reason} {n}" for reason, n in found.by_reason)
                yield f"{way.label}, {what}: {reasons}."
