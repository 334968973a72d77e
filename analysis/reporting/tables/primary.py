"""The primary analysis: adjusted means by arm and visit, and their difference. Not here: other analyses."""

import math
from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import OBSERVED
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
from analysis.reporting.methods.families import family_sentence
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row, sources
from data_contracts.spec import Arm, Trial, Visit


def primary_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per visit (and per compared arm, when there are several), the primary visit marked."""
    outcome = trial.outcomes[trial.primary.outcome]
    unit = f", {outcome.unit}" if outcome.unit else ""
    reference = trial.reference_arm.label
    return Table(
        name="primary-table",
        caption=f"{outcome.label}{unit}: adjusted means by arm and visit, and difference from {reference}",
        columns=tuple(_columns(trial)),
        groups=one_group(_rows(results, trial)),
        notes=tuple(_notes(results, trial)),
    )


def _columns(trial: Trial) -> Iterator[Column]:
    several = len(trial.compared_arms) > 1
    both = (trial.reference_arm.label, "Compared arm" if several else trial.compared_arms[0].label)
    limits = f"{numbers.level(trial.primary_analysis.confidence)} CI"
    yield Column("Visit", "short")
    yield Column("n in model")
    yield Column("n observed", detail="; ".join(both))
    yield from (Column(label, detail=f"adjusted mean ({limits})") for label in both)
    yield Column("Difference", detail=f"({limits})")
    yield from (Column(name) for name in ("SE", "df", "p"))
    if _is_in_family(trial):
        yield Column("p, adjusted", detail="for its family")


def _is_in_family(trial: Trial) -> bool:
    return any(trial.primary_analysis.name in family.members for family in trial.families.values())


def _rows(results: pd.DataFrame, trial: Trial) -> Iterator[Row]:
    for visit in trial.follow_ups:
        for arm in trial.compared_arms:
            yield _row(results, trial, visit, arm)
    for arm in trial.compared_arms:
        if overall := first(
            results, analysis=trial.primary_analysis.name, statistic=OVERALL, contrast=contrast(arm, trial)
        ):
            yield row("Over all visits", _n(overall), "", "", "", *_effect(overall, trial))


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
        _observed(results, trial, visit, both),
        *(mean_cell(mean) for mean in means),
        *_effect(difference, trial),
        mark="primary" if primary else "",
    )


def _observed(results: pd.DataFrame, trial: Trial, visit: Visit, arms: tuple[Arm, Arm]) -> Cell:
    """Return in how many of each arm the outcome was observed at a visit."""
    where = {"outcome": trial.primary.outcome, "statistic": "count", "visit": visit.code}
    found = [first(results, analysis=OBSERVED, arm=arm.code, **where) for arm in arms]
    shown = [numbers.ABSENT if one is None else numbers.number(one.value, 0) for one in found]
    return Cell("; ".join(shown), sources(*(one.key for one in found if one is not None)))


def _effect(found: Estimate | None, trial: Trial) -> tuple[Cell, ...]:
    """Return an effect's cells, and what its family makes of p where the primary analysis is in one."""
    return (*estimate_cells(found), *([adjusted_cell(found)] if _is_in_family(trial) else []))


def adjusted_cell(found: Estimate | None) -> Cell:
    """Return the p-value adjusted for its family, and whether that rejects; a dash for what is in none.

    What has no p-value of its own counts in its family as one that is 1: a number there would be none's.
    """
    if found is None or not found.family:
        return Cell(numbers.ABSENT)
    if math.isnan(found.p_value):
        return Cell("counted as 1", found.key, detail=found.gate)
    return Cell(numbers.p_value(found.p_adjusted), found.key, detail=found.gate)


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
    yield (
        "n in model counts everybody whom the model used, at whichever visits they were observed; n observed counts "
        "those observed at that visit."
    )
    if _is_in_family(trial):
        yield from (family_sentence(f, trial) for f in trial.families.values() if analysis.name in f.members)
    answers = [(arm, comparison(results, trial, analysis, arm)) for arm in trial.compared_arms]
    found = next((e for _, e in answers if e is not None), None)
    if found is not None and found.method and _any_estimate(results, trial):
        yield f"Method: {found.method}. {_size(found)}".strip()
    if found is not None and found.status == "boundary":
        yield f"The fit lies on a boundary: {found.reason or 'no reason recorded'}."
    for arm, answer in answers:
        if answer is None or not answer.is_estimable:
            yield f"{arm.label}: not estimable ({why_not(results, analysis, answer)})."
    if not any(estimates(results, analysis=analysis.name)):
        yield "The results table holds no row of the primary analysis."


def _any_estimate(results: pd.DataFrame, trial: Trial) -> bool:
    """Return whether the model was fitted, so that any visit's difference, or one over all visits, stands there."""
    named = {"analysis": trial.primary_analysis.name}
    return any(
        e.is_estimable
        for effect in (DIFFERENCE, OVERALL)
        for e in estimates(results, **named, statistic=effect)
    )


def _size(found: Estimate) -> str:
    if found.n is None or found.n_observations is None:
        return ""
    return f"{found.n} participants, {found.n_observations} observations."
