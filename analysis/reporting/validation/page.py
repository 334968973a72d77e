"""The validation page: content in, self-contained HTML out. Not here: what its parts show, writing it."""

from dataclasses import dataclass

import pandas as pd

from analysis.reporting.table import Table
from analysis.reporting.templates import environment, style
from analysis.reporting.validation.blocked import blocked_table
from analysis.reporting.validation.by_rule import forms_table, overdue_table, queries_by_rule, rules_table
from analysis.reporting.validation.content import ValidationContent
from analysis.reporting.validation.files import files_table, notes_table
from analysis.reporting.validation.sites import recruitment_table, retention_table
from analysis.reporting.validation.state import BLINDED, marks_of, state_of
from analysis.reporting.validation.trend import TITLE, nights_of, trend_figure, trend_in_words
from analysis.reporting.validation.unblinding import unblinding_table


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page, as the contents list names it."""

    name: str
    title: str
    tables: tuple[Table, ...]


def render_validation(content: ValidationContent) -> str:
    """Return a trial's validation page as one HTML page that asks the network for nothing.

    Args:
        content: The night and the nights before it; the same content gives the same bytes.
    """
    queries, nights = queries_by_rule(content), nights_of(content)
    return environment().get_template("validation.html.j2").render(
        trial=content.trial,
        state=state_of(content, queries),
        marks=marks_of(content),
        blinded=BLINDED if content.is_blinded else "",
        sections=_sections(content, queries),
        figure=trend_figure(nights, content.trial),
        figure_title=TITLE,
        trend=trend_in_words(nights),
        forms={form: content.label(form) for form in content.trial.forms if content.docs(form)},
        css=style("report.css", "validation.css"),
    )  # fmt: skip


def _sections(content: ValidationContent, queries: pd.DataFrame) -> tuple[Section, ...]:
    return (
        Section("blocked", "What is blocked, and why", (blocked_table(content),)),
        Section(
            "forms",
            "By form and rule",
            (forms_table(content, queries), rules_table(content, queries), overdue_table(content, queries)),
        ),
        Section("trend", "Trend over the nights", ()),
        Section("sites", "Sites", (retention_table(content), recruitment_table(content))),
        Section("unblinding", "Unblinding text", (unblinding_table(content),)),
        Section("files", "Files and readers' notes", (files_table(content), notes_table(content))),
    )
