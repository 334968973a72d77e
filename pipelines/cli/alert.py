"""`srt alert`: tell people what they have not been told yet. Not here: noticing (pipelines.watch), sending."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import AsJson
from pipelines.cli.output import counted, note, print_json, say, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.home import Home

Test = Annotated[bool, typer.Option("--test", help="Send a test message to everybody alerts.toml names.")]
Init = Annotated[
    bool, typer.Option("--init", help="Write a template of alerts.toml, unless there is a file.")
]


def alert(test: Test = False, init: Init = False, as_json: AsJson = False) -> None:
    """Tell whom alerts.toml names of failed nights, recovery and silence; once each.

    The daemon does this by itself each minute; without it, let cron call this after `srt run --all`.
    """
    from pipelines.home import find_home

    home = find_home().ready()
    if init:
        _write(home)
        return
    refused = _test(home) if test else _look(home)
    _tell(refused, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def _write(home: "Home") -> None:
    from pipelines.alert_settings import FILE, write_template

    was_there = (home.root / FILE).exists()
    path = write_template(home.root)
    say(f"{shown(path)} {'is there already; it was left as it is' if was_there else 'was written'}.")
    note("Fill it in, then `srt alert --test`.")


def _test(home: "Home") -> "Mapping[str, str]":
    """Send a test message; a file with mistakes is told as such."""
    from pipelines.alert_settings import load_settings
    from pipelines.alerts import send_test

    if not load_settings(home.root).channels:
        return {"alerts.toml": "it names nobody; `srt alert --init` writes a template"}
    return send_test(home).refused


def _look(home: "Home") -> "Mapping[str, str]":
    import dagster as dg

    from pipelines.alert_settings import load_settings
    from pipelines.noticing import tell_of_all_failures
    from pipelines.undelivered import read
    from pipelines.watch import look_around

    load_settings(home.root)  # a file with mistakes is told as such
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        tell_of_all_failures(instance, home)
        note(look_around(instance, home))
    return {one.channel: one.why for one in read(home)}


def _tell(refused: "Mapping[str, str]", *, as_json: bool) -> None:
    if as_json:
        print_json({"status": "refused" if refused else "success", "refused": dict(refused)})
        return
    for channel, why in refused.items():
        say(f"{channel}: {why}", "bold red", stderr=True)
    if refused:
        say(f"{counted(len(refused), 'channel')} did not take the message; it is kept.", "red", stderr=True)
    else:
        say("All messages were taken.")
