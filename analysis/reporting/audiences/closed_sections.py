"""The sections of a closed report that others have not, or have otherwise. Not here: what it is made of (closed)."""

from collections.abc import Iterator
from dataclasses import replace

from analysis.reporting.audiences.coded import DIGITS, left_out
from analysis.reporting.content import ReportContent
from analysis.reporting.deviations import departures
from analysis.reporting.figures.residuals import residuals_figure, residuals_note
from analysis.reporting.headline import headlines
from analysis.reporting.report import Block, Paragraph
from analysis.reporting.table import Row
from analysis.reporting.tables.data_quality import forms_table, rules_table
from analysis.reporting.tables.deviations import deviations_table
from analysis.reporting.tables.model_checks import model_checks_table
from analysis.reporting.tables.provenance import facts_table, packages_table

NEVER_BOTH = (
    "Whoever reads this report must not see the final report on the shuffled allocation, nor its files, and the other "
    "way round. Shuffling keeps the size of each arm, and this report gives the sizes by letter: side by side the two "
    "tell which letter is which arm."
)
LETTERS = (
    "Arms are called by letters that the trial's secret key gives. With two arms differences are always A less B, "
    "whichever of them the plan takes from the other. Numbers have six significant digits: more would tell which "
    "effects were turned round."
)
LEFT_OUT = (
    "Left out, since they would tell which arm is the therapy: the delivery of the therapy, populations judged on it, "
    "and queries to the sites. Forms left out: {forms}. Analyses left out: {analyses}."
)
SECOND = (
    "How far each estimate is from the same computed a second way is left out too; where the two disagree, the "
    "deviations say so."
)
DISTANCES = ("Agreement", "Second route", "From the primary")  # columns of the model checks
NO_SOURCES = (
    "The files the data came from are not listed here: those on therapy and allocation tell the arms."
)
DECLARED = "Deviations declared in the trial file are not shown here: their words may tell an arm."
NO_DEPARTURE = "The program found no deviation."
RULES = "Rules of forms that are not shown, and rules that tell somebody's arm, are not counted here."


def said(content: ReportContent) -> str:
    """Return what the closed report leaves out, and why."""
    analyses = "; ".join(left_out(content.provenance["planned"])) or "none"
    return LEFT_OUT.format(forms=_forms_left_out(content) or "none", analyses=analyses)


def _forms_left_out(content: ReportContent) -> str:
    shown = set(content.counts["form"])
    return "; ".join(form.label for name, form in content.trial.forms.items() if name not in shown)


def about(content: ReportContent) -> Iterator[Paragraph]:
    """Yield who must not read it, the primary result, and what the closed report leaves out.

    The result stands here as a sentence: over the report it would be called better or worse "than the reference".
    """
    yield Paragraph(NEVER_BOTH, "warning")
    for said_of_it in headlines(content.results, content.trial):
        yield Paragraph(f"{said_of_it.sentence} {said_of_it.detail}".strip())
    for text in (LETTERS, said(content), SECOND):
        yield Paragraph(text, "notes")


def model_checks(content: ReportContent) -> Iterator[Block]:
    """Yield how the models fitted, and what the primary one leaves over, without distances from other computations."""
    table = model_checks_table(content.results, content.trial, DIGITS)
    kept = [at for at, column in enumerate(table.columns) if column.label not in DISTANCES]
    yield replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        groups=tuple(
            replace(group, rows=tuple(_only(row, kept) for row in group.rows)) for group in table.groups
        ),
        notes=tuple(note for note in table.notes if not note.startswith(DISTANCES)),
    )
    yield from residuals_figure(content.results, content.trial)
    yield from residuals_note(content.results)


def _only(line: Row, kept: list[int]) -> Row:
    return replace(line, cells=tuple(line.cells[at] for at in kept))


def departed(content: ReportContent) -> Iterator[Block]:
    """Yield what was done otherwise than planned, as far as the program finds it: people's words may name an arm."""
    found = (*departures(content), *content.provenance["apart"])
    yield replace(deviations_table(found, content.trial), empty=NO_DEPARTURE, notes=())
    yield Paragraph(DECLARED, "notes")


def quality(content: ReportContent) -> Iterator[Block]:
    """Yield what arrived and was set aside, of forms that tell no arm; queries of all forms are left out."""
    left = _forms_left_out(content)
    absent = (f"Not shown, since they tell the arms: {left}.",) if left else ()
    yield forms_table(content.counts, content.trial, (*absent, *content.notes))
    yield rules_table(content.findings, content.trial)
    yield Paragraph(RULES, "notes")


def provenance(content: ReportContent) -> Iterator[Block]:
    """Yield where the numbers came from, but for the files."""
    yield facts_table(content.provenance, content.trial)
    yield Paragraph(NO_SOURCES, "notes")
    yield packages_table(content.provenance)
