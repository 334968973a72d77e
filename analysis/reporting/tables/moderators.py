"""Does the effect differ? Each moderator's interaction, then the effect at its values. Not here: the forest plot."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import DIFFERENCE, Estimate, comparison, contrast, estimates, first
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.tables.primary import adjusted_cell, estimate_cells
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

PER_UNIT = "per unit"  # where the interaction with a number stands


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
            *_adjusted(results, trial, analyses),
        )
        if analyses
        else (),
        empty="The plan declares no moderator.",
    )


def _adjusted(results: pd.DataFrame, trial: Trial, analyses: list[Analysis]) -> Iterator[str]:
    """Yield the p-value that the family of an interaction gives it: no other table has it."""
    for analysis in analyses:
        for arm in trial.compared_arms:
            found = comparison(results, trial, analysis, arm)
            if found is not None and found.family:
                shown = f"p, adjusted for its family: {adjusted_cell(found).text}"
                yield f"{_label(trial, analysis, arm)}: {shown} ({found.gate})."


def _label(trial: Trial, analysis: Analysis, arm: Arm) -> str:
    moderator = trial.moderators[analysis.moderator]
    setting = f" ({moderator.setting})" if moderator.setting else ""
    several = f", {arm.label}" if len(trial.compared_arms) > 1 else ""
    return f"{moderator.label}{setting}{several}"


def _rows(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Row]:
    versus = contrast(arm, trial)
    unit = unit_of(analysis, trial)
    interactions = list(estimates(results, analysis=analysis.name, statistic="interaction", contrast=versus))
    for found in interactions:
        yield _row(found, interaction_words(found.at, unit), "primary")
    test = first(results, analysis=analysis.name, statistic="interaction test", contrast=versus)
    if test is not None and len(interactions) > 1:
        value = Cell(f"F = {numbers.number(test.value, 2)}", test.key, detail=f"on {test.at}")
        yield row("Joint test", "", value, "", "", Cell(numbers.p_value(test.p_value), test.key))
    for found in estimates(results, analysis=analysis.name, statistic=DIFFERENCE, contrast=versus):
        yield _row(found, value_words(found.at, unit), "indented")


def unit_of(analysis: Analysis, trial: Trial) -> str:
    """Return the unit of a moderator, "" of one that has none."""
    moderator = trial.moderators[analysis.moderator]
    if moderator.outcome:
        return trial.outcomes[moderator.outcome].unit
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    return next((f.columns[moderator.column].unit for f in forms if moderator.column in f.columns), "")


def interaction_words(at: str, unit: str) -> str:
    """Return what an interaction is of, such as "Interaction, per unit (points)"."""
    per = f"{at} ({unit})" if at == PER_UNIT and unit else at
    return f"Interaction, {per}" if per else "Interaction"


def value_words(at: str, unit: str) -> str:
    """Return where an effect stands: "at 58.8 points" of a number, to three digits; a level as it is."""
    if not at:
        return "not estimated"
    try:
        return f"at {numbers.significant(float(at), 3)} {unit}".strip()
    except (ValueError, OverflowError):  # a level may be called "inf"
        return at


def _row(found: Estimate, label: str, mark: str) -> Row:
    n = Cell(numbers.ABSENT if found.n is None else str(found.n), found.key)
    cells = row(label, n, *estimate_cells(found))
    return Row(cells.cells, "primary" if mark == "primary" else "indented")
