"""`srt lock`, `srt unlock`: what a trial's results are to be made of. Not here: freezing it (pipelines.lock)."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.arguments import AsJson, TrialName, load
from pipelines.cli.confirming import By, Why, Yes, confirm, signed
from pipelines.cli.output import note, print_json, say

if TYPE_CHECKING:
    from data_contracts.spec import Trial
    from pipelines.lock import Deed, Standing

Status = Annotated[bool, typer.Option("--status", help="Only say how the trial stands.")]


def lock(
    trial: TrialName, by: By = "", why: Why = "", status: Status = False, as_json: AsJson = False
) -> None:
    """Freeze data, plan, program and packages; later runs that differ say so.

    TRIAL is a name from `srt trials`. Its last report must be of what there is now.
    """
    from pipelines.home import find_home
    from pipelines.index_page import refresh_index
    from pipelines.lock import lock as freeze
    from pipelines.lock import standing

    plan = load(trial)
    if status:
        _show(plan, standing(find_home(), trial), as_json=as_json)
        return
    signed(by, why)
    home = find_home().ready()
    _show(plan, freeze(home, plan, by, why), as_json=as_json)
    refresh_index(home)


def unlock(trial: TrialName, by: By = "", why: Why = "", yes: Yes = False, as_json: AsJson = False) -> None:
    """Take a trial's lock off again; the audit log keeps it, and why it went.

    TRIAL is a name from `srt trials`.
    """
    from pipelines.home import find_home
    from pipelines.index_page import refresh_index
    from pipelines.lock import unlock as release

    plan = load(trial)
    signed(by, why)
    confirm(
        f"The lock of {trial} will be taken off. Results made before it is locked again are not final.",
        yes=yes,
    )
    home = find_home().ready()
    _show(plan, release(home, plan, by, why), as_json=as_json)
    refresh_index(home)


def _show(plan: "Trial", found: "Standing", *, as_json: bool) -> None:
    """Print how a trial stands."""
    state = found.state_of(plan)
    if as_json:
        deeds = {"lock": _plain(found.lock), "unblinding": _plain(found.unblinding)}
        print_json({"trial": plan.name, "state": state, **deeds})
        return
    say(f"{plan.name}: {state}", "bold")
    if state == "open":
        note(f"  {plan.blinding.open_because}")
    for what, deed in (("locked", found.lock), ("unblinded", found.unblinding)):
        if deed:
            say(f"  {what} {deed.time[:19].replace('T', ' ')} UTC by {deed.by}: {deed.why}")
    if found.lock:
        for name, value in found.lock.hashes.items():
            say(f"  {name:<14}{value}")


def _plain(deed: "Deed | None") -> dict[str, Any] | None:
    from dataclasses import asdict

    return asdict(deed) if deed else None
