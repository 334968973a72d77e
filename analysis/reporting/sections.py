"""The sections of the report, one function each, and which of them an audience is given. Not here: their pages."""

from collections.abc import Callable, Iterator

from analysis.reporting.consort import participant_flow
from analysis.reporting.content import ReportContent
from analysis.reporting.figures.adjusted_means import adjusted_means_figure
from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.reporting.headline import headlines
from analysis.reporting.report import Block, FlowChart, Paragraph, Section
from analysis.reporting.tables.baseline import baseline_table
from analysis.reporting.tables.data_quality import forms_table, rules_table
from analysis.reporting.tables.delivery import delivery_table
from analysis.reporting.tables.estimand import estimand_table
from analysis.reporting.tables.model_checks import model_checks_table
from analysis.reporting.tables.moderators import moderators_table
from analysis.reporting.tables.observed import observed_table
from analysis.reporting.tables.primary import primary_table
from analysis.reporting.tables.provenance import facts_table, packages_table, sources_table
from analysis.reporting.tables.secondary import secondary_table
from analysis.reporting.tables.sensitivity import sensitivity_table
from analysis.reporting.tables.tipping import tipping_tables
from data_contracts.standing import Audience

Blocks = Iterator[Block]


def question(content: ReportContent) -> Blocks:
    """Yield the estimand card of the primary question."""
    yield estimand_table(content.trial.primary, content.trial)


def flow(content: ReportContent) -> Blocks:
    """Yield the CONSORT flow diagram by arm."""
    counted = participant_flow(content.flow, content.trial)
    yield FlowChart(counted)
    said = headlines(content.results, content.trial)
    used = {h.estimate.n for h in said if h.estimate is not None and h.estimate.n is not None}
    if counted.analysed is not None and not used <= {counted.analysed}:
        yield Paragraph(
            f"The flow counts {counted.analysed} participants as analysed; the primary model used {max(used)}.",
            "notes",
        )


def baseline(content: ReportContent) -> Blocks:
    """Yield who the participants were."""
    yield baseline_table(content.results, content.trial)


def primary(content: ReportContent) -> Blocks:
    """Yield the primary analysis: its means, its differences, what was observed."""
    yield from adjusted_means_figure(content.results, content.trial)
    yield primary_table(content.results, content.trial)
    yield observed_table(content.results, content.trial)


def sensitivity(content: ReportContent) -> Blocks:
    """Yield the primary question answered in other ways, and what the models say of themselves."""
    yield sensitivity_table(content.results, content.trial)
    yield model_checks_table(content.results, content.trial)


def tipping(content: ReportContent) -> Blocks:
    """Yield the tipping points, where the plan declares one."""
    yield from tipping_figures(content.results, content.trial)
    yield from tipping_tables(content.results, content.trial)


def secondary(content: ReportContent) -> Blocks:
    """Yield the secondary outcomes."""
    yield secondary_table(content.results, content.trial)


def moderators(content: ReportContent) -> Blocks:
    """Yield for whom the therapy works."""
    yield moderators_table(content.results, content.trial)


def delivery(content: ReportContent) -> Blocks:
    """Yield therapy as it was delivered."""
    yield delivery_table(content.results, content.trial)


def estimands(content: ReportContent) -> Blocks:
    """Yield a card for each estimand but the primary, whose card opens the report."""
    trial = content.trial
    yield from (estimand_table(e, trial) for e in trial.estimands.values() if e != trial.primary)


def quality(content: ReportContent) -> Blocks:
    """Yield what arrived, what was set aside, what was asked."""
    yield forms_table(content.counts, content.queries, content.trial, content.notes)
    yield rules_table(content.findings, content.trial)


def provenance(content: ReportContent) -> Blocks:
    """Yield where the numbers came from."""
    yield facts_table(content.provenance, content.trial)
    yield sources_table(content.provenance, content.trial)
    yield packages_table(content.provenance)


Part = tuple[str, str, Callable[[ReportContent], Blocks]]  # address, title, blocks
FINAL: tuple[Part, ...] = (
    ("question", "The question", question),
    ("flow", "Participant flow", flow),
    ("baseline", "Baseline characteristics", baseline),
    ("primary", "Primary analysis", primary),
    ("sensitivity", "Cross-check and sensitivity", sensitivity),
    ("tipping", "Tipping point", tipping),
    ("secondary", "Secondary outcomes", secondary),
    ("moderators", "For whom it works", moderators),
    ("delivery", "Therapy delivered", delivery),
    ("estimands", "Estimands", estimands),
    ("quality", "Data quality", quality),
    ("provenance", "Provenance", provenance),
)
PARTS: dict[Audience, tuple[Part, ...]] = {"final": FINAL}


def sections(content: ReportContent) -> tuple[Section, ...]:
    """Return an audience's sections; one without anything in it is left out.

    Raises:
        ContractError: the participant flow or a form's records do not add up.
    """
    made = (Section(name, title, tuple(blocks(content))) for name, title, blocks in PARTS[content.audience])
    return tuple(section for section in made if section.blocks)
