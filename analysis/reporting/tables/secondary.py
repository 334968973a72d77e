"""The secondary outcomes at their estimand's visit. Not here: the primary outcome."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import MEAN, Estimate, comparison, contrast, first, visit_label
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from analysis.reporting.tables.primary import estimate_cells, mean_cell
from analysis.reporting.tables.remarks import remarks
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Arm, Trial

WORDS = {  # estimator -> what its effect is, and how a ratio is to be read
    "responder": "risk difference",
    "ordinal": "odds ratio, above 1: higher levels are likelier",
    "counts": "rate ratio, above 1: more often",
    "time_to_event": "hazard ratio, above 1: sooner",
}
BESIDE = {  # estimator -> what stands beside its effect
    "responder": ("risk ratio", "odds ratio"),
    "time_to_event": ("restricted mean difference",),
}
NAMED = {"restricted mean difference": "difference of mean times"}
OBSERVED = {"responder": "percent", "ordinal": "", "counts": "total", "time_to_event": "event-free"}
METHODS = {
    "none": "not adjusted, tested",
    "holm": "Holm's method",
    "hochberg": "Hochberg's method",
    "fixed sequence": "tested in the plan's order, each only once those before are rejected,",
    "gatekeeping": "tested gate by gate, each by Holm's method and only once the one before is rejected,",
}


def secondary_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per secondary analysis (and per compared arm, when there are several)."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    several = len(trial.compared_arms) > 1
    compared = "Compared arm" if several else trial.compared_arms[0].label
    analyses = [a for a in trial.analyses.values() if a.role == "secondary"]
    return Table(
        name="secondary-table",
        caption=f"Secondary outcomes by arm, and the effect against {trial.reference_arm.label}",
        columns=(
            Column("Outcome", "text"),
            Column("At", "short"),
            Column("n"),
            *(
                Column(label, detail=f"mean ({confidence} CI)")
                for label in (trial.reference_arm.label, compared)
            ),
            Column("Effect", detail=f"({confidence} CI)"),
            Column("SE", detail="df"),
            Column("p"),
            Column("p, adjusted", detail="for its family"),
        ),
        groups=one_group(row for a in analyses for row in _rows(results, trial, a)),
        notes=(*_notes(trial), *remarks(results, trial, analyses)) if analyses else (),
        empty="The plan declares no secondary outcome.",
    )


def _rows(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> Iterator[Row]:
    for arm in trial.compared_arms:
        yield _row(results, trial, analysis, arm)
        for statistic in BESIDE.get(analysis.estimator, ()):
            beside = {"statistic": statistic, "contrast": contrast(arm, trial)}
            if (found := first(results, analysis=analysis.name, **beside)) is not None:
                yield _beside(found, statistic)


def _beside(found: Estimate, statistic: str) -> Row:
    """Return another measure of the same effect: of a yes or no, both its risks' difference and their ratio."""
    label = Cell(NAMED.get(statistic, statistic), detail="; ".join(filter(None, (found.unit, found.at))))
    return row(label, "", _n(found), "", "", *_effect_cells(found), numbers.ABSENT, mark="indented")


def _n(found: Estimate | None) -> Cell:
    return Cell(numbers.ABSENT) if found is None or found.n is None else Cell(str(found.n), found.key)


def _row(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Row:
    estimand = trial.estimands[analysis.estimand]
    outcome = trial.outcomes[estimand.outcome]
    found = comparison(results, trial, analysis, arm)
    label = outcome.label if len(trial.compared_arms) == 1 else f"{outcome.label}: {arm.label}"
    return row(
        Cell(label, detail=f"{WORDS.get(analysis.estimator, 'difference')}; {_better(outcome)}"),
        _when(found, outcome, visit_label(estimand.visit, trial)),
        _n(found),
        *(_arm_cell(results, analysis, estimand.visit, a) for a in (trial.reference_arm, arm)),
        *_effect_cells(found),
        _adjusted(found),
    )


def _better(outcome: Outcome) -> str:
    """Return the unit, and what is better of the outcome itself, which of a ratio may be the opposite."""
    if outcome.kind == "time to event":
        return "a later event is better" if outcome.better == "higher" else "an earlier event is better"
    unit = f"{outcome.unit}; " if outcome.unit else ""
    return f"{unit}{outcome.better} is better"


def _effect_cells(found: Estimate | None) -> tuple[Cell, ...]:
    """Return an effect as elsewhere, its degrees of freedom under the standard error: the table is wide enough."""
    cells = estimate_cells(found)
    if len(cells) == 1:
        return (replace(cells[0], span=3),)
    effect, se, df, p = cells
    return effect, replace(se, detail=df.text), p


def _when(found: Estimate | None, outcome: Outcome, visit: str) -> str:
    if outcome.event:
        return f"day {outcome.until_days}" if outcome.until_days else "all follow-up"
    return "all visits" if found is not None and not found.visit else visit


def _arm_cell(results: pd.DataFrame, analysis: Analysis, visit: str, arm: Arm) -> Cell:
    """Return an arm's adjusted mean, or what was observed where there are no means."""
    statistic = OBSERVED.get(analysis.estimator)
    if statistic is None:
        return mean_cell(first(results, analysis=analysis.name, statistic=MEAN, visit=visit, arm=arm.code))
    found = first(results, analysis=analysis.name, statistic=statistic, arm=arm.code)
    if found is None:
        return Cell(numbers.ABSENT)
    shown = {"percent": f"{numbers.number(found.value, 0)}%", "total": numbers.number(found.value, 0)}
    detail = {"percent": "observed", "total": "in all", "event-free": f"event-free, {found.at}"}[statistic]
    return Cell(shown.get(statistic, f"{numbers.number(100 * found.value, 0)}%"), found.key, detail=detail)


def _adjusted(found: Estimate | None) -> Cell:
    if found is None or not found.family:
        return Cell(numbers.ABSENT)
    return Cell(numbers.p_value(found.p_adjusted), found.key, detail=found.gate)


def _notes(trial: Trial) -> Iterator[str]:
    """Yield how the p-values of the secondary outcomes are to be read, by the plan's families."""
    secondary = {a.name for a in trial.analyses.values() if a.role == "secondary"}
    families = [f for f in trial.families.values() if secondary & set(f.members)]
    for family in families:
        clause = f" ({family.clause})" if family.clause else ""
        yield f"{family.label}: {METHODS[family.method]} at {100 * family.alpha:g}%{clause}."
    if secondary - {name for family in families for name in family.members}:
        yield "P-values of outcomes in no family are not adjusted for their number; read them as exploratory."
