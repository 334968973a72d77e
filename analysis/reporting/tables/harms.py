"""Adverse events: people and events by arm, never tested. Not here: events that are outcomes (secondary)."""

from collections.abc import Iterator, Sequence
from typing import Literal

import pandas as pd

from analysis.derive.harms import counted_labels
from analysis.estimators.harms import ANY, HARMS, OF_KIND, UNRECORDED
from analysis.reporting import numbers
from analysis.reporting.consort import way_label
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.methods.words import inside
from analysis.reporting.table import Cell, Column, Group, Row, Table, row, sources
from data_contracts.spec import Trial
from data_contracts.yes_no import RELATED, SERIOUS

Found = dict[tuple[str, str, str], Estimate]  # (what, arm, statistic) -> row
NOT_RECORDED = {
    UNRECORDED[SERIOUS]: "Seriousness not recorded",
    UNRECORDED[RELATED]: "Relatedness not recorded",
}
LABELS = {  # unless the trial says it better
    **NOT_RECORDED,
    ANY: "Any adverse event",
    SERIOUS: "Serious",
    RELATED: "Related",
}
UNTESTED = "The arms are not tested against each other: no difference found would not mean no harm."
COUNTED = "From the day of randomisation on, in everybody randomised and not excluded; people are counted once a row."


def harms_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per sort of event: people with it and events, for each arm and all."""
    found = {(e.outcome, e.arm, e.statistic): e for e in estimates(results, analysis=HARMS)}
    codes = trial.arms_and_all
    names = list(dict.fromkeys(name for name, _, _ in found))
    kinds = [name for name in names if name.startswith(OF_KIND)]
    return Table(
        name="harms-table",
        caption="Adverse events by arm: people and events, described and not tested",
        columns=(Column("", "text"), *(column for code in codes for column in _columns(found, code, trial))),
        groups=(
            Group(tuple(_rows(found, [name for name in names if name not in kinds], codes, trial))),
            *([Group(tuple(_rows(found, kinds, codes, trial)), "By kind of event")] if kinds else []),
        ),
        notes=(UNTESTED, COUNTED, *_counted(trial)) if found else (),
        empty="No form of the plan records adverse events: harms can't be told from these data.",
    )


def _columns(found: Found, code: str, trial: Trial) -> tuple[Column, Column]:
    label, people = way_label(code, trial), found.get((ANY, code, "count"))
    size = f" of {people.n}" if people is not None and people.n is not None else ""
    return Column(label, detail=f"people{size}, n (%)"), Column(label, detail="events")


def _rows(found: Found, names: list[str], codes: Sequence[str], trial: Trial) -> Iterator[Row]:
    declared = [
        f.columns[n] for f in trial.forms_of("adverse_events") for n in (SERIOUS, RELATED) if n in f.columns
    ]
    labels = {**LABELS, **{column.name: column.label for column in declared if column.label}}
    for name in names:
        label = labels.get(name, name.removeprefix(OF_KIND))
        mark: Literal["", "indented"] = "indented" if name in NOT_RECORDED else ""
        yield row(label, *(cell for code in codes for cell in _cells(found, name, code)), mark=mark)


def _cells(found: Found, name: str, arm: str) -> tuple[Cell, Cell]:
    people, percent, events = (found.get((name, arm, s)) for s in ("count", "percent", "total"))
    if people is None or events is None:
        return Cell(numbers.ABSENT), Cell(numbers.ABSENT)
    share = float("nan") if percent is None else percent.value
    source = sources(people.key, "" if percent is None else percent.key)
    return (
        Cell(numbers.count_of(people.value, share), source),
        Cell(numbers.number(events.value, 0), events.key),
    )


def _counted(trial: Trial) -> Iterator[str]:
    """Yield which answers count as serious and as related, so that a reader can object."""
    for form in trial.forms_of("adverse_events"):
        for name in (SERIOUS, RELATED):
            if labels := counted_labels(form, name):
                yield f"Counted as {name}: {', '.join(map(inside, labels))}."
