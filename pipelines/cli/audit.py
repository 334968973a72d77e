"""`srt audit`: what was done, by whom, when and why; and whether the log is whole. Not here: the log."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.arguments import AsJson, MaybeTrialName
from pipelines.cli.output import counted, plain_table, print_json, put, say

if TYPE_CHECKING:
    from data_contracts.audit_chain import Entry, Flaw
    from pipelines.home import Home

Since = Annotated[
    str, typer.Option("--since", metavar="DATE", help="From this day or time on, as 2026-01-31 (UTC).")
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check that no line was changed, taken out or put in.")
]


def audit(
    trial: MaybeTrialName = None, since: Since = "", verify: Verify = False, as_json: AsJson = False
) -> None:
    """List what was done, by whom, when and why; or verify the log.

    TRIAL is a name from `srt trials`; without one, everything.
    """
    from pipelines.audit import listed
    from pipelines.home import find_home

    if verify:
        _verify(find_home(), as_json=as_json)
        return
    found = listed(find_home(), trial or "", since)
    if as_json:
        print_json({"entries": [asdict(entry) for entry in found]})
        return
    _show(found)


def _show(found: "list[Entry]") -> None:
    from rich.text import Text

    table = plain_table("line", "UTC", "who", "trial", "what", "why and facts", right=("line",))
    for entry in found:
        cells = (str(entry.seq), entry.time[:19].replace("T", " "), entry.who, entry.trial, entry.what)
        table.add_row(*(Text(cell) for cell in cells), Text("; ".join(_said(entry))))
    put(table)
    say(f"\n{counted(len(found), 'line')}", "dim")


def _said(entry: "Entry") -> list[str]:
    facts = [f"{name} {_brief(value)}" for name, value in entry.facts.items()]
    return [*([entry.why] if entry.why else []), *facts]


def _brief(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}…" if len(text) in {40, 64} and " " not in text else text


def _verify(home: "Home", *, as_json: bool) -> None:
    from pipelines.audit import verified
    from pipelines.lock import witnesses

    count, flaws = verified(home, witnesses(home))
    if as_json:
        status = "damaged" if flaws else "whole"
        print_json({"status": status, "lines": count, "flaws": [asdict(flaw) for flaw in flaws]})
    else:
        _tell(count, flaws)
    if flaws:
        raise typer.Exit(1)


def _tell(count: int, flaws: "list[Flaw]") -> None:
    for flaw in flaws:
        say(str(flaw), "bold red")
    if flaws:
        say("\nRestore audit/ from the last backup that verifies, and find out who wrote to it.")
    else:
        say(f"{counted(count, 'line')}, each as it was written, none missing.", "green")
