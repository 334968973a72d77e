"""The estimand card: the five attributes of ICH E9(R1), what answers it, what departed from it. Not here: analyses."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.deviations import Departure
from analysis.reporting.estimates import (
    NOTHING_TO_TIP,
    TIPPING_DELTA,
    USABLE,
    Estimate,
    answer,
    visit_label,
)
from analysis.reporting.methods.words import better
from analysis.reporting.places import place_of
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.plan import Analysis, Estimand
from data_contracts.spec import Arm, Trial

ANSWERS = "Answered by"
SUPPORTS = {  # role of an analysis -> what it does for an estimand that another one answers
    "cross-check": "Cross-checked by",
    "sensitivity": "Sensitivity",
    "moderator": "Subgroups",
}


def estimand_table(
    estimand: Estimand,
    trial: Trial,
    results: pd.DataFrame | None = None,
    found: Sequence[Departure] = (),
) -> Table:
    """Return a row per attribute, then one per analysis that answers it and per departure that touches it.

    Args:
        estimand: The estimand.
        trial: The trial.
        results: Rows of the results table; None where the report is not to show a comparison.
        found: Departures from the plan.
    """
    is_primary = estimand.name == trial.primary_estimand
    touching = [one for one in found if one.touches(estimand, trial)]
    rows = [
        *_attributes(estimand, trial),
        *_answers(estimand, trial, results),
        *_departures(touching, trial, results),
    ]
    return Table(
        name="estimand-table" if is_primary else f"estimand-{estimand.name}",
        caption=f"{'Primary estimand' if is_primary else 'Estimand'}: {estimand.label}",
        columns=(
            Column("Attribute", "short"),
            Column("As planned" if results is None else "As planned, and as answered", "text"),
        ),
        groups=one_group(rows),
    )


def _attributes(estimand: Estimand, trial: Trial) -> Iterator[Row]:
    outcome = trial.outcomes[estimand.outcome]
    unit = f"{outcome.unit}; " if outcome.unit else ""
    yield row("Clause", estimand.clause)
    yield row("Treatment", estimand.treatment)
    yield row("Population", trial.populations[estimand.population].label)
    yield row("Variable", f"{outcome.label} {_when(estimand, trial)} ({unit}{better(outcome)})")
    for event in estimand.intercurrent_events:
        yield row("Intercurrent event", f"{event.event[:1].upper()}{event.event[1:]}: {event.strategy}")
    yield row("Summary", estimand.summary)


def _when(estimand: Estimand, trial: Trial) -> str:
    outcome = trial.outcomes[estimand.outcome]
    if not outcome.event:
        return f"at {visit_label(estimand.visit, trial)}"
    return f"up to day {outcome.until_days}" if outcome.until_days else "from randomisation on"


def _answers(estimand: Estimand, trial: Trial, results: pd.DataFrame | None) -> Iterator[Row]:
    own = [a for a in trial.analyses.values() if a.estimand == estimand.name]
    for analysis in own:
        what = _support(analysis, own)
        if results is None:
            yield row(what, _named(analysis))
            continue
        for arm in trial.compared_arms:
            yield row(what, _answer(analysis, arm, trial, answer(results, trial, analysis, arm)))
    if not own:
        yield row(ANSWERS, "no analysis")


def _support(analysis: Analysis, own: Sequence[Analysis]) -> str:
    """Return what an analysis does for its estimand; one that nothing else answers, a sensitivity analysis answers."""
    is_answered = any(other.role in {"primary", "secondary"} for other in own)
    return SUPPORTS.get(analysis.role, ANSWERS) if is_answered else ANSWERS


def _answer(analysis: Analysis, arm: Arm, trial: Trial, found: Estimate | None) -> Cell:
    """Return an analysis with its result in a line."""
    name, address = _named(analysis), place_of(analysis, trial)[1]
    if len(trial.compared_arms) > 1:
        name = f"{name}, {arm.label}"
    return Cell(name, found.key if found else "", detail=_result(found), link=address)


def _named(analysis: Analysis) -> str:
    return f"{analysis.label} ({analysis.clause})" if analysis.clause else analysis.label


def _result(found: Estimate | None) -> str:
    if found is None:
        return "not estimated: the results table holds no such row"
    if found.reason == NOTHING_TO_TIP:
        return "no tipping point: not significant as imputed"
    if found.status not in USABLE:
        return f"{found.status}: {found.reason or 'no reason recorded'}"
    if found.statistic == "interaction test":
        return f"interaction F {numbers.number(found.value, 2)}; {numbers.p_clause(found.p_value)}"
    limits = "" if numbers.interval(found.lower, found.upper, 1) == numbers.ABSENT else _limits(found)
    unit = f" {found.unit}" if found.statistic == TIPPING_DELTA else ""
    return f"{found.statistic} {numbers.number(found.value, found.decimals)}{unit}{limits}"


def _limits(found: Estimate) -> str:
    shown = numbers.interval(found.lower, found.upper, found.decimals).strip("()")
    p = "" if math.isnan(found.p_value) else f"; {numbers.p_clause(found.p_value)}{_in_family(found)}"
    return f" ({numbers.level(found.confidence)} CI {shown}{p})"


def _in_family(found: Estimate) -> str:
    """Return what its family of hypotheses makes of a p-value; "" of one that is in none."""
    adjusted = f", adjusted {numbers.p_clause(found.p_adjusted)}" if found.is_adjusted else ""
    return f"{adjusted}, {found.gate}" if found.family and found.gate else adjusted


def _departures(found: Sequence[Departure], trial: Trial, results: pd.DataFrame | None) -> Iterator[Row]:
    """Yield the departures; those the program found name the analysis, those that people declared name it or not."""
    link = "" if results is None else "#deviations-table"
    for one in found:
        of = f"{trial.analyses[one.analysis].label}: " if one.analysis and one.kind != "declared" else ""
        yield row("Deviation", Cell(f"{of}{one.what} {one.why}".strip(), one.source, link=link))
