"""A notice at the head of the page: a later night could not be judged. Not here: the page itself (page)."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from analysis.reporting.templates import environment, style
from analysis.reporting.validation.words import moment
from data_contracts.spec import Trial

BEGIN, END = "<!-- not judged: begin -->", "<!-- not judged: end -->"
BODY = "<body>"


def with_notice(page: str, trial: Trial, when: datetime, problems: Sequence[str]) -> str:
    """Return the page with a notice before all else that a later night could not be judged.

    Args:
        page: The last page; empty when there is none yet.
        trial: The trial.
        when: The night that could not be judged, UTC.
        problems: Why, a sentence each.
    """
    whole, rest = without_notice(page), "What follows is of the last night that was judged."
    if not whole:
        whole, rest = _bare(trial), "No night has been judged yet."
    night = escape(moment(when, ZoneInfo(trial.night.time_zone)))
    why = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    notice = (
        f'{BEGIN}<div class="notice" role="alert"><p><strong>The night of {night} could not be judged.</strong> '
        f"{rest}</p><ul>{why}</ul></div>{END}"
    )
    return whole.replace(BODY, f"{BODY}\n{notice}", 1)


def without_notice(page: str) -> str:
    """Return the page without a notice; empty when it holds nothing else."""
    before, begun, rest = page.partition(f"\n{BEGIN}")
    whole = before + rest.partition(END)[2] if begun else page
    return whole if "<main>" in whole else ""


def _bare(trial: Trial) -> str:
    css = style("report.css", "validation.css")
    return environment().get_template("validation_none.html.j2").render(trial=trial, css=css)
