"""A report as one HTML page that asks the network for nothing. Not here: what it says (sections)."""

from collections.abc import Mapping

from analysis.reporting.report import Report
from analysis.reporting.templates import environment, style
from data_contracts.standing import Audience

AUDIENCES: Mapping[Audience, str] = {
    "final": "Final report",
    "open": "Open report: both arms together",
    "closed": "Closed report: arms coded A and B",
}
EVERY = "Every number on this page is a row of the trial's results table or a count of its records."
FOOTERS: Mapping[Audience, str] = {
    "closed": "Every number of a result on this page is a row of results-closed.csv, of six significant digits; "
    "others are counts of records.",
}
FIGURE_SOURCES = {  # key figure -> where it was read
    "randomised": "disposition/randomised/count//",
    "in the primary analysis": "disposition/analysed/count//",
    "records read": "records/*/rows_in",
    "set aside": "records/*/quarantined",
    "open queries": "queries/*/*/open",
}


def render_html(report: Report) -> str:
    """Return the report as one self-contained page; the same report gives the same bytes."""
    page = environment().get_template("report.html.j2")
    return page.render(
        report=report,
        marks=report.marks,
        audience=AUDIENCES[report.audience],
        kind=_inside(AUDIENCES[report.audience]),
        footer=FOOTERS.get(report.audience, EVERY),
        figure_sources=FIGURE_SOURCES,
        running=_running(report),
        css=style("report.css"),
    )


def _running(report: Report) -> str:
    """Return the style of the margins of printed pages: what must not be overlooked, whose report, which page."""
    marks = " ".join(report.marks.values())
    said = f"{report.title}: {_inside(AUDIENCES[report.audience])}"
    shown = f"@top-center {{ content: {_css_text(marks)}; font-weight: bold; }} " if marks else ""
    return (
        f"@page {{ {shown}@bottom-left {{ content: {_css_text(said)}; }} "
        '@bottom-right { content: "Page " counter(page) " of " counter(pages); } }'
    )


def _inside(title: str) -> str:
    """Return a title as it stands after a colon: "Arms coded A and B" keeps its letters."""
    return title[:1].lower() + title[1:]


def _css_text(text: str) -> str:
    """Return text as a string of a style sheet, in which it can't end the string or the sheet."""
    kept = (c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in text)
    return f'"{"".join(kept)}"'
