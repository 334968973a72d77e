"""`srt files`: what arrived when, is it whole, and out again. Not here: custody itself (pipelines.custody)."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.output import counted, err, note, plain_table, print_json, put, say, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_contracts.errors import Problem
    from pipelines.custody import Custody
    from pipelines.custody_records import KeptFile

SHORT = 12  # digits of a hash or a run's id that are shown

Verify = Annotated[bool, typer.Option("--verify", help="Hash every copy again; exit code 7 for damage.")]
NightRun = Annotated[
    str, typer.Option("--night", metavar="RUN", help="Only of this run, by its id's beginning.")
]
To = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", help="Copy that night's files into a folder.")
]


def files(
    trial: TrialName, night: NightRun = "", to: To = None, verify: Verify = False, as_json: AsJson = False
) -> None:
    """Show the files a trial received, and which runs used them.

    TRIAL is a name from `srt trials`. The copies in custody never change; `--night RUN --to DIR` takes one
    night's files out again.
    """
    if to is not None and not night:
        raise typer.BadParameter("--to goes with --night: which night's files?")
    from pipelines.custody_records import kept_files

    custody = _custody(load(trial).name)
    kept = kept_files(custody, night)
    problems = _verify(custody, kept) if verify else []
    if to is not None:
        _restore(custody, kept, to)
    if as_json:
        damage = {"damage": [str(problem) for problem in problems]} if verify else {}
        print_json({"trial": trial, "files": [asdict(file) for file in kept], **damage})
    else:
        _show(kept, verified=verify and not problems)
    _refuse(trial, problems)


def _custody(trial: str) -> "Custody":
    from datetime import UTC, datetime

    from pipelines.custody import Custody
    from pipelines.home import find_home

    return Custody(find_home().custody(trial), trial, lambda: datetime.now(UTC))


def _verify(custody: "Custody", kept: "Sequence[KeptFile]") -> "list[Problem]":
    from rich.progress import track

    from pipelines.custody_records import damage

    console = err()
    ticks = iter(
        track(range(len(kept)), "hashing", console=console, transient=True, disable=not console.is_terminal)
    )
    return damage(custody, kept, lambda: next(ticks, None) and None)


def _restore(custody: "Custody", kept: "Sequence[KeptFile]", folder: Path) -> None:
    from pipelines.custody_records import restore

    written = restore(custody, kept, folder)
    note(f"{counted(len(written), 'file')} copied to {shown(folder)}")


def _show(kept: "Sequence[KeptFile]", *, verified: bool) -> None:
    if not kept:
        say("No file was received yet.")
        return
    table = plain_table(
        "received (UTC)", "form", "file", "bytes", "sha256", "runs", "last seen (UTC)", "last run",
        right=("bytes", "runs"), unbroken=("received (UTC)", "bytes", "sha256", "last seen (UTC)", "last run"),
    )  # fmt: skip
    for file in kept:
        table.add_row(*map(_plain, _cells(file)))
    put(table)
    say(f"\n{counted(len(kept), 'file')}{', all whole' if verified else ''}", "dim")


def _cells(file: "KeptFile") -> tuple[str, ...]:
    return (
        _minute(file.received),
        file.form,
        file.name,
        f"{file.size:,}",
        file.sha256[:SHORT],
        str(len(file.runs)),
        _minute(file.last_seen),
        file.runs[-1][:SHORT],
    )


def _plain(text: str) -> object:
    from rich.text import Text

    return Text(text)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _refuse(trial: str, problems: "list[Problem]") -> None:
    from data_contracts.errors import StorageError

    if problems:
        raise StorageError(f"The custody of {trial} is damaged.", problems)
