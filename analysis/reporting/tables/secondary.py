"""The secondary outcomes at their estimand's visit. Not here: the primary outcome."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import MEAN, comparison, first, visit_label
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from analysis.reporting.tables.primary import estimate_cells, mean_cell
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial


def secondary_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per secondary analysis (and per compared arm, when there are several)."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    several = len(trial.compared_arms) > 1
    compared = "Compared arm" if several else trial.compared_arms[0].label
    analyses = [a for a in trial.analyses.values() if a.role == "secondary"]
    return Table(
        name="secondary-table",
        caption=f"Secondary outcomes: adjusted means, and difference from {trial.reference_arm.label}",
        columns=(
            Column("Outcome", "text"),
            Column("At", "short"),
            Column("n"),
            *(
                Column(label, detail=f"adjusted mean ({confidence} CI)")
                for label in (trial.reference_arm.label, compared)
            ),
            Column("Difference", detail=f"({confidence} CI)"),
            Column("SE"),
            Column("df"),
            Column("p"),
        ),
        groups=one_group(row for a in analyses for row in _rows(results, trial, a)),
        notes=("The p-values are not adjusted for the number of outcomes; read them as exploratory.",)
        if analyses
        else (),
        empty="The plan declares no secondary outcome.",
    )


def _rows(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> Iterator[Row]:
    for arm in trial.compared_arms:
        yield _row(results, trial, analysis, arm)


def _row(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Row:
    estimand = trial.estimands[analysis.estimand]
    outcome = trial.outcomes[estimand.outcome]
    found = comparison(results, trial, analysis, arm)
    means = [
        first(results, analysis=analysis.name, statistic=MEAN, visit=estimand.visit, arm=a.code)
        for a in (trial.reference_arm, arm)
    ]
    label = outcome.label if len(trial.compared_arms) == 1 else f"{outcome.label}: {arm.label}"
    unit = f"{outcome.unit}; " if outcome.unit else ""
    return row(
        Cell(label, detail=f"{unit}{outcome.better} is better"),
        "all visits" if found is not None and not found.visit else visit_label(estimand.visit, trial),
        Cell(numbers.ABSENT) if found is None or found.n is None else Cell(str(found.n), found.key),
        *(mean_cell(mean) for mean in means),
        *estimate_cells(found),
    )
