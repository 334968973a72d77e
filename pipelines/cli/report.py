"""`srt report`: where a trial's report is. Not here: making it."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.output import note, print_json, say, shown


def report(
    trial: TrialName,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say where a trial's report is, and open it.

    TRIAL is a name from `srt trials`.
    """
    from pipelines.home import find_home

    load(trial)
    page, validation = find_home().report(trial), find_home().validation(trial) / "index.html"
    if not page.is_file():
        raise _no_report(trial, page)
    if as_json:
        checks = validation if validation.is_file() else None
        print_json({"trial": trial, "report": page, "validation_report": checks})
    else:
        say(shown(page))
    if open_:
        _open(page)


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        note(f"No browser was found; open {page.as_uri()} in one.")


def _no_report(trial: str, page: Path) -> Exception:
    from data_contracts.errors import Problem, ReadError

    problem = Problem(str(page), "no file", "the report of a run", f"`srt run {trial}` makes it.")
    return ReadError(f"There is no report of {trial} yet.", [problem])
