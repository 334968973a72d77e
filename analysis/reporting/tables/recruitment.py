"""Recruitment by site against its target. Not here: the curve over time (figures.recruitment)."""

from collections.abc import Iterator
from datetime import date

import pandas as pd

from analysis.estimators.disposition import DISPOSITION
from analysis.estimators.recruitment import BY_SITE, RANDOMISED, RECRUITMENT
from analysis.reporting import numbers
from analysis.reporting.cells import absent, count_cell
from analysis.reporting.consort import site_label
from analysis.reporting.estimates import Estimate, estimates, first
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.spec import Trial


def recruitment_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per site: randomised, the declared target, and how much of it was reached."""
    found = {(e.at, e.statistic): e for e in estimates(results, analysis=BY_SITE)}
    return Table(
        name="recruitment-table",
        caption="Recruitment by site against its target",
        columns=(Column("Site", "text"), Column("Randomised"), Column("Target"), Column("Of the target")),
        groups=one_group(_rows(found, results, trial)) if found else (),
        notes=tuple(_notes(results, trial)) if found else (),
        empty="The results table holds no count of those randomised at each site.",
    )


def _rows(found: dict[tuple[str, str], Estimate], results: pd.DataFrame, trial: Trial) -> Iterator[Row]:
    targets = {site.code: site.target for site in trial.sites}
    for site in dict.fromkeys(at for at, statistic in found if statistic == "count"):
        cells = (
            count_cell(found.get((site, "count"))),
            _target(targets.get(site)),
            _share(found.get((site, "percent"))),
        )
        yield row(site_label(site, trial), *cells)
    whole = [target for target in targets.values() if target is not None]
    total = sum(whole) if len(whole) == len(targets) else None
    randomised = first(results, analysis=DISPOSITION, outcome=RANDOMISED, arm="")
    yield row(
        "All", count_cell(randomised), _target(total), _share(found.get(("", "percent"))), mark="primary"
    )


def _target(target: int | None) -> Cell:
    return absent() if target is None else Cell(str(target))


def _share(found: Estimate | None) -> Cell:
    return absent() if found is None else Cell(f"{numbers.number(found.value, 0)}%", found.key)


def _notes(results: pd.DataFrame, trial: Trial) -> Iterator[str]:
    """Yield from when to when was planned, and from when to when people were randomised."""
    planned = trial.recruitment
    if planned.begins is not None and planned.ends is not None:
        yield f"Planned from {_day(planned.begins)} to {_day(planned.ends)}."
    months = [e.at for e in estimates(results, analysis=RECRUITMENT) if e.value]
    if months:
        first_month, last = (
            f"{date.fromisoformat(f'{month}-01'):%B %Y}" for month in (min(months), max(months))
        )
        yield f"The first participant was randomised in {first_month}, the last in {last}."


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
