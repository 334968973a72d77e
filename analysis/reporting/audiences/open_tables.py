"""Tables of the open report: a column for both arms together. Not here: which rows it has (open), sections."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import BASELINE, OBSERVED, variable_and_level
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.estimators.harms import ANY, HARMS, OF_KIND
from analysis.estimators.missing_data import MISSING, PATTERNS, SEEN, UNSEEN
from analysis.estimators.populations import POPULATIONS
from analysis.estimators.recruitment import RECRUITMENT
from analysis.reporting import cells, numbers
from analysis.reporting.audiences.hidden import HIDDEN
from analysis.reporting.estimates import Estimate, estimates, first, visit_label
from analysis.reporting.methods.words import inside, opening
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row, sources
from data_contracts.spec import Trial

STAGES = {
    "randomised": "Randomised",
    "excluded": "Excluded after randomisation",
    "observed": "Primary outcome observed",
    "lost": "Primary outcome not observed",
    "not analysed": "Not in the primary analysis",
    "analysed": "In the primary analysis",
}
OF_SITES = (
    "Those excluded after randomisation count as not observed and not analysed; stages at which few are missing at a "
    "site are left out."
)
FORMS = "Forms that tell an arm, such as those of therapy, are left out."
NOBODY = "The results table holds no such counts."


def flow_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per stage of the participant flow, those who left with their reasons."""
    rows = [_flow_row(e, trial) for e in estimates(results, analysis=DISPOSITION)]
    columns = (
        Column("Stage", "text"),
        Column("Visit", "short"),
        Column("Reason", "text"),
        Column("Participants"),
    )
    return Table("open-flow", "Participant flow, both arms together", columns, one_group(rows), empty=NOBODY)


def _flow_row(found: Estimate, trial: Trial) -> Row:
    where, stage = visit_label(found.visit, trial) if found.visit else "", STAGES[found.outcome]
    reason = opening(found.at)
    return row(stage, where, "" if reason == stage else reason, count_cell(found))


def sites_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per site: its target, and how many were randomised, observed at each visit, and analysed."""
    rows = list(estimates(results, analysis=BY_SITE))
    stages = list(dict.fromkeys((e.outcome, e.visit) for e in rows))
    columns = [
        Column(STAGES[stage], detail=visit_label(visit, trial) if visit else "") for stage, visit in stages
    ]
    labels = {site.code: site for site in trial.sites}
    lines = []
    for code in dict.fromkeys(e.at for e in rows):
        own = {(e.outcome, e.visit): e for e in rows if e.at == code}
        target = labels[code].target if code in labels else None
        label = labels[code].label if code in labels else opening(code)
        cells = [count_cell(own.get(stage)) for stage in stages]
        lines.append(row(label, numbers.ABSENT if target is None else str(target), *cells))
    head = (Column("Site", "text"), Column("Target"), *columns)
    return Table("open-sites", "Participant flow by site", head, one_group(lines), (OF_SITES,), NOBODY)


def recruitment_table(results: pd.DataFrame) -> Table:
    """Return a row per month in which some were randomised, and how many there were by then."""
    lines, by_then = [], 0.0
    keys = ""
    for found in estimates(results, analysis=RECRUITMENT):
        by_then, keys = by_then + found.value, sources(keys, found.key)
        lines.append(row(found.at, count_cell(found), Cell(numbers.number(by_then, 0), keys)))
    columns = (Column("Month", "short"), Column("Randomised"), Column("By then"))
    notes = ("A month with few is counted with the next one.",)
    return Table("open-recruitment", "Recruitment by month", columns, one_group(lines), notes, NOBODY)


def target_sentence(results: pd.DataFrame, trial: Trial) -> str:
    """Return how many of the planned number have been randomised; "" where no target is declared."""
    targets, found = (
        [site.target for site in trial.sites],
        first(results, analysis=DISPOSITION, outcome="randomised"),
    )
    if found is None or not targets or any(target is None for target in targets):
        return ""
    planned = sum(target or 0 for target in targets)
    return f"{number_text(found)} of {planned} planned participants were randomised."


def baseline_table(results: pd.DataFrame, trial: Trial, labels: dict[str, str]) -> Table:
    """Return a block of rows per characteristic: how many, mean (SD) and median (IQR), or n (%) per level."""
    found = {(e.outcome, e.statistic): e for e in estimates(results, analysis=BASELINE)}
    variables = dict.fromkeys(variable_and_level(outcome)[0] for outcome, _ in found)
    lines = [line for v in variables for line in _block(found, v, labels.get(v, v))]
    columns = (Column("Characteristic", "text"), Column("All"))
    label = inside(trial.populations[trial.primary.population].label)
    return Table(
        "open-baseline", f"Baseline characteristics: {label}", columns, one_group(lines), empty=NOBODY
    )


def _block(found: dict[tuple[str, str], Estimate], variable: str, label: str) -> Iterator[Row]:
    names = dict.fromkeys(outcome for outcome, _ in found)
    levels = [n for n in names if n != variable and variable_and_level(n)[0] == variable]
    yield row(label, "")
    for level in levels:
        shown = _with_percent(found.get((level, "count")), found.get((level, "percent")))
        yield row(variable_and_level(level)[1], shown, mark="indented")
    if not levels:
        yield from _summary({s: e for (outcome, s), e in found.items() if outcome == variable})
    missing = found.get((variable, "missing"))
    if missing is not None and (missing.status == HIDDEN or missing.value > 0):
        yield row("Missing", count_cell(missing), mark="quiet")


def _summary(found: dict[str, Estimate]) -> Iterator[Row]:
    yield row("Observed", count_cell(found.get("count")), mark="indented")
    yield row("Mean (SD)", mean_cell(found), mark="indented")
    yield row("Median (IQR)", median_cell(found), mark="indented")


def outcomes_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per outcome and visit: how many were observed and are missing, mean, SD, median and quartiles."""
    missing = {(e.outcome, e.visit): e for e in estimates(results, analysis=MISSING)}
    places: dict[tuple[str, str], dict[str, Estimate]] = {}
    for e in estimates(results, analysis=OBSERVED):
        places.setdefault((e.outcome, e.visit), {})[e.statistic] = e
    lines = [
        row(
            trial.outcomes[outcome].label, visit_label(visit, trial), count_cell(own.get("count")),
            _with_percent(own.get("missing"), missing.get((outcome, visit))), mean_cell(own), median_cell(own),
        )
        for (outcome, visit), own in places.items()
    ]  # fmt: skip
    labels = ("Observed", "Missing", "Mean (SD)", "Median (IQR)")
    columns = (Column("Outcome", "text"), Column("Visit", "short"), *(Column(label) for label in labels))
    return Table(
        "open-outcomes", "Outcomes as observed, both arms together", columns, one_group(lines), empty=NOBODY
    )


def patterns_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per pattern of seen and missing visits, or per class of patterns where some are rare."""
    shares = {e.at: e for e in estimates(results, analysis=PATTERNS, statistic="percent")}
    found = list(estimates(results, analysis=PATTERNS, statistic="count"))
    lines = [row(opening(e.at) if " " in e.at else e.at, _with_percent(e, shares.get(e.at))) for e in found]
    label = trial.outcomes[trial.primary.outcome].label
    visits = ", ".join(visit.label for visit in trial.visits)
    raw = any(set(e.at) <= {SEEN, UNSEEN} for e in found)
    notes = (f"{SEEN} seen, {UNSEEN} missing, at: {visits}.",) if raw else ()
    columns = (Column("Visits", "text"), Column("Participants"))
    return Table(
        "open-patterns", f"{label}: patterns of missing visits", columns, one_group(lines), notes, NOBODY
    )


def populations_table(results: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per population that does not depend on therapy: how many are in it, and out of it by reason."""
    lines = [
        row(trial.populations[e.outcome].label, f"Out: {e.at}" if e.at else "In", count_cell(e))
        for e in estimates(results, analysis=POPULATIONS)
    ]
    columns = (Column("Population", "text"), Column("Why", "text"), Column("Participants"))
    return Table("open-populations", "Analysis populations", columns, one_group(lines), empty=NOBODY)


def harms_table(results: pd.DataFrame) -> Table:
    """Return a row per kind of adverse event: people and events."""
    found = {(e.outcome, e.statistic): e for e in estimates(results, analysis=HARMS)}
    lines = [
        row(
            "Any event" if kind == ANY else opening(kind.removeprefix(OF_KIND)),
            _with_percent(found.get((kind, "count")), found.get((kind, "percent"))),
            count_cell(found.get((kind, "total"))),
        )
        for kind in dict.fromkeys(kind for kind, _ in found)
    ]
    columns = (Column("Adverse events", "text"), Column("People"), Column("Events"))
    return Table("open-harms", "Adverse events, both arms together", columns, one_group(lines), empty=NOBODY)


def records_table(counts: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per form that tells no arm: how many records came, were accepted, and were set aside."""
    lines = [
        row(
            trial.forms[str(form)].label,
            *(
                Cell(n) if isinstance(n, str) else Cell(numbers.number(n, 0), f"records/{form}/{name}")
                for name, n in own.items()
            ),
        )
        for form, own in counts.set_index("form").iterrows()
    ]
    columns = (Column("Form", "text"), *(Column(name) for name in ("Rows in", "Accepted", "Quarantined")))
    notes = (FORMS,)
    return Table(
        "open-records", "Records by form", columns, one_group(lines), notes, "No form may be shown here."
    )


def number_text(found: Estimate) -> str:
    """Return a count, or what stands in its place where it is hidden."""
    return found.reason if found.status == HIDDEN else numbers.number(found.value, 0)


def count_cell(found: Estimate | None) -> Cell:
    """Return a count, or what stands in its place."""
    return Cell(numbers.ABSENT) if found is None else Cell(number_text(found), found.key)


def _with_percent(count: Estimate | None, percent: Estimate | None) -> Cell:
    if count is None or count.status == HIDDEN or percent is None:
        return count_cell(count)
    return Cell(numbers.count_of(count.value, percent.value), sources(count.key, percent.key))


def mean_cell(found: dict[str, Estimate]) -> Cell:
    """Return "12.3 (4.5)"; a dash where there are too few, or where it would tell a hidden count."""
    return cells.mean_cell(found.get("observed mean"), found.get("observed sd"))


def median_cell(found: dict[str, Estimate]) -> Cell:
    """Return "12.0 (8.0 to 15.5)"; a dash where there are too few, or where it would tell a hidden count."""
    names = ("median", "lower quartile", "upper quartile", "observed sd")
    return cells.median_cell(*(found.get(name) for name in names))
