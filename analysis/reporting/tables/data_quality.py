"""What arrived, what was set aside, which rules were broken: counts only. Not here: values (queries)."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row
from data_contracts.errors import ContractError, Problem
from data_contracts.spec import Trial

SEVERITIES = ("critical", "warning", "info")
Asked = dict[tuple[str, str], int]  # (form, severity) -> queries
EFFECTS = {
    "withhold": "withholds the trial's data",
    "quarantine": "sets the record aside",
    "query": "asks the site",
    "note": "is noted",
}


def forms_table(
    counts: pd.DataFrame, queries: pd.DataFrame, trial: Trial, left_aside: tuple[str, ...] = ()
) -> Table:
    """Return a row per form: rows in, accepted, quarantined, and its queries by severity.

    `left_aside` says which accepted records the analysis set does not use.

    Raises:
        ContractError: a form's rows are not the accepted and the quarantined ones together.
    """
    _check(counts)
    names = zip(queries["form"], queries["severity"], strict=True)
    asked = dict(zip(names, queries["n"].astype(int), strict=True))
    return Table(
        name="forms-table",
        caption="Records by form, and the queries they raised",
        columns=(
            Column("Form", "text"),
            *(Column(name) for name in ("Rows in", "Accepted", "Quarantined")),
            *(Column(f"{severity.capitalize()} queries") for severity in SEVERITIES),
        ),
        groups=one_group(_form_row(record, asked, trial) for record in counts.itertuples(index=False)),
        notes=("Checked: in each form, rows in = accepted + quarantined.", *left_aside),
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


def _form_row(record: Any, asked: Asked, trial: Trial) -> Row:
    seen = [numbers.number(n, 0) for n in (record.rows_in, record.accepted, record.quarantined)]
    asked_here = [numbers.number(asked.get((record.form, severity), 0), 0) for severity in SEVERITIES]
    return row(_label(record.form, trial), *seen, *asked_here)


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
        records = f"{int(found.n_failed)} of {int(found.n_checked)}" if found.n_failed else "the whole form"
        effect = EFFECTS.get(found.effect, found.effect)
        yield row(_label(found.form, trial), Cell(found.message, detail=found.rule), effect, records)


def _label(form: str, trial: Trial) -> str:
    return trial.forms[form].label if form in trial.forms else form
