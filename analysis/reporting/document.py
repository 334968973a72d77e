"""The report as one page: content in, self-contained HTML out. Not here: what its tables and figures show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.reporting.consort import Flow, participant_flow
from analysis.reporting.content import ReportContent
from analysis.reporting.figures.adjusted_means import adjusted_means_figure, adjusted_means_title
from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.reporting.headline import Headline, headlines, is_shuffled
from analysis.reporting.table import Table
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
from analysis.reporting.templates import environment, style
from data_contracts.standing import MARK, not_as_locked

if TYPE_CHECKING:
    import pandas as pd

    from data_contracts.spec import Trial

__all__ = ["ReportContent", "render_report"]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page, as the contents list names it."""

    name: str
    title: str
    tables: tuple[Table, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()  # title and SVG, before the tables


def render_report(content: ReportContent) -> str:
    """Return the trial's report as one HTML page that asks the network for nothing.

    Args:
        content: Results rows, counts and provenance; the same content gives the same bytes.

    Raises:
        ContractError: the participant flow or a form's records do not add up.
    """
    flow = participant_flow(content.flow, content.trial)
    said = headlines(content.results, content.trial)
    page = environment().get_template("report.html.j2")
    return page.render(
        trial=content.trial,
        headlines=said,
        key_figures=_key_figures(content, flow),
        flow=flow,
        flow_remark=_flow_remark(flow, said),
        figure=adjusted_means_figure(content.results, content.trial),
        figure_title=adjusted_means_title(content.trial),
        sections=_sections(content),
        links=_relative(content.links),
        marks=_marks(content),
        css=style("report.css"),
    )


def _marks(content: ReportContent) -> Mapping[str, str]:
    """Return what stands over the whole page, by kind: arms that are not the true ones, a run not as locked."""
    marks = {
        "shuffled": MARK if is_shuffled(content.results) else "",
        "not-as-locked": not_as_locked(content.provenance.get("lock", {})),
    }
    return {kind: text for kind, text in marks.items() if text}


def _sections(content: ReportContent) -> tuple[Section, ...]:
    trial, results, provenance = content.trial, content.results, content.provenance
    return (
        Section("question", "The question", (estimand_table(trial.primary, trial),)),
        Section("flow", "Participant flow"),
        Section("baseline", "Baseline characteristics", (baseline_table(results, trial),)),
        Section(
            "primary", "Primary analysis", (primary_table(results, trial), observed_table(results, trial))
        ),
        Section(
            "sensitivity",
            "Cross-check and sensitivity",
            (sensitivity_table(results, trial), model_checks_table(results, trial)),
        ),
        *_tipping(results, trial),
        Section("secondary", "Secondary outcomes", (secondary_table(results, trial),)),
        Section("moderators", "For whom it works", (moderators_table(results, trial),)),
        Section("delivery", "Therapy delivered", (delivery_table(results, trial),)),
        Section("estimands", "Estimands", _estimands(trial)),
        Section("quality", "Data quality", _quality(content)),
        Section(
            "provenance",
            "Provenance",
            (facts_table(provenance, trial), sources_table(provenance, trial), packages_table(provenance)),
        ),
    )


def _tipping(results: "pd.DataFrame", trial: "Trial") -> tuple[Section, ...]:
    """Return the tipping points' section, where the plan declares one."""
    tables = tipping_tables(results, trial)
    figures = tipping_figures(results, trial)
    return (Section("tipping", "Tipping point", tables, figures),) if tables else ()


def _estimands(trial: "Trial") -> tuple[Table, ...]:
    """Return a card for each estimand but the primary, whose card opens the report."""
    return tuple(estimand_table(e, trial) for e in trial.estimands.values() if e != trial.primary)


def _quality(content: ReportContent) -> tuple[Table, ...]:
    return (
        forms_table(content.counts, content.queries, content.trial, content.notes),
        rules_table(content.findings, content.trial),
    )


def _key_figures(content: ReportContent, flow: Flow) -> tuple[tuple[str, str], ...]:
    """Return what tells the size of the trial and the state of its data at a glance."""
    asked, counts = content.queries, content.counts
    figures = {
        "randomised": flow.randomised,
        "in the primary analysis": flow.analysed,
        "records read": counts["rows_in"].sum(),
        "set aside": counts["quarantined"].sum(),
        "queries": asked["n"].sum(),
    }
    return tuple((name, f"{int(n):,}") for name, n in figures.items() if n is not None)


def _flow_remark(flow: Flow, said: tuple[Headline, ...]) -> str:
    """Return what to say when the primary model used another number of people than the flow counts."""
    used = {h.estimate.n for h in said if h.estimate is not None and h.estimate.n is not None}
    if flow.analysed is None or used <= {flow.analysed}:
        return ""
    return f"The flow counts {flow.analysed} participants as analysed; the primary model used {max(used)}."


def _relative(links: Mapping[str, str]) -> Mapping[str, str]:
    """Return the links, none of which may leave the folder of reports.

    Raises:
        ValueError: a link names a host or a scheme.
    """
    if outside := [address for address in links.values() if ":" in address or address.startswith("//")]:
        raise ValueError(f"links of a report are relative to it, not {outside}")
    return links
