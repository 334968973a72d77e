"""Records and queries, by form and by rule, and what is overdue. Not here: how they came about (trend)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.table import Cell, Column, Group, Row, Table, one_group, row
from analysis.reporting.validation.content import SEVERITIES, ValidationContent
from analysis.reporting.validation.words import counted, day, short_day
from data_contracts.query_life import UNRESOLVED

STEPS = ("new", "returned", "resolved")  # counted since the night before
STANDS = ("unresolved", "answered", "overdue")
OVERDUE = "overdue-table"


def queries_by_rule(content: ValidationContent) -> pd.DataFrame:
    """Return how the queries of each rule stand, and what befell them since the night before.

    Returns:
        (n, …) form, rule, severity, message, owner, unresolved, answered, overdue, new, returned, resolved.
    """
    lives, changes = content.history["lives"], content.history["changes"]
    steps = changes.pivot_table(index=["form", "rule"], columns="to_status", values="n", aggfunc="sum")
    whole = lives.assign(unresolved=lives[list(UNRESOLVED)].sum(axis=1)).drop(columns=list(STEPS))
    told = steps.reindex(columns=list(STEPS)).reset_index()
    joined = whole.merge(told, on=["form", "rule"], how="left")
    counts = [*STANDS, *STEPS]
    return joined.astype(dict.fromkeys(counts, "Int64")).fillna(dict.fromkeys(counts, 0))


def forms_table(content: ValidationContent, queries: pd.DataFrame) -> Table:
    """Return a row per form: its records, its open queries by severity, what befell them."""
    severities = tuple(Column(name.capitalize(), detail="open") for name in SEVERITIES)
    return Table(
        name="forms-table",
        caption="Records and queries by form",
        columns=(
            Column("Form", "text"), Column("Records in"), Column("Accepted"), Column("Set aside"), *severities,
            *_life_columns(content),
        ),
        groups=one_group(_form_rows(content, queries)),
        notes=(
            "Checked: in each form, records in = accepted + set aside.",
            "Open queries are all that are not resolved; answered ones are among them.",
            f"Overdue: without an answer for more than {content.trial.queries.overdue_after_days:g} days.",
        ),
    )  # fmt: skip


def rules_table(content: ValidationContent, queries: pd.DataFrame) -> Table:
    """Return a row per rule with a query that is open, or was resolved since the night before, by severity."""
    told = queries[(queries["unresolved"] > 0) | (queries["resolved"] > 0)]
    groups = tuple(_severity_group(told[told["severity"] == name], name, content) for name in SEVERITIES)
    return Table(
        name="rules-table",
        caption="Queries by rule",
        columns=(Column("Form", "text"), Column("What must hold, and what to do", "text"),
                 Column("Open"), *_life_columns(content)),
        groups=tuple(group for group in groups if group.rows),
        empty="No rule has an open query.",
    )  # fmt: skip


def overdue_table(content: ValidationContent, queries: pd.DataFrame) -> Table:
    """Return the queries that have waited too long, without what was found; the gravest 50."""
    late, n = content.history["overdue"], int(queries["overdue"].sum())
    command = f"srt queries {content.trial.name} --overdue"
    rest = f"{counted(n - len(late), 'more is', 'more are')} not shown. " if n > len(late) else ""
    return Table(
        name=OVERDUE,
        caption="Overdue queries",
        columns=(
            Column("Query", "code"), Column("Severity", "short"), Column("Form", "text", detail="field"),
            Column("Site", "short"), Column("Participant", "short", detail="visit"),
            Column("Asked", "short", detail="status"), Column("Owner", "text"),
        ),
        groups=one_group(_overdue_row(one, content) for one in late.itertuples(index=False)),
        notes=(f"{rest}The command {command} lists them all, with what was found.",),
        empty=f"No query has waited for more than {content.trial.queries.overdue_after_days:g} days.",
    )  # fmt: skip


def _life_columns(content: ValidationContent) -> tuple[Column, ...]:
    since = _since(content)
    return (
        Column("Answered"),
        Column("Overdue"),
        *(Column(step.capitalize(), detail=since) for step in STEPS),
    )


def _since(content: ValidationContent) -> str:
    nights = content.nights
    return f"since {short_day(nights['time'].iloc[-2], content.zone)}" if len(nights) > 1 else "tonight"


def _form_rows(content: ValidationContent, queries: pd.DataFrame) -> Iterator[Row]:
    records = ("rows_in", "accepted", "quarantined")
    counts = {str(one[0]): one[1:] for one in content.counts[["form", *records]].itertuples(index=False)}
    for form in content.trial.forms:
        own = queries[queries["form"] == form]
        shown = [_whole(n) for n in counts[form]] if form in counts else [numbers.ABSENT] * len(records)
        yield row(Cell(content.label(form), link=content.docs(form)), *shown, *_by_severity(own), *_life(own))
    everything = [_whole(content.counts[name].sum()) for name in records]
    yield row("All forms", *everything, *_by_severity(queries), *_life(queries), mark="primary")


def _by_severity(queries: pd.DataFrame) -> list[str]:
    return [_whole(queries.loc[queries["severity"] == name, "unresolved"].sum()) for name in SEVERITIES]


def _life(queries: pd.DataFrame) -> list[Cell]:
    return _life_cells({name: int(queries[name].sum()) for name in ("answered", "overdue", *STEPS)})


def _life_cells(counts: Mapping[str, int]) -> list[Cell]:
    return [_late(n) if name == "overdue" else Cell(_whole(n)) for name, n in counts.items()]


def _late(n: int) -> Cell:
    return Cell(_whole(n), link=f"#{OVERDUE}" if n else "")


def _severity_group(queries: pd.DataFrame, severity: str, content: ValidationContent) -> Group:
    n = int(queries["unresolved"].sum())
    label = f"{severity.capitalize()}: {counted(n, 'open query', 'open queries')}"
    messages = content.findings.set_index("rule")["message"]
    ordered = queries.sort_values(["unresolved", "form", "rule"], ascending=[False, True, True])
    return Group(tuple(_rule_row(one, content, messages) for one in ordered.itertuples(index=False)), label)


def _rule_row(one: Any, content: ValidationContent, messages: pd.Series) -> Row:
    heading = Cell(content.label(one.form), link=content.docs(one.form))
    said = str(messages.get(one.rule, one.message))  # a rule that left the plan has its queries' words
    counts = {name: int(getattr(one, name)) for name in ("answered", "overdue", *STEPS)}
    return row(heading, Cell(said, detail=one.rule), _whole(one.unresolved), *_life_cells(counts))


def _overdue_row(one: Any, content: ValidationContent) -> Row:
    tells = content.is_blinded and one.rule in content.telling
    participant, visit, site = ("", "", "") if tells else (one.participant, one.visit, one.site)
    return row(
        one.query_id,
        one.severity,
        Cell(content.label(one.form), detail=one.field),
        _site(site, content) or numbers.ABSENT,
        Cell(participant or numbers.ABSENT, detail=_visit(visit, content)),
        Cell(day(one.asked, content.zone), detail=one.status),
        one.owner,
    )


def _site(code: str, content: ValidationContent) -> str:
    return next((site.label for site in content.trial.sites if site.code == code), code)


def _visit(code: str, content: ValidationContent) -> str:
    return next((visit.label for visit in content.trial.visits if visit.code == code), code)


def _whole(n: Any) -> str:
    return numbers.number(int(n), 0)
