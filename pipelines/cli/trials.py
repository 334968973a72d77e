"""`srt trials`: every trial there is, and how it stands. Not here: a trial's content (data_contracts)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import counted, note, out, plain_table, print_json, put, say, shown

if TYPE_CHECKING:
    from rich.text import Text

    from pipelines.standings import Standing

WIDE = 110  # columns of a terminal from which there is room for titles and files
STYLES = {
    "done": "green",
    "withheld": "bold red",
    "failed": "bold red",
    "damaged": "bold red",
    "not estimated": "yellow",
    "plan error": "bold red",
}
Page = Annotated[bool, typer.Option("--page", help="Write the index page anew, and say where it is.")]


def trials(page: Page = False, as_json: AsJson = False) -> None:
    """List the trials: arms, primary outcome, last run, how it ended."""
    from dataclasses import asdict

    from pipelines.home import find_home
    from pipelines.standings import standings

    home, written = find_home(), None
    if page:
        from pipelines.index_page import write_index

        written = write_index(home.ready())
        note(f"Index page: {shown(written)}")
    found = [one for one, _ in standings(home)]
    if as_json:
        said = {"trials": [asdict(one) for one in found]}
        print_json({"page": written, **said} if page else said)
        return
    put(_table(found, wide=out().width >= WIDE))
    say()
    for one in found:
        if one.mistakes:
            say(f"`srt check {one.trial}` lists the mistakes in {shown(one.file)}.", "yellow")
    say(f"Exports arrive in {shown(home.root / 'landing')}/TRIAL", "dim")


def _table(standings: "list[Standing]", *, wide: bool) -> Any:
    """Return a row per trial; where there is room, with its title and its file."""
    headers = ("trial", "arms", "primary outcome", "last run", "status", "blinding")
    table = plain_table(*headers, "file") if wide else plain_table(*headers)
    for one in standings:
        cells = _cells(one, wide=wide)
        table.add_row(*(cells if wide else cells[:-1]))
    return table


def _cells(one: "Standing", *, wide: bool) -> "tuple[Text, ...]":
    from rich.text import Text

    name = Text(one.trial, style="bold")
    if wide and one.title:
        name.append(f"\n{one.title}", style="not bold dim")
    when = f"{one.last_run.astimezone():%Y-%m-%d %H:%M}" if one.last_run else ""
    primary = f"{one.outcome}, {one.visit}" if one.outcome else ""
    status = counted(one.mistakes, "mistake") if one.mistakes else one.status
    state = Text(status, style=STYLES.get(one.status, "dim"))
    if one.silent_days is not None:
        state.append(f"\nno new data for {one.silent_days} days", style="yellow")
    return (
        name,
        Text(", ".join(one.arms)),
        Text(primary),
        Text(when),
        state,
        Text(one.state, style="dim"),
        Text(_file(one.file), style="dim"),
    )


def _file(path: Path) -> str:
    from data_contracts.load import SHIPPED_TRIALS

    return "shipped" if path.parent == SHIPPED_TRIALS else shown(path)
