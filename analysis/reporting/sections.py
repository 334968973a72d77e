"""The sections of the report, one function each, and which of them an audience is given. Not here: their pages."""

from collections.abc import Callable, Iterator

from analysis.reporting.audiences import closed_sections
from analysis.reporting.audiences.open_sections import OPEN
from analysis.reporting.checklist import checklist
from analysis.reporting.consort import allocations_set_aside, participant_flow
from analysis.reporting.content import ReportContent
from analysis.reporting.deviations import Departure, departures
from analysis.reporting.figures.adjusted_means import adjusted_means_figure
from analysis.reporting.figures.differences import differences_figure
from analysis.reporting.figures.distribution import distribution_figure
from analysis.reporting.figures.drawing import without_sweeps
from analysis.reporting.figures.flow_diagram import flow_figure
from analysis.reporting.figures.missing_patterns import missing_patterns_figure
from analysis.reporting.figures.recruitment import recruitment_figure
from analysis.reporting.figures.residuals import residuals_figure, residuals_note
from analysis.reporting.figures.sensitivities import sensitivity_figure
from analysis.reporting.figures.standardised import standardised_figure, standardised_note
from analysis.reporting.figures.subgroups import subgroup_figures
from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.reporting.headline import headlines, is_shuffled
from analysis.reporting.methods.paragraphs import methods_paragraphs
from analysis.reporting.report import Block, FlowChart, Paragraph, Section
from analysis.reporting.table import Table
from analysis.reporting.tables.baseline import baseline_table
from analysis.reporting.tables.clauses import clauses_table
from analysis.reporting.tables.compliers import compliers_table
from analysis.reporting.tables.data_quality import forms_table, queries_table, rules_table
from analysis.reporting.tables.delivery import delivery_table
from analysis.reporting.tables.deviations import deviations_table
from analysis.reporting.tables.disposition import disposition_by_site_table, disposition_table
from analysis.reporting.tables.estimand import estimand_table
from analysis.reporting.tables.harms import harms_table
from analysis.reporting.tables.missing_data import missing_table, patterns_table
from analysis.reporting.tables.model_checks import model_checks_table
from analysis.reporting.tables.moderators import moderators_table
from analysis.reporting.tables.observed import observed_table
from analysis.reporting.tables.populations import populations_table
from analysis.reporting.tables.primary import primary_table
from analysis.reporting.tables.provenance import facts_table, packages_table, reproduce_table, sources_table
from analysis.reporting.tables.recruitment import recruitment_table
from analysis.reporting.tables.secondary import secondary_table
from analysis.reporting.tables.sensitivity import sensitivity_table
from analysis.reporting.tables.tipping import tipping_tables
from data_contracts.plan import Estimand
from data_contracts.standing import Audience

Blocks = Iterator[Block]
MOST_SITES_DRAWN = 6  # beside each other


def question(content: ReportContent) -> Blocks:
    """Yield the estimand card of the primary question."""
    yield _card(content.trial.primary, content, departures(content))


def _card(estimand: Estimand, content: ReportContent, found: tuple[Departure, ...]) -> Table:
    """Return an estimand's card: without results where the report is pooled over arms."""
    results = None if content.audience == "open" else content.results
    return estimand_table(estimand, content.trial, results, found)


def flow(content: ReportContent) -> Blocks:
    """Yield the CONSORT flow by arm, in boxes and in numbers, then by site; and who is in which population."""
    aside = allocations_set_aside(content.counts, content.trial, content.set_aside)
    counted = participant_flow(content.results, content.trial, set_aside=aside)
    if counted.ways:
        yield FlowChart(counted, flow_figure(counted, is_shuffled=is_shuffled(content.results)))
    said = headlines(content.results, content.trial)
    used = {h.estimate.n for h in said if h.estimate is not None and h.estimate.n is not None}
    if counted.analysed is not None and not used <= {counted.analysed}:
        yield Paragraph(
            f"The flow counts {counted.analysed} participants as analysed; the primary model used {max(used)}.",
            "notes",
        )
    yield disposition_table(content.results, content.trial)
    yield from flow_by_site(content)
    yield populations_table(content.results, content.trial)


def flow_by_site(content: ReportContent) -> Blocks:
    """Yield the flow with a column per site, where there are sites; a diagram of many would not be legible."""
    by_site = participant_flow(content.results, content.trial, "site")
    if 1 < len(by_site.ways) <= MOST_SITES_DRAWN:
        yield FlowChart(by_site, flow_figure(by_site))
    if by_site.ways:
        yield disposition_by_site_table(content.results, content.trial)


def recruitment(content: ReportContent) -> Blocks:
    """Yield how recruitment went against its target."""
    yield from recruitment_figure(content.results, content.trial)
    if content.trial.sites:
        yield recruitment_table(content.results, content.trial)


def missing(content: ReportContent) -> Blocks:
    """Yield what is missing, and in which patterns."""
    yield missing_table(content.results, content.trial)
    pooled = content.audience == "open"
    yield from missing_patterns_figure(content.results, content.trial, pooled=pooled)
    yield patterns_table(content.results, content.trial)


def harms(content: ReportContent) -> Blocks:
    """Yield adverse events."""
    yield harms_table(content.results, content.trial)


def baseline(content: ReportContent) -> Blocks:
    """Yield who the participants were."""
    yield baseline_table(content.results, content.trial)


def primary(content: ReportContent) -> Blocks:
    """Yield the primary analysis: its means, its differences, what was observed."""
    yield from adjusted_means_figure(content.results, content.trial)
    yield primary_table(content.results, content.trial)
    yield from differences_figure(content.results, content.trial)
    yield observed_table(content.results, content.trial)
    yield from distribution_figure(content.results, content.trial)


def sensitivity(content: ReportContent) -> Blocks:
    """Yield the primary question answered in other ways."""
    yield from sensitivity_figure(content.results, content.trial)
    yield sensitivity_table(content.results, content.trial)


def model_checks(content: ReportContent) -> Blocks:
    """Yield how the models fitted, and what the primary one leaves over."""
    yield model_checks_table(content.results, content.trial)
    yield from residuals_figure(content.results, content.trial)
    yield from residuals_note(content.results)


def tipping(content: ReportContent) -> Blocks:
    """Yield the tipping points, where the plan declares one."""
    yield from tipping_figures(content.results, content.trial)
    yield from tipping_tables(content.results, content.trial)


def secondary(content: ReportContent) -> Blocks:
    """Yield the secondary outcomes."""
    yield secondary_table(content.results, content.trial)
    yield from standardised_figure(content.results, content.trial)
    yield from standardised_note(content.results, content.trial)


def moderators(content: ReportContent) -> Blocks:
    """Yield whether the effect differs between participants."""
    yield from subgroup_figures(content.results, content.trial)
    yield moderators_table(content.results, content.trial)


def delivery(content: ReportContent) -> Blocks:
    """Yield therapy as it was delivered."""
    yield delivery_table(content.results, content.trial)


def estimands(content: ReportContent) -> Blocks:
    """Yield a card for each estimand but the primary, whose card opens the report."""
    trial, found = content.trial, departures(content)
    yield from (_card(e, content, found) for e in trial.estimands.values() if e != trial.primary)


def methods(content: ReportContent) -> Blocks:
    """Yield what was done, in words."""
    yield from methods_paragraphs(content)


def compliers(content: ReportContent) -> Blocks:
    """Yield the effect in compliers, where the plan asks for one."""
    if any(analysis.estimator == "cace" for analysis in content.trial.analyses.values()):
        yield compliers_table(content.results, content.trial)


def deviations(content: ReportContent) -> Blocks:
    """Yield what was done otherwise than planned, then the plan clause by clause."""
    found, results = departures(content), None if content.audience == "open" else content.results
    yield deviations_table(found, content.trial)
    yield clauses_table(results, content.trial, found)


def quality(content: ReportContent) -> Blocks:
    """Yield what arrived, what was set aside, what was asked."""
    yield forms_table(content.counts, content.trial, content.notes)
    yield queries_table(content.queries, content.trial)
    yield rules_table(content.findings, content.trial)


def provenance(content: ReportContent) -> Blocks:
    """Yield where the numbers came from."""
    yield facts_table(content.provenance, content.trial)
    yield sources_table(content.provenance, content.trial)
    yield packages_table(content.provenance)
    yield reproduce_table(content.provenance, content.trial)


Part = tuple[str, str, Callable[[ReportContent], Blocks]]  # address, title, blocks
FINAL: tuple[Part, ...] = (
    ("question", "The question", question),
    ("flow", "Participant flow", flow),
    ("recruitment", "Recruitment", recruitment),
    ("baseline", "Baseline characteristics", baseline),
    ("primary", "Primary analysis", primary),
    ("missing", "Missing data", missing),
    ("sensitivity", "Cross-check and sensitivity", sensitivity),
    ("tipping", "Tipping point", tipping),
    ("checks", "Model checks", model_checks),
    ("secondary", "Secondary outcomes", secondary),
    ("moderators", "Subgroups", moderators),
    ("compliers", "Compliers", compliers),
    ("delivery", "Therapy delivered", delivery),
    ("harms", "Harms", harms),
    ("estimands", "Estimands", estimands),
    ("methods", "Methods", methods),
    ("deviations", "Plan and deviations", deviations),
    ("quality", "Data quality", quality),
    ("provenance", "Provenance", provenance),
)
NOT_BY_LETTERS = {
    "tipping",
    "compliers",
    "delivery",
    "deviations",
    "quality",
    "provenance",
}  # they tell the therapy, or its files
BY_LETTERS = {"checks": closed_sections.model_checks}  # told otherwise
CLOSED: tuple[Part, ...] = (
    ("about", "About this report", closed_sections.about),
    *((name, title, BY_LETTERS.get(name, made)) for name, title, made in FINAL if name not in NOT_BY_LETTERS),
    ("deviations", "Deviations", closed_sections.departed),
    ("quality", "Data quality", closed_sections.quality),
    ("provenance", "Provenance", closed_sections.provenance),
)
PARTS: dict[Audience, tuple[Part, ...]] = {"final": FINAL, "open": OPEN, "closed": CLOSED}


@without_sweeps()
def sections(content: ReportContent) -> tuple[Section, ...]:
    """Return an audience's sections; one without anything in it is left out.

    Raises:
        ContractError: the participant flow or a form's records do not add up.
    """
    made = (Section(name, title, tuple(blocks(content))) for name, title, blocks in PARTS[content.audience])
    found = tuple(section for section in made if section.blocks)
    if content.audience != "final":
        return found
    return (*found, Section("checklist", "CONSORT checklist", (checklist(found, content.trial),)))
