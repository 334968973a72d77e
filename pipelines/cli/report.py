"""`srt report`: where a trial's reports are, and the closed one on command. Not here: making them."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.confirming import By, Why, signed
from pipelines.cli.output import note, print_json, say, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data_contracts.spec import Trial


class For(StrEnum):
    """Whom a report is for."""

    final = "final"
    open = "open"
    closed = "closed"


Audience = Annotated[
    For,
    typer.Option(
        "--audience",
        help="final: by arm; open: both arms together; closed: by coded arms, made now, for a monitoring committee.",
    ),
]
ALONE = "The closed report is made of the true allocation, for its owner alone; the audit log says so."
NEVER_BOTH = (
    "Never give it to anybody who sees the final report on the shuffled allocation: "
    "the sizes of the arms in both tell which letter is which arm."
)
CUT_SHORT = "The last run was cut short while it wrote these files; `srt run {trial}` makes them anew."
INCOMPLETE = "Not all files of the last run are there; `srt run {trial}` makes them anew."
BESIDE: "Mapping[For, tuple[str, ...]]" = {
    For.final: ("report.docx", "results.csv"),
    For.open: ("open/report-open.docx",),
}


def report(  # noqa: PLR0917 - an argument per option
    trial: TrialName,
    audience: Audience = For.final,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    by: By = "",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Say where a trial's report is, and open it; make the closed one.

    TRIAL is a name from `srt trials`. `--audience closed` needs --by and --why: it shows blinded arms as A and B.
    """
    plan = load(trial)
    files = _closed(plan, by, why) if audience == For.closed else _made(trial, audience)
    page, whole = files[0], audience == For.closed or _is_whole(trial)
    if as_json:
        said = {"trial": trial, "audience": audience.value, "report": page, "files": files, "whole": whole}
        print_json({**said, "validation_report": _checks(trial)})
    else:
        for path in files:
            say(shown(path))
    if open_:
        _open(page)


def _made(trial: str, audience: For) -> tuple[Path, ...]:
    """Return the report of the last run: its page, then what lies beside it."""
    from pipelines.home import find_home
    from pipelines.published import published_path

    home = find_home()
    page = home.report(trial) if audience == For.final else home.reports(trial) / "open" / "report-open.html"
    if not page.is_file():
        raise _no_report(trial, page, audience, any_other=home.report(trial).is_file())
    beside = (published_path(home.reports(trial), name) for name in BESIDE[audience])
    return (page, *(path for path in beside if path.is_file()))


def _is_whole(trial: str) -> bool:
    """Return whether the files are all of one run's, with a note where they are not."""
    from pipelines.home import find_home
    from pipelines.published import is_whole, was_cut_short

    folder = find_home().reports(trial)
    if whole := is_whole(folder):
        return whole
    note((CUT_SHORT if was_cut_short(folder) else INCOMPLETE).format(trial=trial))
    return False


def _closed(plan: "Trial", by: str, why: str) -> tuple[Path, ...]:
    """Return the files of the closed report, made now."""
    from datetime import UTC, datetime

    from pipelines.closed import Asked, closed_report
    from pipelines.home import find_home

    signed(by, why)
    note(ALONE)
    files = closed_report(find_home().ready(), plan, Asked(by, why, datetime.now(UTC)))
    note(NEVER_BOTH)
    return files


def _checks(trial: str) -> Path | None:
    from pipelines.home import find_home

    page = find_home().validation(trial) / "index.html"
    return page if page.is_file() else None


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        note(f"No browser was found; open {page.as_uri()} in one.")


def _no_report(trial: str, page: Path, audience: For, *, any_other: bool) -> Exception:
    from data_contracts.errors import Problem, ReadError

    problem = Problem(str(page), "no file", "the report of a run", f"`srt run {trial}` makes it.")
    which = f"{audience.value} report" if any_other else "report"
    return ReadError(f"There is no {which} of {trial} yet.", [problem])
