"""The primary outcome as observed, by arm and visit. Not here: adjusted means (primary)."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import OBSERVED
from analysis.reporting import numbers
from analysis.reporting.cells import absent, mean_cell
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row, sources
from data_contracts.spec import Trial

Found = dict[tuple[str, str, str], Estimate]  # (visit, arm, statistic)


def observed_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per visit: how many were observed, how many not, mean (SD), for each arm."""
    outcome = trial.outcomes[trial.primary.outcome]
    rows = estimates(results, analysis=OBSERVED, outcome=outcome.name)
    found = {(e.visit, e.arm, e.statistic): e for e in rows}
    arms = trial.ordered_arms
    unit = f", {outcome.unit}" if outcome.unit else ""
    return Table(
        name="observed-table",
        caption=f"{outcome.label}{unit}: as observed, not adjusted",
        columns=(Column("Visit", "short"), *(Column(arm.label, detail="mean (SD)") for arm in arms)),
        groups=one_group(_rows(found, trial)) if found else (),
        empty="The results table holds no observed means.",
    )


def _rows(found: Found, trial: Trial) -> Iterator[Row]:
    arms = trial.ordered_arms
    for visit in trial.visits:
        is_primary = visit.code == trial.primary.visit
        heading = Cell(visit.label, detail="primary" if is_primary else "")
        yield row(
            heading, *(_cell(found, visit.code, a.code) for a in arms), mark="primary" if is_primary else ""
        )


def _cell(found: Found, visit: str, arm: str) -> Cell:
    names = ("count", "missing", "observed mean", "observed sd")
    count, missing, mean, sd = (found.get((visit, arm, name)) for name in names)
    if count is None or missing is None or mean is None or sd is None:
        return absent()
    return Cell(
        mean_cell(mean, sd).text,
        sources(mean.key, sd.key, count.key, missing.key),
        detail=f"n = {numbers.number(count.value, 0)}, {numbers.number(missing.value, 0)} missing",
    )
