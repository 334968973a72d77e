"""`srt tidy`: remove what is older than each trial keeps it. Not here: what may go (pipelines.retention)."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson, MaybeTrialName, load
from pipelines.cli.output import plain_table, print_json, put, say

if TYPE_CHECKING:
    from pipelines.retention import Removal

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def tidy(
    trial: MaybeTrialName = None, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Remove nights, copies and runs older than each trial keeps them ([retention] in its file).

    What the accepted records or a lock need stays, whatever its age. TRIAL is a name from `srt trials`.
    """
    if as_json and not (dry_run or yes):
        raise typer.BadParameter("with --json, give --dry-run or --yes: nobody can be asked")
    from pipelines.home import find_home
    from pipelines.tidying import tidied, what_may_go
    from pipelines.trials import load_all

    home = find_home().ready()
    trials = [load(trial)] if trial else [one.trial for one in load_all()[0]]
    with what_may_go(home, trials) as found:
        if not as_json:
            _show(found)
        asked = bool(found) and not dry_run and not yes
        refused = asked and not typer.confirm("Remove them?", default=False, err=True)
        done = [] if dry_run or refused else tidied(home, found)
    if as_json:
        print_json({"status": "success", "dry_run": dry_run, "removed": _told(done), "may_go": _told(found)})
    elif done:
        say(f"{_megabytes(sum(one.size for one in done))} freed.", "bold green")


def _show(found: "list[Removal]") -> None:
    if not found:
        say("Nothing is older than it is kept.")
        return
    table = plain_table("trial", "what", "number", "frees", right=("number", "frees"))
    for one in found:
        table.add_row(one.trial, one.what, f"{one.number:,}", _megabytes(one.size))
    put(table)
    say()


def _told(found: "list[Removal]") -> list[dict[str, object]]:
    return [{"trial": f.trial, "what": f.what, "number": f.number, "bytes": f.size} for f in found]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
