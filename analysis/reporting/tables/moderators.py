"""Does the effect differ? Each moderator's interaction, then the effect at its values. Not here: the forest plot."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import DIFFERENCE, Estimate, contrast, estimates, first
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.tables.primary import estimate_cells
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial


def moderators_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a group per moderator: interaction and its test, then the differences at its values."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    analyses = [a for a in trial.analyses.values() if a.estimator == "moderator"]
    groups = [
        Group(tuple(_rows(results, trial, a, arm)), _label(trial, a, arm))
        for a in analyses
        for arm in trial.compared_arms
    ]
    return Table(
        name="moderators-table",
        caption="Does the effect differ? Interactions first, effects at each moderator's values second",
        columns=(
            Column("Moderator", "text"),
            Column("n"),
            Column("Difference", detail=f"({confidence} CI)"),
            Column("SE"),
            Column("df"),
            Column("p"),
        ),
        groups=tuple(groups),
        notes=(
            "An effect that differs is told by the interaction, not by one subgroup being significant and another not.",
            "Effects of a number are at its quartiles among those analysed, from one model for all.",
        )
        if analyses
        else (),
        empty="The plan declares no moderator.",
    )


def _label(trial: Trial, analysis: Analysis, arm: Arm) -> str:
    moderator = trial.moderators[analysis.moderator]
    setting = f" ({moderator.setting})" if moderator.setting else ""
    several = f", {arm.label}" if len(trial.compared_arms) > 1 else ""
    return f"{moderator.label}{setting}{several}"


def _rows(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Row]:
    versus = contrast(arm, trial)
    for found in estimates(results, analysis=analysis.name, statistic="interaction", contrast=versus):
        yield _row(found, f"Interaction, {found.at}", "primary")
    test = first(results, analysis=analysis.name, statistic="interaction test", contrast=versus)
    if (
        test is not None
        and len(list(estimates(results, analysis=analysis.name, statistic="interaction"))) > 1
    ):
        value = Cell(f"F = {numbers.number(test.value, 2)}", test.key, detail=f"on {test.at}")
        yield row("Joint test", "", value, "", "", Cell(numbers.p_value(test.p_value), test.key))
    for found in estimates(results, analysis=analysis.name, statistic=DIFFERENCE, contrast=versus):
        yield _row(found, value_words(found.at), "indented")


def value_words(at: str) -> str:
    """Return where an effect stands: "at 12.35" of a number, to four digits; a level as it is."""
    if not at:
        return "not estimated"
    try:
        return f"at {numbers.significant(float(at), 4)}"
    except ValueError:
        return at


def _row(found: Estimate, label: str, mark: str) -> Row:
    n = Cell(numbers.ABSENT if found.n is None else str(found.n), found.key)
    cells = row(label, n, *estimate_cells(found))
    return Row(cells.cells, "primary" if mark == "primary" else "indented")
