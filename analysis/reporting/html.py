"""A report as one HTML page that asks the network for nothing. Not here: what it says (sections)."""

from analysis.reporting.report import Report
from analysis.reporting.templates import environment, style


def render_html(report: Report) -> str:
    """Return the report as one self-contained page; the same report gives the same bytes."""
    page = environment().get_template("report.html.j2")
    return page.render(report=report, marks=report.marks, css=style("report.css"))
