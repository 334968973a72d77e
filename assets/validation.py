"""The validation page of a trial, gathered and written. Not here: drawing it (analysis.reporting.validation).

A night whose files could not be taken in or read judges nothing: the page of the last one that was judged then says
so at its head, until a night goes well.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.ports import Place
from data_contracts.errors import ReadError
from data_contracts.spec import Trial
from data_contracts.writers.atomic import write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from analysis.reporting.validation.content import Delivered, ValidationContent
    from data_contracts.rules import Verdict
    from data_contracts.tables import Tables

PAGE, DOCS = "index.html", "docs"


def page_of(place: Place, trial: Trial) -> Path:
    """Return the path of a trial's validation page."""
    return place.validation(trial.name) / PAGE


def docs_of(place: Place, trial: Trial) -> Path:
    """Return the folder of the Data Docs the page leads to."""
    return place.validation(trial.name) / DOCS


def write_page(place: Place, trial: Trial, verdict: "Verdict", raw: "Tables", run_id: str) -> None:
    """Write the validation page of a night that was judged and recorded.

    Args:
        place: Where the trial's files are.
        trial: The trial.
        verdict: The verdict, as it may be shown in the open.
        raw: The forms as read, and what the run carries.
        run_id: The run.

    Raises:
        StorageError: the page can't be written, or the query book can't be read.
    """
    from analysis.reporting.validation.page import render_validation

    page = render_validation(_content(place, trial, verdict, raw, run_id))
    write_atomically(page_of(place, trial), page.encode())


@contextmanager
def told_on_the_page(place: Place, trial: Trial) -> Iterator[None]:
    """Say on the trial's page that its files could not be taken in or read."""
    try:
        yield
    except ReadError as error:
        _say_not_judged(place, trial, error)
        raise


def take_back(place: Place, trial: Trial) -> None:
    """Take away what the page says of an earlier night that could not be judged."""
    page = page_of(place, trial)
    if not page.exists():
        return
    from analysis.reporting.validation.notice import without_notice

    text = page.read_text(encoding="utf-8")
    if not (mended := without_notice(text)):
        page.unlink()  # it held nothing else
    elif mended != text:
        write_atomically(page, mended.encode())


def _say_not_judged(place: Place, trial: Trial, error: ReadError) -> None:
    from analysis.reporting.validation.notice import with_notice

    page = page_of(place, trial)
    last = page.read_text(encoding="utf-8") if page.exists() else ""
    problems = [error.summary, *map(str, error.problems)]
    write_atomically(page, with_notice(last, trial, place.now(), problems).encode())


def _content(
    place: Place, trial: Trial, verdict: "Verdict", raw: "Tables", run_id: str
) -> "ValidationContent":
    from analysis.derive.retention import followed_up
    from analysis.reporting.validation.content import ValidationContent

    now, history = place.now(), place.history(trial)
    today = now.astimezone(_zone(trial)).date()
    telling = {finding.rule.id for finding in verdict.findings if finding.rule.reveals_allocation}
    return ValidationContent(
        trial=trial,
        run_id=run_id,
        time=now,
        withheld=verdict.withheld,
        reasons=verdict.reasons,
        findings=_findings(verdict),
        counts=verdict.counts,
        asked=verdict.queries[["query_id", "form", "rule"]],
        files=tuple(_delivered(trial, raw, history.facts.get("before", {}))),
        followed=followed_up(verdict.accepted, trial, today),
        telling=frozenset(telling),
        history=history.frames,
        facts=raw.facts,
    )


def _zone(trial: Trial) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(trial.night.time_zone)


def _findings(verdict: "Verdict") -> "pd.DataFrame":
    import pandas as pd

    told = ("id", "form", "columns", "dimension", "severity", "effect", "message", "owner")
    records = [
        {
            **{name: getattr(f.rule, name) for name in told},
            "passed": f.passed,
            "error": f.error,
            "n_failed": len(f.rows),
            "n_checked": f.n_checked,
        }
        for f in verdict.findings
    ]
    names = [*told, "passed", "error", "n_failed", "n_checked"]
    frame = pd.DataFrame(records, columns=names).rename(columns={"id": "rule"})
    return frame.assign(columns=[", ".join(columns) for columns in frame["columns"]])


def _delivered(trial: Trial, raw: "Tables", before: Mapping[str, str]) -> "Iterator[Delivered]":
    """Yield each form's file; `before` has the hashes of the night before, by form."""
    from analysis.reporting.validation.content import Delivered
    from data_contracts.readers.store import UNREADABLE

    for name in trial.forms:
        if name not in raw.facts["forms"]:
            yield Delivered(name)
            continue
        facts = raw.facts["forms"][name]
        source = facts["source"]
        yield Delivered(
            form=name,
            **{key: source[key] for key in ("name", "sha256", "size")},
            modified=datetime.fromisoformat(source["modified"]),
            records=len(raw.frames[name]),
            is_other=before.get(name) != source["sha256"] if before else None,
            n_unreadable=len(raw.frames[name + UNREADABLE]),
            **{key: tuple(facts[key]) for key in ("absent_columns", "unknown_columns", "notes")},
        )
