"""The primary question answered in other ways, side by side. Not here: other outcomes (secondary)."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.imputation.strategies import TITLES
from analysis.reporting import numbers
from analysis.reporting.cells import n_cell
from analysis.reporting.estimates import (
    USABLE,
    Estimate,
    answer,
    comparison,
    contrast,
    estimates,
    visit_label,
)
from analysis.reporting.methods.words import listed, opening
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.tables.primary import estimate_cells
from analysis.reporting.tables.remarks import remarks
from analysis.reporting.tables.tipping import POINT, tipping_sentence
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

ROLES = {
    "primary": "Primary analysis",
    "cross-check": "Cross-check by another method",
    "sensitivity": "Sensitivity",
}


ERRORS = {  # in a row's method -> how its standard error was found
    "jackknife standard error": "jackknife",
    "bootstrap standard error": "bootstrap",
    "Rubin's rules": "Rubin's rules",
    "heteroscedasticity-robust": "robust to unequal variances",
    "Kenward-Roger": "Kenward-Roger",
    "Satterthwaite": "model, Satterthwaite",
    "between-within": "model",
    "residual degrees": "model",
    "mixed-effects model": "model",
    "ordinary least squares": "model",
}
BY_REFERENCE = ("j2r", "cr", "cir")  # strategies that borrow from the reference arm
OTHERS = {"rubin": "Rubin's rules", "jackknife": "the jackknife"}


def sensitivity_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return each analysis of the primary outcome, by role, in the trial file's order."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    groups = [Group(tuple(_rows(results, trial, role)), label) for role, label in ROLES.items()]
    return Table(
        name="sensitivity-table",
        caption=f"{trial.outcomes[trial.primary.outcome].label}: the primary question asked in other ways",
        columns=(
            Column("Analysis", "text"),
            Column("Population", "text"),
            Column("At", "short"),
            Column("n"),
            Column("Difference", detail=f"({confidence} CI)"),
            Column("SE", detail="by"),
            Column("df"),
            Column("p"),
        ),
        groups=tuple(group for group in groups if group.rows),
        notes=(
            "These support or question the primary analysis; they don't replace it.",
            "A conclusion that holds in one of them only is fragile.",
            "An analysis of another population or of compliers answers a question of its own, not the primary one.",
            *_alike(results, trial),
            *remarks(results, trial, analyses_of_the_primary_outcome(trial)),
        ),
    )


def analyses_of_the_primary_outcome(trial: Trial) -> tuple[Analysis, ...]:
    """Return the analyses, of any role but secondary, whose estimand has the primary outcome."""
    outcome = trial.primary.outcome
    return tuple(
        a
        for a in trial.analyses.values()
        if a.role in ROLES and trial.estimands[a.estimand].outcome == outcome
    )


def _alike(results: pd.DataFrame, trial: Trial) -> Iterator[str]:
    """Yield why assumptions about those who left give one answer, where they do at the first visit after baseline."""
    visit = trial.follow_ups[0]
    found: dict[tuple[float, float], list[str]] = {}
    for analysis in analyses_of_the_primary_outcome(trial):
        asked = analysis.imputation
        if asked is None or analysis.estimator != "reference_based_mi" or asked.strategy not in BY_REFERENCE:
            continue
        one = comparison(results, trial, analysis, trial.compared_arms[0])
        if one is not None and one.is_estimable and one.visit == visit.code:
            found.setdefault((round(one.value, 6), round(one.se, 6)), []).append(TITLES[asked.strategy])
    for titles in found.values():
        if len(set(titles)) > 1:
            yield (
                f"{opening(listed(dict.fromkeys(titles)))} give the same answer here, and rightly: they differ in what "
                f"becomes of a difference reached before somebody left, and before {visit.label} there is none."
            )


def _rows(results: pd.DataFrame, trial: Trial, role: str) -> Iterator[Row]:
    for analysis in analyses_of_the_primary_outcome(trial):
        if analysis.role == role:
            for arm in trial.compared_arms:
                yield _row(results, trial, analysis, arm)
                yield from _other_errors(results, trial, analysis, arm)


def _other_errors(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Row]:
    """Yield the standard error by another method, where one stands beside that of the limits."""
    where = {"visit": trial.estimands[analysis.estimand].visit, "contrast": contrast(arm, trial)}
    for other in estimates(results, analysis=analysis.name, statistic="other standard error", **where):
        label = f"its SE by {OTHERS.get(other.at, other.at)}"
        blank = ("", "", "", "")
        if other.status in USABLE:
            yield row(
                label,
                *blank,
                Cell(numbers.number(other.value, numbers.decimals_for(other.value) + 1), other.key),
                "",
                "",
                mark="indented",
            )
        else:
            yield row(
                label, *blank, Cell(f"not estimable: {other.reason}", other.key, span=3), mark="indented"
            )


def _with_method(cells: tuple[Cell, ...], found: Estimate | None) -> tuple[Cell, ...]:
    """Return an effect's cells with how its standard error was found."""
    if found is None or len(cells) == 1:
        return cells
    effect, se, *rest = cells
    how = next((words for text, words in ERRORS.items() if text in found.method), "")
    return (effect, replace(se, detail=how), *rest)


def _row(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Row:
    found = answer(results, trial, analysis, arm)
    estimand = trial.estimands[analysis.estimand]
    label = analysis.label if len(trial.compared_arms) == 1 else f"{analysis.label}: {arm.label}"
    when = "all visits" if found is not None and not found.visit else visit_label(estimand.visit, trial)
    return row(
        Cell(label, detail=analysis.clause),
        trial.populations[estimand.population].label,
        when,
        n_cell(found),
        *_answer(results, trial, analysis, arm),
        mark="primary" if analysis.role == "primary" else "",
    )


def _answer(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> tuple[Cell, ...]:
    """Return the difference; of a tipping point, which is none, the delta in words."""
    found = answer(results, trial, analysis, arm)
    if found is None or found.statistic != POINT:
        return _with_method(estimate_cells(found), found)
    return (Cell(tipping_sentence(results, trial, analysis, arm), found.key, span=4),)
