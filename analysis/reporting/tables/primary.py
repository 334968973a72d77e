"""The primary analysis: adjusted means by arm and visit, and their difference. Not here: other analyses."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import (
    DIFFERENCE,
    MEAN,
    OVERALL,
    Estimate,
    comparison,
    contrast,
    estimates,
    first,
    why_not,
)
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.spec import Arm, Trial, Visit


def primary_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per visit (and per compared arm, when there are several), the primary visit marked."""
    analysis, outcome = trial.primary_analysis, trial.outcomes[trial.primary.outcome]
    confidence = numbers.level(analysis.confidence)
    means = [trial.reference_arm.label, *(arm.label for arm in trial.compared_arms)]
    if len(means) > 2:
        means = [trial.reference_arm.label, "Compared arm"]
    columns = (
        Column("Visit", "short"),
        Column("n"),
        *(Column(label, detail=f"adjusted mean ({confidence} CI)") for label in means),
        Column("Difference", detail=f"({confidence} CI)"),
        Column("SE"),
        Column("df"),
        Column("p"),
    )
    unit = f", {outcome.unit}" if outcome.unit else ""
    return Table(
        name="primary-table",
        caption=f"{outcome.label}{unit}: adjusted means by arm and visit, and difference from {means[0]}",
        columns=columns,
        groups=one_group(_rows(results, trial)),
        notes=tuple(_notes(results, trial)),
    )


def _rows(results: pd.DataFrame, trial: Trial) -> Iterator[Row]:
    for visit in trial.follow_ups:
        for arm in trial.compared_arms:
            yield _row(results, trial, visit, arm)
    for arm in trial.compared_arms:
        if overall := first(
            results, analysis=trial.primary_analysis.name, statistic=OVERALL, contrast=contrast(arm, trial)
        ):
            yield row("Over all visits", _n(overall), "", "", *estimate_cells(overall))


def _row(results: pd.DataFrame, trial: Trial, visit: Visit, arm: Arm) -> Row:
    name, versus = trial.primary_analysis.name, contrast(arm, trial)
    difference = first(results, analysis=name, statistic=DIFFERENCE, visit=visit.code, contrast=versus)
    both = (trial.reference_arm, arm)
    means = [first(results, analysis=name, statistic=MEAN, visit=visit.code, arm=a.code) for a in both]
    primary = visit.code == trial.primary.visit
    heading = Cell(
        visit.label if len(trial.compared_arms) == 1 else f"{visit.label}, {arm.label}",
        detail="primary" if primary else "",
    )
    return row(
        heading,
        _n(difference),
        *(mean_cell(mean) for mean in means),
        *estimate_cells(difference),
        mark="primary" if primary else "",
    )


def mean_cell(mean: Estimate | None) -> Cell:
    """Return an adjusted mean with its interval."""
    if mean is None or not mean.is_estimable:
        return Cell(numbers.ABSENT if mean is None else "not estimable", mean.key if mean else "")
    limits = numbers.interval(mean.lower, mean.upper, mean.decimals)
    return Cell(numbers.number(mean.value, mean.decimals), mean.key, detail=limits)


def estimate_cells(found: Estimate | None) -> tuple[Cell, ...]:
    """Return an effect with interval, SE, df and p; one wide cell when there is no estimate."""
    if found is None:
        return (Cell("no such row in the results table", span=4),)
    if not found.is_estimable:
        return (Cell(f"not estimable: {found.reason or 'no reason recorded'}", found.key, span=4),)
    decimals = found.decimals
    limits = numbers.interval(found.lower, found.upper, decimals)
    return (
        Cell(numbers.number(found.value, decimals), found.key, detail=limits),
        Cell(numbers.number(found.se, decimals + 1), found.key),
        Cell(numbers.degrees_of_freedom(found.df), found.key),
        Cell(numbers.p_value(found.p_value), found.key),
    )


def _n(found: Estimate | None) -> Cell:
    return Cell(numbers.ABSENT) if found is None or found.n is None else Cell(str(found.n), found.key)


def _notes(results: pd.DataFrame, trial: Trial) -> Iterator[str]:
    outcome, analysis = trial.outcomes[trial.primary.outcome], trial.primary_analysis
    better = "Higher values are better." if outcome.better == "higher" else "Lower values are better."
    yield f"Differences are the arm's mean less that of {trial.reference_arm.label}. {better}"
    answers = [(arm, comparison(results, trial, analysis, arm)) for arm in trial.compared_arms]
    found = next((e for _, e in answers if e is not None), None)
    if found is not None and found.method:
        yield f"Method: {found.method}. {_size(found)}".strip()
    if found is not None and found.status == "boundary":
        yield f"The fit lies on a boundary: {found.reason or 'no reason recorded'}."
    for arm, answer in answers:
        if answer is None or not answer.is_estimable:
            yield f"{arm.label}: not estimable ({why_not(results, analysis, answer)})."
    if not any(estimates(results, analysis=analysis.name)):
        yield "The results table holds no row of the primary analysis."


def _size(found: Estimate) -> str:
    if found.n is None or found.n_observations is None:
        return ""
    return f"{found.n} participants, {found.n_observations} observations."
