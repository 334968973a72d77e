"""`srt new-trial`: a commented trial file to start from. Not here: what a trial may say (spec)."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import say, shown

TEMPLATE = Path(__file__).parents[1] / "templates" / "new_trial.toml"
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="Where to write; else the first folder of SRT_TRIALS, else ./trials."),
]


def new_trial(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    folder: Folder = None,
) -> None:
    """Write a commented trial file to fill in.

    NAME has small letters, digits and _; the file is NAME.toml. Nothing is overwritten.
    """
    _must_be_free(name)
    into = folder or own_folder()
    path = into / f"{name}.toml"
    _write_new(path, filled(name))
    say(f"Wrote {shown(path)}. Fill it in from top to bottom, then:")
    if into.resolve() not in _searched():
        say(f"  export SRT_TRIALS={into.resolve()}   # so that srt finds the trial")
    say(f"  srt check {name}")


def own_folder() -> Path:
    """Return the folder of a unit's own trial files: the first of SRT_TRIALS, else ./trials."""
    first = next((part for part in os.environ.get("SRT_TRIALS", "").split(os.pathsep) if part), "")
    return Path(first).expanduser() if first else Path.cwd() / "trials"


def filled(name: str) -> str:
    """Return the template's text for a trial of that name."""
    title = name.replace("_", " ").capitalize()
    return TEMPLATE.read_text(encoding="utf-8").replace("@NAME@", name).replace("@TITLE@", title)


def _searched() -> set[Path]:
    from data_contracts.load import trial_folders

    return {folder.resolve() for folder in trial_folders()}


def _must_be_free(name: str) -> None:
    from data_contracts.errors import PlanError, Problem
    from data_contracts.load import trial_files

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        expected = "small letters, digits and _, a letter first"
        raise PlanError(f"{name!r} can't be a trial's name.", [Problem("NAME", repr(name), expected)])
    if path := trial_files().get(name):
        problem = Problem(
            "NAME", str(path), "a name that no trial has", "Choose another name, or edit that file."
        )
        raise PlanError(f"There is a trial named {name!r} already.", [problem])


def _write_new(path: Path, text: str) -> None:
    from data_contracts.errors import PlanError, Problem

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        problem = Problem(
            str(path),
            "a file",
            "no file of that name",
            "Nothing was written; move it or choose another name.",
        )
        raise PlanError(f"{path.name} exists already.", [problem]) from None
