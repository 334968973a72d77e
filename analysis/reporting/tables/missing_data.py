"""What is missing: each outcome by visit, and the patterns of the primary outcome, by arm. Not here: imputing it."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import OBSERVED, continuous_outcomes
from analysis.estimators.missing_data import MISSING, PATTERNS, SEEN
from analysis.reporting import numbers
from analysis.reporting.cells import absent, share_cell
from analysis.reporting.consort import way_label
from analysis.reporting.estimates import Estimate, estimates
from analysis.reporting.methods.words import inside
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row, sources
from data_contracts.spec import Trial

Found = dict[tuple[str, str, str, str], Estimate]  # (outcome, visit or pattern, arm, statistic) -> row


def missing_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a group per continuous outcome and a row per visit: observed and missing, by arm and of all."""
    rows = [*estimates(results, analysis=OBSERVED), *estimates(results, analysis=MISSING)]
    found = {(e.outcome, e.visit, e.arm, e.statistic): e for e in rows}
    shown = [o for o in continuous_outcomes(trial) if any(place[0] == o.name for place in found)]
    return Table(
        name="missing-table",
        caption=f"Missing data by visit: {_population(trial)}",
        columns=(
            Column("Visit", "text"),
            *(Column(way_label(c, trial), detail="missing, n (%)") for c in trial.arms_and_all),
        ),
        groups=tuple(Group(tuple(_visits(found, o.name, trial)), o.label) for o in shown),
        empty="The results table holds nothing on missing data.",
    )


def patterns_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per pattern of seen and missing visits of the primary outcome, the commonest first."""
    found = {(e.outcome, e.at, e.arm, e.statistic): e for e in estimates(results, analysis=PATTERNS)}
    outcome = trial.outcomes[trial.primary.outcome]
    return Table(
        name="patterns-table",
        caption=f"Patterns of missing data: {inside(outcome.label)}, {_population(trial)}",
        columns=(
            Column("Seen at", "text"),
            *(Column(way_label(c, trial), detail="n (%)") for c in trial.arms_and_all),
        ),
        groups=one_group(_patterns(found, trial)) if found else (),
        empty="The results table holds no patterns of missing data.",
    )


def _population(trial: Trial) -> str:
    return inside(trial.populations[trial.primary.population].label)


def _visits(found: Found, outcome: str, trial: Trial) -> Iterator[Row]:
    for visit in trial.visits:
        yield row(visit.label, *(_missing(found, outcome, visit.code, code) for code in trial.arms_and_all))


def _missing(found: Found, outcome: str, visit: str, arm: str) -> Cell:
    parts = [found.get((outcome, visit, arm, name)) for name in ("missing", "percent", "count")]
    missing, percent, observed = parts
    if missing is None or percent is None or observed is None:
        return absent()
    return Cell(
        numbers.count_of(missing.value, percent.value),
        sources(missing.key, percent.key, observed.key),
        detail=f"{numbers.number(observed.value, 0)} observed",
    )


def _patterns(found: Found, trial: Trial) -> Iterator[Row]:
    for outcome, pattern in dict.fromkeys(place[:2] for place in found):
        seen = [visit.label for visit, sign in zip(trial.visits, pattern, strict=False) if sign == SEEN]
        label = "every visit" if len(seen) == len(trial.visits) else ", ".join(seen) or "no visit"
        yield row(
            Cell(label, detail=pattern),
            *(_share(found, outcome, pattern, code) for code in trial.arms_and_all),
        )


def _share(found: Found, outcome: str, pattern: str, arm: str) -> Cell:
    count, percent = (found.get((outcome, pattern, arm, name)) for name in ("count", "percent"))
    return share_cell(count, percent)
