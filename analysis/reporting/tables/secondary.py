"""The secondary outcomes at their estimand's visit. Not here: the primary outcome."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import (
    MEAN,
    OVERALL,
    USABLE,
    Estimate,
    comparison,
    contrast,
    estimates,
    first,
    visit_label,
)
from analysis.reporting.methods.words import better
from analysis.reporting.table import Cell, Column, Group, Row, Table, row
from analysis.reporting.tables.primary import adjusted_cell, estimate_cells, mean_cell
from analysis.reporting.tables.remarks import remarks
from analysis.reporting.tables.secondary_observed import Observed, observed_rows
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Arm, Trial

EFFECTS = {  # estimator -> what its effect is, and how a ratio is to be read
    "cace": "Effect in compliers",
    "responder": "Risk difference",
    "ordinal": "Common odds ratio; above 1: higher levels are likelier",
    "counts": "Rate ratio; above 1: more often",
    "time_to_event": "Hazard ratio; above 1: sooner",
}
BESIDE = {  # estimator -> the other measures of the same effect, and what they are called
    "responder": {
        "risk ratio": "Risk ratio",
        "odds ratio": "Odds ratio, standardised over the covariates",
        "conditional odds ratio": "Odds ratio, conditional on the covariates",
    },
    "ordinal": {"odds ratio": "Odds ratio, conditional on the covariates"},
    "time_to_event": {
        "log-rank": "Log-rank test",
        "restricted mean difference": "Difference of mean times",
    },
}
ELSEWHERE = ("moderator", "tipping_point")  # estimators whose answer is no effect on an outcome: own tables
MEANS = {  # statistic of an effect -> the statistic of each arm that it compares
    "risk difference": "proportion",
    "restricted mean difference": "restricted mean",
}
LOG_RANK, ALL_VISITS = "log-rank", "all visits"
OBSERVED_NOTE = (
    "What was observed is of those analysed who were seen then (n, or N), neither adjusted nor imputed. Beside an "
    "effect stand the adjusted means or shares that it compares, each with its interval."
)
READ = {  # estimator -> how its rows are to be read
    "ordinal": "The odds ratio at each cut between levels is to judge proportional odds by: where they differ much, "
    "one common ratio says too little.",
    "time_to_event": "The log-rank test compares the arms' curves without covariates; the hazard ratio is adjusted.",
}
METHODS = {
    "none": "not adjusted, tested",
    "holm": "Holm's method",
    "hochberg": "Hochberg's method",
    "fixed sequence": "tested in the plan's order, each only once those before are rejected,",
    "gatekeeping": "tested gate by gate, each by Holm's method and only once the one before is rejected,",
}


def secondary_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a group per secondary analysis (and per compared arm): what was observed by arm, then the effect."""
    confidence = numbers.level(trial.primary_analysis.confidence)
    compared = "Compared arm" if len(trial.compared_arms) > 1 else trial.compared_arms[0].label
    analyses = [a for a in trial.analyses.values() if a.role == "secondary" and a.estimator not in ELSEWHERE]
    return Table(
        name="secondary-table",
        caption=f"Secondary outcomes by arm, and the effect against {trial.reference_arm.label}",
        columns=(
            Column("Outcome", "text"),
            Column(trial.reference_arm.label),
            Column(compared),
            Column("Effect", detail=f"({confidence} CI)"),
            Column("SE", detail="df"),
            Column("p"),
            Column("p, adjusted", "text", detail="for its family"),
        ),
        groups=tuple(_groups(results, trial, analyses)),
        notes=(*_notes(trial), *remarks(results, trial, analyses)) if analyses else (),
        empty="The plan declares no secondary outcome.",
    )


def _groups(results: pd.DataFrame, trial: Trial, analyses: list[Analysis]) -> Iterator[Group]:
    """Yield each analysis' group; of one outcome analysed twice the analyses' labels tell which is which."""
    made = [(a, _group(results, trial, a, arm)) for a in analyses for arm in trial.compared_arms]
    named = Counter(group.label for _, group in made)
    for analysis, group in made:
        several = named[group.label] > 1
        yield replace(group, label=f"{group.label}; {analysis.label}") if several else group


def _group(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Group:
    estimand = trial.estimands[analysis.estimand]
    outcome = trial.outcomes[estimand.outcome]
    found = comparison(results, trial, analysis, arm)
    visit = visit_label(estimand.visit, trial)
    of_arm = f", {arm.label}" if len(trial.compared_arms) > 1 else ""
    when = _when(found, outcome, visit)
    observed = Observed.of(results, analysis, estimand.visit)
    seen_at = visit if when == ALL_VISITS else ""
    rows = observed_rows(observed, outcome, (trial.reference_arm, arm), seen_at)
    effects = _effects(results, trial, analysis, arm)
    return Group((*rows, *effects), f"{outcome.label}{of_arm}: {when}; {_better(outcome)}")


def _effects(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Row]:
    found, versus = comparison(results, trial, analysis, arm), contrast(arm, trial)
    label = Cell(_effect_name(found, analysis), found.key if found else "", detail=_n(found))
    means = _means(results, trial, analysis, arm, found)
    if found is not None and found.statistic == OVERALL:
        visit = visit_label(trial.estimands[analysis.estimand].visit, trial)
        yield row(f"Adjusted mean, {visit}", *means)
        means = (Cell(""), Cell(""))
    yield row(label, *means, *_effect_cells(found), adjusted_cell(found))
    for statistic, name in BESIDE.get(analysis.estimator, {}).items():
        for beside in estimates(results, analysis=analysis.name, statistic=statistic, contrast=versus):
            flag = "" if found is not None and beside.reason == found.reason else beside.reason
            yield _beside(beside, name, flag, _means(results, trial, analysis, arm, beside))


def _effect_name(found: Estimate | None, analysis: Analysis) -> str:
    """Return what an effect is; of an analysis that was refused as a whole, what it was to be."""
    over_all = found is not None and found.statistic == OVERALL
    plain = "Difference of adjusted means" + (f", {ALL_VISITS}" if over_all else "")
    return EFFECTS.get(analysis.estimator, plain)


def _beside(found: Estimate, name: str, flag: str, means: tuple[Cell, Cell]) -> Row:
    """Return another measure of the same effect, and what is to be known of it alone."""
    said = (found.unit, flag if found.status in USABLE else "")
    label = Cell(", ".join(filter(None, (name, found.at))), found.key, detail="; ".join(filter(None, said)))
    return row(label, *means, *_effect_cells(found), numbers.ABSENT, mark="indented")


def _means(
    results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm, found: Estimate | None
) -> tuple[Cell, Cell]:
    """Return both arms' adjusted means or shares that an effect is the difference of; of a ratio nothing."""
    visit = trial.estimands[analysis.estimand].visit
    if found is not None and found.statistic in MEANS:
        where = {"statistic": MEANS[found.statistic], "visit": found.visit}
    elif analysis.estimator in EFFECTS:
        return Cell(""), Cell("")
    else:
        where = {"statistic": MEAN, "visit": visit}
    reference, own = (
        mean_cell(first(results, analysis=analysis.name, arm=a.code, **where))
        for a in (trial.reference_arm, arm)
    )
    return reference, own


def _n(found: Estimate | None) -> str:
    return "" if found is None or found.n is None else f"n = {found.n}"


def _better(outcome: Outcome) -> str:
    """Return the unit, and what is better of the outcome itself, which of a ratio may be the opposite."""
    unit = f"{outcome.unit}; " if outcome.unit and outcome.kind != "time to event" else ""
    return f"{unit}{better(outcome)}"


def _effect_cells(found: Estimate | None) -> tuple[Cell, ...]:
    """Return an effect as elsewhere, its degrees of freedom under the standard error: the table is wide enough."""
    if found is not None and found.statistic == LOG_RANK and found.status in USABLE:
        return _log_rank(found)
    cells = estimate_cells(found)
    if len(cells) == 1:
        return (replace(cells[0], span=3),)
    effect, se, df, p = cells
    return effect, replace(se, detail=df.text), p


def _log_rank(found: Estimate) -> tuple[Cell, ...]:
    detail = f"chi-square, {numbers.degrees_of_freedom(found.df)} df"
    shown = Cell(numbers.number(found.value, 2), found.key, detail=detail)
    return shown, Cell(""), Cell(numbers.p_value(found.p_value), found.key)


def _when(found: Estimate | None, outcome: Outcome, visit: str) -> str:
    if outcome.event:
        return f"day {outcome.until_days}" if outcome.until_days else "all follow-up"
    return ALL_VISITS if found is not None and not found.visit else visit


def _notes(trial: Trial) -> Iterator[str]:
    """Yield how rows and p-values are to be read: by kind of outcome, then by the plan's families."""
    used = {a.estimator for a in trial.analyses.values() if a.role == "secondary"}
    yield OBSERVED_NOTE
    yield from (said for estimator, said in READ.items() if estimator in used)
    yield from _families(trial)


def _families(trial: Trial) -> Iterator[str]:
    secondary = {a.name for a in trial.analyses.values() if a.role == "secondary"}
    families = [f for f in trial.families.values() if secondary & set(f.members)]
    for family in families:
        clause = f" ({family.clause})" if family.clause else ""
        yield f"{family.label}: {METHODS[family.method]} at {100 * family.alpha:g}%{clause}."
    if secondary - {name for family in families for name in family.members}:
        yield "P-values of outcomes in no family are not adjusted for their number; read them as exploratory."
