"""The report of an audience, made from its content. Not here: its sections, its pages (html, word)."""

from collections.abc import Mapping

from analysis.reporting.audiences.open import open_content
from analysis.reporting.audiences.open_sections import key_figures
from analysis.reporting.consort import allocations_set_aside, participant_flow
from analysis.reporting.content import ReportContent
from analysis.reporting.estimates import looked_up_once
from analysis.reporting.headline import headlines, is_shuffled
from analysis.reporting.report import Report
from analysis.reporting.sections import sections
from data_contracts.standing import MARK, not_as_locked

__all__ = ["ReportContent", "make_report"]


@looked_up_once()
def make_report(content: ReportContent) -> Report:
    """Return the trial's report for the content's audience.

    Args:
        content: Results rows, counts and provenance; the same content gives the same report. Of the whole of it the
            open report is given what tells no arm and no small count.

    Raises:
        ContractError: the participant flow or a form's records do not add up.
        ValueError: a link names a host or a scheme.
    """
    trial, is_open = content.trial, content.audience == "open"
    content = open_content(content) if is_open else content
    return Report(
        title=trial.title,
        audience=content.audience,
        registration=trial.registration,
        description=trial.description,
        is_synthetic=trial.synthetic,
        marks=_marks(content),
        headlines=headlines(content.results, trial) if content.audience == "final" else (),
        key_figures=tuple(key_figures(content)) if is_open else _key_figures(content),
        sections=sections(content),
        links=_relative(content.links),
    )


def _marks(content: ReportContent) -> Mapping[str, str]:
    """Return what stands over every page, by kind: arms that are not the true ones, a run not as locked."""
    marks = {
        "shuffled": MARK if is_shuffled(content.results) else "",
        "not-as-locked": not_as_locked(content.provenance.get("lock", {})),
    }
    return {kind: text for kind, text in marks.items() if text}


def _key_figures(content: ReportContent) -> tuple[tuple[str, str], ...]:
    """Return what tells the size of the trial at a glance, and where all forms may be counted the state of its data."""
    asked, counts = content.queries, content.counts
    aside = allocations_set_aside(counts, content.trial, content.set_aside)
    flow = participant_flow(content.results, content.trial, set_aside=aside)
    sizes = {"randomised": flow.randomised if flow.ways else None, "in the primary analysis": flow.analysed}
    data = {
        "records read": counts["rows_in"].sum(),
        "set aside": counts["quarantined"].sum(),
        "open queries": asked.loc[asked["state"] == "open", "n"].sum(),
    }
    figures = sizes if content.audience == "closed" else {**sizes, **data}
    return tuple((name, f"{int(n):,}") for name, n in figures.items() if n is not None)


def _relative(links: Mapping[str, str]) -> Mapping[str, str]:
    """Return the links, none of which may leave the folder of reports.

    Raises:
        ValueError: a link names a host or a scheme.
    """
    if outside := [address for address in links.values() if ":" in address or address.startswith("//")]:
        raise ValueError(f"links of a report are relative to it, not {outside}")
    return links
