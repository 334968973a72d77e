"""`srt pseudonym`: what a participant is called here. Not here: making pseudonyms (data_contracts.privacy)."""

from typing import Annotated

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.output import print_json, say

Identifier = Annotated[str, typer.Argument(metavar="ID")]


def pseudonym(trial: TrialName, identifier: Identifier, as_json: AsJson = False) -> None:
    """Say the pseudonym of a participant's identifier; there is no way back.

    TRIAL is a name from `srt trials`, ID an identifier as the exports have it.
    """
    from pipelines.blinding import pseudonym_of
    from pipelines.home import find_home

    found = pseudonym_of(find_home().ready(), load(trial), identifier)
    if as_json:
        print_json({"trial": trial, "pseudonym": found})
    else:
        say(found)
