"""The list of the commands. Not here: what they do (a file each)."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from pipelines.cli.alert import alert
from pipelines.cli.audit import audit
from pipelines.cli.changes import changes
from pipelines.cli.contract import contract
from pipelines.cli.data import example, simulate
from pipelines.cli.doctor import doctor
from pipelines.cli.files import files
from pipelines.cli.fit import fit
from pipelines.cli.impute import impute
from pipelines.cli.lock import lock, unlock
from pipelines.cli.new_trial import new_trial
from pipelines.cli.pseudonym import pseudonym
from pipelines.cli.queries import queries
from pipelines.cli.report import report
from pipelines.cli.results import results
from pipelines.cli.run import check, run
from pipelines.cli.tidy import tidy
from pipelines.cli.trials import trials
from pipelines.cli.ui import ui
from pipelines.cli.unblind import unblind

EXIT_CODES = """Exit codes: 0 done · 1 unexpected error, or doctor found something · 2 wrong usage ·
3 plan or request error · 4 read error · 5 contract failure (data withheld) · 6 estimation failure ·
7 storage error · 8 busy · 130 stopped."""
PANELS = {
    "A trial": (run, check, contract, report, results, files, changes),
    "Blinding and trail": (lock, unlock, unblind, pseudonym, audit),
    "One model on one file": (fit, impute),
    "Data to try it with": (simulate, example),
    "A trials unit": (trials, new_trial, ui, doctor, alert, tidy),
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
app.add_typer(queries, name="queries", rich_help_panel="A trial")
