"""The list of the commands. Not here: what they do (a file each)."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from pipelines.cli.data import example, simulate
from pipelines.cli.doctor import doctor
from pipelines.cli.fit import fit
from pipelines.cli.new_trial import new_trial
from pipelines.cli.report import report
from pipelines.cli.results import results
from pipelines.cli.run import check, run
from pipelines.cli.trials import trials
from pipelines.cli.ui import ui

EXIT_CODES = """Exit codes: 0 done · 1 unexpected error, or doctor found something · 2 wrong usage ·
3 plan or request error · 4 read error · 5 contract failure (data withheld) · 6 estimation failure ·
7 storage error · 8 busy · 130 stopped."""
PANELS = {
    "A trial": (run, check, report, results),
    "One model on one file": (fit,),
    "Data to try it with": (simulate, example),
    "A trials unit": (trials, new_trial, ui, doctor),
}

app = typer.Typer(
    name="srt",
    help="Data pipeline for trials of Social Recovery Therapy: SPSS and CSV in, comparison and report out.",
    epilog=EXIT_CODES.replace("\n", " "),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"srt {version('srt-trials')}")
    except PackageNotFoundError:
        typer.echo("srt (not installed: run from its folder)")
    raise typer.Exit


@app.callback()
def _srt(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Data pipeline for trials of Social Recovery Therapy: SPSS and CSV in, comparison and report out."""


for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
