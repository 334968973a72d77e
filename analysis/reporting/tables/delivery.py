"""Therapy as it was delivered, and events after randomisation, by arm. Not here: effects."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.delivery import CASELOAD, DELIVERY, DOSE, ENDED, EVENT, SESSIONS
from analysis.reporting import numbers
from analysis.reporting.cells import absent, count_cell
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row, sources
from data_contracts.spec import Trial

Found = dict[tuple[str, str, str, str], Estimate]  # (variable, arm, statistic, at) -> row


def delivery_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return sessions, dose, therapists, early endings with reasons, and events, a column per arm."""
    found = {(e.outcome, e.arm, e.statistic, e.at): e for e in estimates(results, analysis=DELIVERY)}
    return Table(
        name="delivery-table",
        caption="Therapy as delivered, and events after randomisation",
        columns=(Column("", "text"), *(Column(arm.label) for arm in trial.arms)),
        groups=one_group(_rows(found, trial)),
        notes=("Described, not tested; in the population of the primary estimand.",) if found else (),
        empty="No form of the plan records sessions or events.",
    )


def _rows(found: Found, trial: Trial) -> Iterator[Row]:
    names = list(dict.fromkeys(name for name, *_ in found))
    if SESSIONS in names:
        yield row("Sessions, median (quartiles)", *[_spread(found, SESSIONS, a.code) for a in trial.arms])
        yield row(
            "Sessions in all", *[count_cell(found.get((SESSIONS, a.code, "total", ""))) for a in trial.arms]
        )
    for at in _places(found, DOSE):
        label = f"Adequate dose: {at}"
        yield row(label, *[_share(found, DOSE, a.code, at) for a in trial.arms])
    if CASELOAD in names:
        therapists = [count_cell(found.get((CASELOAD, a.code, "count", "therapists"))) for a in trial.arms]
        yield row("Therapists", *therapists)
        yield row("Participants per therapist, median (range)", *[_range(found, a.code) for a in trial.arms])
    for at in _places(found, ENDED):
        label = at or "Ended therapy early"
        cells = [_share(found, ENDED, a.code, at) for a in trial.arms]
        yield Row((Cell(label), *cells), "indented" if at else "")
    for event in trial.events.values():
        yield row(event.label, *[_share(found, EVENT + event.name, a.code, "") for a in trial.arms])


def _places(found: Found, variable: str) -> list[str]:
    return list(dict.fromkeys(at for name, _, _, at in found if name == variable))


def _share(found: Found, variable: str, arm: str, at: str) -> Cell:
    count = found.get((variable, arm, "count", at))
    if count is None:
        return absent()
    percent = found.get((variable, arm, "percent", at))
    share = 100 * count.value / count.n if percent is None and count.n else float("nan")
    keys = sources(count.key, "" if percent is None else percent.key)
    return Cell(numbers.count_of(count.value, share if percent is None else percent.value), keys)


def _spread(found: Found, variable: str, arm: str) -> Cell:
    parts = [found.get((variable, arm, s, "")) for s in ("median", "lower quartile", "upper quartile")]
    return _three(parts)


def _range(found: Found, arm: str) -> Cell:
    return _three([found.get((CASELOAD, arm, s, "")) for s in ("median", "minimum", "maximum")])


def _three(parts: list[Estimate | None]) -> Cell:
    middle, low, high = parts
    if middle is None or low is None or high is None:
        return absent()
    shown = [f"{one.value:g}" for one in (middle, low, high)]
    return Cell(f"{shown[0]} ({shown[1]} to {shown[2]})", sources(middle.key, low.key, high.key))
