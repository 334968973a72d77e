"""The sections of the open report, one function each. Not here: which rows they may read (open), their tables."""

from collections.abc import Callable, Iterator

import pandas as pd

from analysis.estimators.recruitment import BY_SITE as RECRUITED_BY_SITE
from analysis.reporting.audiences import open_tables
from analysis.reporting.audiences.hidden import HIDDEN, OF_MOMENTS, OF_QUARTILES
from analysis.reporting.audiences.labels import characteristic_labels
from analysis.reporting.content import ReportContent
from analysis.reporting.deviations import departures
from analysis.reporting.figures.distribution import distribution_figure
from analysis.reporting.figures.recruitment import recruitment_figure
from analysis.reporting.methods.paragraphs import methods_paragraphs
from analysis.reporting.report import Block, Paragraph
from analysis.reporting.tables.data_quality import rules_table
from analysis.reporting.tables.deviations import deviations_table
from analysis.reporting.tables.estimand import estimand_table
from analysis.reporting.tables.provenance import facts_table, packages_table, sources_table

Blocks = Iterator[Block]
POOLED = (
    "Both arms together: nothing here depends on who was allocated to which arm. Effects, delivery of the therapy and "
    "whatever else tells the arms are left out."
)
SMALL = (
    "Counts of fewer than {t} participants or events are shown as <{t}; others are shown as ≥{t} or not at all where a "
    "small one would follow from them. How many were randomised, excluded after it, and are in the primary population "
    "is always shown. Rare patterns of visits are shown by class, if at all, and months and bins with few are joined "
    "to the next. Means and SDs are of at least {moments}, quartiles of at least {quartiles}, and no quartile stands "
    "beside a hidden count. Broken rules are listed of visits alone."
)
ENDS = "The lowest and the highest bar of a visit hold everybody beyond as well; how far they reach is not shown."


def about(content: ReportContent) -> Blocks:
    """Yield what this report leaves out, and the primary question."""
    yield Paragraph(POOLED, "notes")
    if content.trial.report.small_cells > 1:
        yield Paragraph(_small(content.trial.report.small_cells), "notes")
    yield estimand_table(content.trial.primary, content.trial, None, departures(content))


def _small(threshold: int) -> str:
    return SMALL.format(t=threshold, moments=OF_MOMENTS * threshold, quartiles=OF_QUARTILES * threshold)


def flow(content: ReportContent) -> Blocks:
    """Yield the participant flow, pooled and by site, and the analysis populations."""
    yield open_tables.flow_table(content.results, content.trial)
    if content.trial.sites:
        yield open_tables.sites_table(content.results, content.trial)
    yield open_tables.populations_table(content.results, content.trial)


def recruitment(content: ReportContent) -> Blocks:
    """Yield recruitment against its target."""
    if said := open_tables.target_sentence(content.results, content.trial):
        yield Paragraph(said)
    joined = content.trial.report.small_cells > 1
    yield from recruitment_figure(_countable(content.results), content.trial, joined=joined)
    yield open_tables.recruitment_table(content.results)


def _countable(results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without hidden sites: a figure has no sign for them."""
    return results[~(results["analysis"].eq(RECRUITED_BY_SITE) & results["status"].eq(HIDDEN))]


def baseline(content: ReportContent) -> Blocks:
    """Yield who the participants were."""
    yield open_tables.baseline_table(content.results, content.trial, characteristic_labels(content.trial))


def outcomes(content: ReportContent) -> Blocks:
    """Yield the outcomes as observed, and how the primary one is spread."""
    spread = distribution_figure(content.results, content.trial, pooled=True)
    yield from spread
    if spread and content.trial.report.small_cells > 1:
        yield Paragraph(ENDS, "notes")
    yield open_tables.outcomes_table(content.results, content.trial)


def missing(content: ReportContent) -> Blocks:
    """Yield which visits are missing."""
    yield open_tables.patterns_table(content.results, content.trial)


def harms(content: ReportContent) -> Blocks:
    """Yield adverse events."""
    yield open_tables.harms_table(content.results)


def plan(content: ReportContent) -> Blocks:
    """Yield the plan: estimands, methods as planned, declared deviations."""
    trial, found = content.trial, departures(content)
    yield from (estimand_table(e, trial, None, found) for e in trial.estimands.values() if e != trial.primary)
    yield from methods_paragraphs(content)
    yield deviations_table(found, trial)


def quality(content: ReportContent) -> Blocks:
    """Yield what arrived and what was set aside, of forms and rules that tell no arm."""
    yield open_tables.records_table(content.counts, content.trial)
    yield rules_table(content.findings, content.trial)
    yield from (Paragraph(note, "notes") for note in content.notes)


def provenance(content: ReportContent) -> Blocks:
    """Yield where the numbers came from."""
    yield facts_table(content.provenance, content.trial)
    yield sources_table(content.provenance, content.trial)
    yield packages_table(content.provenance)


OPEN: tuple[tuple[str, str, Callable[[ReportContent], Blocks]], ...] = (
    ("question", "The question", about),
    ("flow", "Participant flow", flow),
    ("recruitment", "Recruitment", recruitment),
    ("baseline", "Baseline characteristics", baseline),
    ("outcomes", "Outcomes as observed", outcomes),
    ("missing", "Missing data", missing),
    ("harms", "Harms", harms),
    ("plan", "The plan", plan),
    ("quality", "Data quality", quality),
    ("provenance", "Provenance", provenance),
)


def key_figures(content: ReportContent) -> Iterator[tuple[str, str]]:
    """Yield what tells the size of the trial at a glance."""
    from analysis.reporting.estimates import first

    for label, stage in (("randomised", "randomised"), ("in the primary analysis", "analysed")):
        found = first(content.results, analysis="disposition", outcome=stage)
        if found is not None:
            yield label, open_tables.number_text(found)
