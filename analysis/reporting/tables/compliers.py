"""The effect in compliers beside the effect as allocated, and how well the arm predicts complying. Not here: dose."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.cace import WEAK
from analysis.reporting import numbers
from analysis.reporting.estimates import DIFFERENCE, USABLE, Estimate, contrast, first
from analysis.reporting.table import Cell, Column, Group, Row, Table, row, sources
from analysis.reporting.tables.primary import estimate_cells
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

EFFECT = "complier average causal effect"


def compliers_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a group per analysis of compliers and compared arm: compliance by arm, first stage, both effects."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    analyses = [a for a in trial.analyses.values() if a.estimator == "cace"]
    several = len(trial.compared_arms) > 1
    groups = tuple(
        Group(tuple(_rows(results, trial, a, arm)), f"{a.label}, {arm.label}" if several else a.label)
        for a in analyses
        for arm in trial.compared_arms
    )
    columns = (
        Column("", "text"),
        Column("n"),
        Column("Difference", detail=f"({confidence} CI)"),
        Column("SE", detail="robust"),
        Column("df"),
        Column("p"),
    )
    return Table(
        name="cace-table",
        caption="The effect in compliers, beside the effect as allocated",
        columns=columns,
        groups=groups,
        notes=tuple(_notes()) if analyses else (),
        empty="The plan declares no analysis of compliers.",
    )


def _rows(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Row]:
    versus, visit = contrast(arm, trial), trial.estimands[analysis.estimand].visit
    for own in (trial.reference_arm, arm):
        yield _complied(results, analysis, visit, own)
    strength = first(results, analysis=analysis.name, statistic="first-stage f", contrast=versus)
    if strength is not None and strength.status in USABLE:
        detail = f"on {numbers.degrees_of_freedom(strength.df)} degrees of freedom"
        shown = Cell(numbers.number(strength.value, 1), strength.key, detail=detail)
        yield row(Cell("First-stage F", detail=strength.reason), _n(strength), shown, "", "", "")
    as_allocated = first(results, analysis=analysis.name, statistic=DIFFERENCE, visit=visit, contrast=versus)
    yield _effect("As allocated", as_allocated)
    effect = first(results, analysis=analysis.name, statistic=EFFECT, contrast=versus)
    yield _effect("In compliers", effect or as_allocated)


def _complied(results: pd.DataFrame, analysis: Analysis, visit: str, arm: Arm) -> Row:
    where = {"analysis": analysis.name, "visit": visit, "arm": arm.code}
    count, percent = (first(results, **where, statistic=s) for s in ("count", "percent"))
    if count is None:
        return row(arm.label, numbers.ABSENT, numbers.ABSENT, "", "", "")
    share = float("nan") if percent is None else percent.value
    keys = sources(count.key, percent.key if percent else "")
    shown = Cell(numbers.count_of(count.value, share), keys, detail=f"with {count.at}")
    return row(f"Complied: {arm.label}", _n(count), shown, "", "", "")


def _effect(label: str, found: Estimate | None) -> Row:
    n = Cell(numbers.ABSENT) if found is None else _n(found)
    return row(label, n, *estimate_cells(found), mark="primary" if label == "In compliers" else "")


def _n(found: Estimate) -> Cell:
    return Cell(numbers.ABSENT) if found.n is None else Cell(str(found.n), found.key)


def _notes() -> Iterator[str]:
    yield (
        "Both effects are of the same participants and covariates. The effect in compliers holds if allocation acts "
        "through attendance alone, and if nobody attends the less for being offered it."
    )
    yield (
        f"With a first-stage F below {WEAK:g} it leans towards the plain comparison of those who attended with those "
        "who did not, and its limits are too narrow."
    )
