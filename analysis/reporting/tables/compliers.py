"""The effect in compliers beside the effect as allocated, and how well the arm predicts complying. Not here: dose."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from analysis.estimators.cace import WEAK
from analysis.reporting import numbers
from analysis.reporting.cells import n_cell
from analysis.reporting.estimates import DIFFERENCE, USABLE, Estimate, contrast, estimates, first
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
        yield from _complied(results, analysis, visit, own)
    strength = first(results, analysis=analysis.name, statistic="first-stage f", contrast=versus)
    if strength is not None and strength.status in USABLE:
        detail = f"on {numbers.degrees_of_freedom(strength.df)} degrees of freedom"
        shown = Cell(numbers.number(strength.value, 1), strength.key, detail=detail)
        yield row(Cell("First-stage F", detail=strength.reason), n_cell(strength), shown, "", "", "")
    yield from _effects(results, analysis, visit, versus)


def _effects(results: pd.DataFrame, analysis: Analysis, visit: str, versus: str) -> Iterator[Row]:
    """Yield the effect as allocated where there is one, then that in compliers or why there is none."""
    as_allocated = first(results, analysis=analysis.name, statistic=DIFFERENCE, visit=visit, contrast=versus)
    effect = first(results, analysis=analysis.name, statistic=EFFECT, contrast=versus)
    if as_allocated is not None and as_allocated.status in USABLE:
        yield _effect("As allocated", as_allocated)
    # An analysis that was refused as a whole says why in the row of the plain difference.
    if (answer := effect or as_allocated) is not None:
        yield _effect("In compliers", answer)
    else:
        yield row("In compliers", "", Cell("not analysed in this run", span=4), mark="primary")


def _complied(results: pd.DataFrame, analysis: Analysis, visit: str, arm: Arm) -> Iterator[Row]:
    """Yield how many of an arm complied; nothing where nobody's dose is known."""
    where = {"analysis": analysis.name, "visit": visit, "arm": arm.code}
    own = [e for e in estimates(results, **where) if e.at]  # without a dose it is a count of something else
    count, percent = (next((e for e in own if e.statistic == s), None) for s in ("count", "percent"))
    if count is None:
        return
    share = float("nan") if percent is None else percent.value
    keys = sources(count.key, percent.key if percent else "")
    shown = Cell(numbers.count_of(count.value, share), keys, detail=f"with {count.at}")
    yield row(f"Complied: {arm.label}", n_cell(count), shown, "", "", "")


def _effect(label: str, found: Estimate) -> Row:
    mark: Literal["", "primary"] = "primary" if label == "In compliers" else ""
    return row(label, n_cell(found), *estimate_cells(found), mark=mark)


def _notes() -> Iterator[str]:
    yield (
        "Both effects are of the same participants and covariates. The effect in compliers holds if allocation acts "
        "through attendance alone, and if nobody attends the less for being offered it."
    )
    yield (
        f"With a first-stage F below {WEAK:g} it leans towards the plain comparison of those who attended with those "
        "who did not, and its limits are too narrow."
    )
