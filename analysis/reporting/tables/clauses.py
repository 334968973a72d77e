"""The plan's clauses: what each asks, what answers it, and where the report has it. Not here: the answers."""

import re

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.deviations import Departure
from analysis.reporting.estimates import answer, is_answered
from analysis.reporting.places import place_of
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.plan import Analysis, Estimand, Family
from data_contracts.spec import Trial

METHODS = {
    "none": "none",
    "holm": "Holm",
    "hochberg": "Hochberg",
    "fixed sequence": "fixed sequence",
    "gatekeeping": "serial gatekeeping",
}
COLUMNS = (
    Column("Clause", "short"),
    Column("What it asks for", "text"),
    Column("Estimand", "text"),
    Column("How it ended", "text"),
    Column("Where", "text"),
)
Key = tuple[str, tuple[int, ...]]


def clauses_table(results: pd.DataFrame | None, trial: Trial, found: tuple[Departure, ...] = ()) -> Table:
    """Return a row per clause of an estimand, an analysis or a family, in the order of the plan.

    Args:
        results: Rows of the results table; None where the report has no answers to tell of, or to lead to.
        trial: The trial.
        found: Departures from the plan.
    """
    rows = [(one.clause, _estimand(one, trial)) for one in trial.estimands.values()]
    rows += [(_clause(a, trial), _analysis(a, trial, results)) for a in trial.analyses.values()]
    rows += [(one.clause, _family(one, trial)) for one in trial.families.values() if one.clause]
    deviated = {one.clause for one in found if one.clause}
    ordered = sorted(rows, key=lambda pair: _order(pair[0]))
    return Table(
        name="clauses-table",
        caption=f"The analysis plan, version {trial.plan_version}, clause by clause",
        columns=COLUMNS[: 3 if results is None else 5],
        groups=one_group(_row(clause, cells, deviated, results) for clause, cells in ordered),
        empty="The plan names no clause.",
    )


def _estimand(estimand: Estimand, trial: Trial) -> tuple[Cell | str, ...]:
    is_primary = estimand.name == trial.primary_estimand
    address = "#estimand-table" if is_primary else f"#estimand-{estimand.name}"
    return f"Estimand: {estimand.label}", numbers.ABSENT, numbers.ABSENT, Cell("Estimand card", link=address)


def _analysis(analysis: Analysis, trial: Trial, results: pd.DataFrame | None) -> tuple[Cell | str, ...]:
    title, address = place_of(analysis, trial)
    estimand = trial.estimands[analysis.estimand]
    return analysis.label, estimand.label, _ended(analysis, trial, results), Cell(title, link=address)


def _ended(analysis: Analysis, trial: Trial, results: pd.DataFrame | None) -> Cell | str:
    if results is None:
        return numbers.ABSENT
    answers = [answer(results, trial, analysis, arm) for arm in trial.compared_arms]
    bad = next((one for one in answers if not is_answered(one)), answers[0])
    if bad is None:
        return "not estimated: no such row in the results table"
    return Cell("estimated" if is_answered(bad) else f"not estimated: {bad.reason or bad.status}", bad.key)


def _family(family: Family, trial: Trial) -> tuple[Cell | str, ...]:
    methods = {trial.analyses[name].role for name in family.members}
    title, address = (
        ("Secondary outcomes", "#secondary-table")
        if "secondary" in methods
        else place_of(trial.analyses[family.members[0]], trial)
    )
    return (
        f"Adjustment: {family.label} ({METHODS[family.method]})",
        numbers.ABSENT,
        numbers.ABSENT,
        Cell(title, link=address),
    )


def _clause(analysis: Analysis, trial: Trial) -> str:
    return analysis.clause or trial.estimands[analysis.estimand].clause


def _row(clause: str, cells: tuple[Cell | str, ...], deviated: set[str], results: pd.DataFrame | None) -> Row:
    detail = "deviation" if clause in deviated else ""
    if results is None:
        return row(Cell(clause, detail=detail), *cells[:2])
    return row(Cell(clause, detail=detail, link="#deviations-table" if detail else ""), *cells)


def _order(clause: str) -> Key:
    """Return what puts "SAP 6.2" before "SAP 6.10"."""
    return re.sub(r"[\d.]+$", "", clause), tuple(int(n) for n in re.findall(r"\d+", clause))
