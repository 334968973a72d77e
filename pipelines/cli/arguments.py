"""Arguments and options that several commands share. Not here: commands."""

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data_contracts.spec import Trial


@dataclass(slots=True)
class Invocation:
    """What the error handler must know of a command line: does it want JSON, and about which trial?"""

    json: bool = False
    trial: str = ""


def _remember_json(ctx: typer.Context, value: bool) -> bool:
    ctx.ensure_object(Invocation).json = value
    return value


def _remember_trial(ctx: typer.Context, value: str | None) -> str | None:
    ctx.ensure_object(Invocation).trial = value or ""
    return value


AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        is_eager=True,
        callback=_remember_json,
        help="Print one JSON object on stdout, nothing else.",
    ),
]
# click 8.5 drops typer's help of an argument: the commands' own texts say what TRIAL is
TrialName = Annotated[str, typer.Argument(metavar="TRIAL", callback=_remember_trial)]
MaybeTrialName = Annotated[
    str | None, typer.Argument(metavar="[TRIAL]", callback=_remember_trial, show_default=False)
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace the files; the old ones are moved beside, not deleted.")
]


def load(name: str) -> "Trial":
    """Return a trial by its name.

    Raises:
        PlanError: no trial has that name (names near it are suggested), or its file has mistakes.
    """
    from data_contracts.load import trial_files, unknown_trial
    from pipelines.trials import load_named

    known = list(trial_files())
    near = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.6)
    if name not in known and near:
        meant = " or ".join(f"`{other}`" for other in near)
        raise unknown_trial(name, known, f"Did you mean {meant}?")
    return load_named(name).trial
