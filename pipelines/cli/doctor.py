"""`srt doctor`: is this installation able to run? Not here: the questions (pipelines.doctor)."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import counted, plain_table, print_json, put, say

if TYPE_CHECKING:
    from pipelines.doctor_answer import Answer

STYLES = {"ok": "green", "warning": "yellow", "failure": "bold red"}


Quick = Annotated[bool, typer.Option("--quick", help="Leave out Dagster's daemon, schedules and runs.")]


def doctor(quick: Quick = False, as_json: AsJson = False) -> None:
    """Look for what would stop a run, and say what to do."""
    from pipelines.doctor import examine
    from pipelines.home import find_home

    answers = list(examine(find_home(), quick=quick))
    failures = sum(answer.level == "failure" for answer in answers)
    if as_json:
        print_json(
            {"status": "failure" if failures else "ok", "answers": [asdict(answer) for answer in answers]}
        )
    else:
        _show(answers, failures)
    if failures:
        raise typer.Exit(1)


def _show(answers: "list[Answer]", failures: int) -> None:
    from rich.text import Text

    table = plain_table("", "question", "found, and what to do")
    for answer in answers:
        found = Text(answer.found)
        if answer.remedy:
            found.append(f"\n{answer.remedy}", style=STYLES[answer.level])
        table.add_row(Text(answer.level, style=STYLES[answer.level]), Text(answer.question), found)
    put(table)
    warnings = sum(answer.level == "warning" for answer in answers)
    say()
    say(
        f"{counted(failures, 'failure')}, {counted(warnings, 'warning')}.",
        "bold red" if failures else "bold green",
    )
