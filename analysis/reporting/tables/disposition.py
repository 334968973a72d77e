"""Participant disposition: a row per stage and reason by arm, and a row per site. Not here: the diagram (consort)."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.reporting.cells import count_cell
from analysis.reporting.consort import site_label, way_label
from analysis.reporting.estimates import Estimate, estimates, visit_label
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from data_contracts.spec import Trial

Place = tuple[str, str, str]  # stage, visit, reason
STAGES = {
    "randomised": "Randomised",
    "excluded": "Excluded after randomisation",
    "received therapy": "Received therapy",
    "no therapy": "Had no therapy",
    "observed": "Observed",
    "lost": "Not observed",
    "not analysed": "Not analysed",
    "analysed": "In the primary analysis",
}
LEFT = {"excluded", "no therapy", "lost", "not analysed"}
OBVIOUS = {"excluded after randomisation", "at least one session", "primary outcome not observed"}  # reasons


def disposition_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return what became of everybody randomised: a row per stage, visit and reason, a column per arm and of all."""
    found = {(e.outcome, e.visit, e.at, e.arm): e for e in estimates(results, analysis=DISPOSITION)}
    codes = trial.arms_and_all
    places = sorted({place[:3] for place in found}, key=lambda place: _order(place, trial))
    return Table(
        name="disposition-table",
        caption="What became of everybody randomised",
        columns=(Column("Stage", "text"), *(Column(way_label(code, trial)) for code in codes)),
        groups=one_group(_row(place, [found.get((*place, c)) for c in codes], trial) for place in places),
        notes=("Observed means that the primary outcome was recorded.",) if found else (),
        empty="The results table holds no participant flow.",
    )


def _order(place: Place, trial: Trial) -> tuple[int, ...]:
    """Return where a row stands: stages in order, those of a visit together."""
    stage, visit, _ = place
    visits = [v.code for v in trial.visits]
    stages = list(STAGES)
    group = "observed" if visit else stage
    return stages.index(group), visits.index(visit) if visit in visits else -1, stages.index(stage)


def _row(place: Place, cells: list[Estimate | None], trial: Trial) -> Row:
    stage, visit, reason = place
    label = f"{STAGES[stage]}, {visit_label(visit, trial)}" if visit else STAGES[stage]
    heading = Cell(label, detail="" if reason in OBVIOUS else reason)
    return Row((heading, *(count_cell(one) for one in cells)), "indented" if stage in LEFT else "")


def disposition_by_site_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return what became of those randomised at each site, arms pooled: a row per site, a column per stage."""
    found = {(e.outcome, e.visit, e.at): e for e in estimates(results, analysis=BY_SITE)}
    whole = {(e.outcome, e.visit, ""): e for e in estimates(results, analysis=DISPOSITION, arm="")}
    stages = [
        ("randomised", ""),
        ("excluded", ""),
        *(("observed", v.code) for v in trial.visits),
        ("analysed", ""),
    ]
    kept = [stage for stage in stages if any(place[:2] == stage for place in found)]
    return Table(
        name="disposition-by-site-table",
        caption="What became of everybody randomised, by site, arms pooled",
        columns=(Column("Site", "text"), *(_column(*stage, trial) for stage in kept)),
        groups=one_group(_site_rows(found, whole, kept, trial)) if found else (),
        empty="The trial declares no sites.",
    )


def _column(stage: str, visit: str, trial: Trial) -> Column:
    return Column(STAGES[stage], detail=visit_label(visit, trial) if visit else "")


def _site_rows(
    found: dict[Place, Estimate], whole: dict[Place, Estimate], stages: list[tuple[str, str]], trial: Trial
) -> Iterator[Row]:
    for site in dict.fromkeys(at for _, _, at in found):
        yield row(site_label(site, trial), *(count_cell(found.get((*stage, site))) for stage in stages))
    yield row("All", *(count_cell(whole.get((*stage, ""))) for stage in stages), mark="primary")
