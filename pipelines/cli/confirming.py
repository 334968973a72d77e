"""Who asks for a step that can't be undone, why, and whether they are sure. Not here: the steps."""

import sys
from typing import Annotated

import typer

from pipelines.cli.output import say

By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does it; written into the audit log.")]
Why = Annotated[str, typer.Option("--why", metavar="REASON", help="Why; written into the audit log.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask: for scripts.")]


def signed(by: str, why: str) -> None:
    """Refuse a step that nobody signs for.

    Raises:
        BadParameter: a name or a reason is missing.
    """
    missing = [option for option, given in (("--by", by), ("--why", why)) if not given.strip()]
    if missing:
        raise typer.BadParameter(
            f"give {' and '.join(missing)}: who does it, and why, goes into the audit log"
        )


def confirm(what: str, *, yes: bool) -> None:
    """Say what is going to happen, and go on only when somebody at the terminal agrees.

    Raises:
        BadParameter: there is no terminal to ask at, and no --yes.
        Abort: the answer is no.
    """
    say(what, "bold", stderr=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is nobody to ask here: give --yes if it is meant")
    typer.confirm("Go on?", abort=True, err=True)
