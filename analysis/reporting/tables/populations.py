"""The populations of the plan: who is in, and why others are not, by arm. Not here: what each is for (estimand)."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.estimators.populations import POPULATIONS
from analysis.reporting.cells import count_cell
from analysis.reporting.consort import way_label
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.table import Column, Group, Row, Table, row
from data_contracts.spec import Trial


def populations_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a group per population: how many are in it, and how many left it for which reason."""
    codes = trial.arms_and_all
    groups = [
        Group(tuple(_rows(list(estimates(results, analysis=POPULATIONS, outcome=name)), codes)), said.label)
        for name, said in trial.populations.items()
    ]
    is_known = any(group.rows for group in groups)
    return Table(
        name="populations-table",
        caption="Analysis populations, and why others are not in them",
        columns=(Column("", "text"), *(Column(way_label(code, trial)) for code in codes)),
        groups=tuple(groups) if is_known else (),
        notes=("Whoever fails several requirements is counted at the first.",) if is_known else (),
        empty="The results table holds no populations.",
    )


def _rows(found: list[Estimate], codes: Sequence[str]) -> Iterator[Row]:
    by_place = {(e.at, e.arm): e for e in found}
    for reason in dict.fromkeys(e.at for e in found):
        cells = [count_cell(by_place.get((reason, code))) for code in codes]
        yield row(f"Out: {reason}", *cells, mark="indented") if reason else row("In", *cells)
