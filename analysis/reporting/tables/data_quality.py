"""What arrived, what was set aside, which rules were broken: counts only. Not here: values (queries)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row, sources
from analysis.reporting.tables.provenance import NOT_SHOWN
from data_contracts.errors import ContractError, Problem
from data_contracts.spec import Trial

SEVERITIES = ("critical", "warning", "info")
STATES = ("open", "answered", "resolved")
RECORDS = {"rows_in": "Rows in", "accepted": "Accepted", "quarantined": "Quarantined"}
MEANT = (
    "Open: waits for an answer, also where it was found again after one.",
    "Answered: waits for the next delivery to bear it out.",
    "Counted over all nights so far.",
)
EFFECTS = {
    "withhold": "withholds the trial's data",
    "quarantine": "sets the record aside",
    "query": "asks the site",
    "note": "is noted",
}


def forms_table(counts: pd.DataFrame, trial: Trial, left_aside: tuple[str, ...] = ()) -> Table:
    """Return a row per form: rows in, accepted, quarantined.

    `left_aside` says which accepted records the analysis set does not use.

    Raises:
        ContractError: a form's rows are not the accepted and the quarantined ones together.
    """
    _check(counts)
    return Table(
        name="forms-table",
        caption="Records by form",
        columns=(Column("Form", "text"), *(Column(name) for name in RECORDS.values())),
        groups=one_group(_form_row(record, trial) for record in counts.itertuples(index=False)),
        notes=("Checked: in each form, rows in = accepted + quarantined.", *left_aside),
        empty="No form was read.",
    )


def _check(counts: pd.DataFrame) -> None:
    wrong = counts[counts["rows_in"] != counts["accepted"] + counts["quarantined"]]
    problems = [
        Problem(
            f"form {c.form}", f"{c.accepted} accepted + {c.quarantined} quarantined", f"{c.rows_in} rows in"
        )
        for c in wrong.itertuples(index=False)
    ]
    if problems:
        raise ContractError(
            "Records were lost between the files and the verdict; no report was made.", problems
        )


def _form_row(record: Any, trial: Trial) -> Row:
    cells = (_count(getattr(record, name), f"records/{record.form}/{name}") for name in RECORDS)
    return row(_label(record.form, trial), *cells)


def queries_table(queries: pd.DataFrame, trial: Trial) -> Table:
    """Return a row per form and severity: queries open, answered and resolved, and how long the oldest has waited.

    Args:
        queries: form, severity, state, n, oldest_days: a row per state.
        trial: The trial.
    """
    found = {(str(q.form), str(q.severity), str(q.state)): q for q in queries.itertuples(index=False)}
    forms = dict.fromkeys([*trial.forms, *(form for form, _, _ in found)])
    asked = [(f, s) for f in forms for s in SEVERITIES if any((f, s, state) in found for state in STATES)]
    return Table(
        name="queries-table",
        caption="Queries to the sites, by form and severity",
        columns=(
            Column("Form", "text"),
            Column("Severity", "short"),
            *(Column(state.capitalize()) for state in STATES),
            Column("Oldest open", detail="days"),
        ),
        groups=one_group(_query_row(found, form, severity, trial) for form, severity in asked),
        notes=MEANT if asked else (),
        empty="No query was ever raised.",
    )


def _query_row(found: Mapping[tuple[str, str, str], Any], form: str, severity: str, trial: Trial) -> Row:
    own = {state: found.get((form, severity, state)) for state in STATES}
    key = f"queries/{form}/{severity}"
    counts = [_count(0 if one is None else one.n, f"{key}/{state}") for state, one in own.items()]
    waits = own["open"].oldest_days if own["open"] is not None and own["open"].n else float("nan")
    oldest = Cell(numbers.number(float(waits), 0), "" if pd.isna(waits) else f"{key}/oldest")
    return row(_label(form, trial), severity, *counts, oldest)


def _count(n: Any, source: str) -> Cell:
    return Cell(numbers.number(float(n), 0), source)


def rules_table(findings: pd.DataFrame, trial: Trial) -> Table:
    """Return the broken rules, grouped by severity with how many rules of each were checked."""
    broken = findings[~findings["passed"].astype(bool)]
    n_broken = len(broken)
    all_kept = f"All {len(findings)} rules were kept."
    return Table(
        name="rules-table",
        caption="Rules that were broken",
        columns=(
            Column("Form", "text"),
            Column("What is wrong", "text"),
            Column("Effect", "text"),
            Column("Records", detail="of checked"),
        ),
        groups=tuple(_severity_group(findings, severity, trial) for severity in SEVERITIES)
        if n_broken
        else (),
        notes=(f"{len(findings)} rules were checked, {n_broken} were broken.",) if n_broken else (),
        empty=all_kept if len(findings) else "No rule was recorded as checked.",
    )


def _severity_group(findings: pd.DataFrame, severity: str, trial: Trial) -> Group:
    of_severity = findings[findings["severity"] == severity]
    broken = of_severity[~of_severity["passed"].astype(bool)]
    label = f"{severity.capitalize()}: {len(broken)} of {len(of_severity)} rules broken"
    return Group(tuple(_rule_rows(broken, trial)), label)


def _rule_rows(broken: pd.DataFrame, trial: Trial) -> Iterator[Row]:
    found: Any
    for found in broken.itertuples(index=False):
        effect = EFFECTS.get(found.effect, found.effect)
        what = Cell(found.message, detail=found.rule)
        yield row(_label(found.form, trial), what, effect, _broken(found))


def _broken(found: Any) -> Cell:
    """Return how many records break a rule, of how many checked, as far as either may be told."""
    if found.n_failed == 0:
        return Cell("the whole form")
    told = {
        name: getattr(found, name) for name in ("n_failed", "n_checked") if pd.notna(getattr(found, name))
    }
    if "n_failed" not in told:
        return Cell(NOT_SHOWN)
    return Cell(
        " of ".join(str(int(n)) for n in told.values()),
        sources(*(f"findings/{found.rule}/{name}" for name in told)),
    )


def _label(form: str, trial: Trial) -> str:
    return trial.forms[form].label if form in trial.forms else form
