"""`srt unblind`: the true allocation, for good or of one participant. Not here: keeping it apart (blinding)."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.arguments import TrialName, load
from pipelines.cli.confirming import By, Why, Yes, confirm, signed
from pipelines.cli.output import counted, note, plain_table, put, say

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.home import Home

Emergency = Annotated[
    str,
    typer.Option("--emergency", metavar="PARTICIPANT", help="Only say one participant's arm, here and now."),
]
Queries = Annotated[
    bool,
    typer.Option("--queries", help="Only list in full the queries that tell somebody's arm, here and now."),
]
FOR_GOOD = (
    "From the next run on, {trial}'s tables, results and report will have the true allocation. "
    "This can't be undone: who has seen it has seen it."
)
ONE = "The arm of one participant of {trial} will be shown on this terminal, and the audit log will say so."
THEIR_QUERIES = (
    "Queries that tell arms of {trial} will be shown on this terminal, and the audit log will say so."
)


def unblind(
    trial: TrialName,
    *,
    by: By = "",
    why: Why = "",
    emergency: Emergency = "",
    queries: Queries = False,
    yes: Yes = False,
) -> None:
    """Let runs use the true allocation from now on; only of a locked trial.

    TRIAL is a name from `srt trials`. With --emergency one participant's arm is shown, with --queries what is
    asked about the allocation; nothing changes by either.
    """
    from pipelines.home import find_home

    plan, home = load(trial), find_home().ready()
    signed(by, why)
    if emergency:
        from pipelines.blinding import arm_of

        confirm(ONE.format(trial=trial), yes=yes)
        say(arm_of(home, plan, emergency, by, why))
    elif queries:
        confirm(THEIR_QUERIES.format(trial=trial), yes=yes)
        _show_queries(plan, home, by, why)
    else:
        confirm(FOR_GOOD.format(trial=trial), yes=yes)
        _for_good(plan, home, by, why)


def _show_queries(plan: "Trial", home: "Home", by: str, why: str) -> None:
    """Print what is asked about the allocation, in full."""
    from rich.text import Text

    from data_contracts.blinded_verdict import revealing_queries
    from pipelines.blinding import full_queries

    found = revealing_queries(full_queries(home, plan, by, why), plan)
    shown = ("form", "row", "participant", "visit", "field", "value", "rule")
    table = plain_table(*shown)
    for record in found[list(shown)].itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in record))
    put(table)
    say(f"\n{counted(len(found), 'query', 'queries')}", "dim")


def _for_good(plan: "Trial", home: "Home", by: str, why: str) -> None:
    from pipelines.index_page import refresh_index
    from pipelines.lock import unblind as reveal_all

    done = reveal_all(home, plan, by, why)
    refresh_index(home)
    say(f"{plan.name} is unblinded, by {by}.", "bold")
    if done.lock:
        note(f"  lock of {done.lock.time[:19].replace('T', ' ')} UTC, audit line {done.lock.line[:12]}…")
    note(f"  `srt run {plan.name}` makes its report with the true allocation.")
