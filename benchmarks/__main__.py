"""Time whole commands beside the plain imports they can't do without, in turn, and print a table.

    make bench                       all rows, and the mixed-model engine's table (benchmarks.mixed)
    .venv/bin/python -m benchmarks --runs 9 --only run --section commands
    .venv/bin/python -m benchmarks --section mixed --write

The ratio is the figure to read: it holds when the machine's speed drifts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import imputation, judging, mixed, reading, report

PYTHON = sys.executable
SRT = str(Path(PYTHON).parent / "srt")


@dataclass(frozen=True, slots=True)
class Row:
    """A command, the command it is held against, and the most it may take of it (or of seconds)."""

    name: str
    command: tuple[str, ...]
    against: tuple[str, ...] | None
    limit: float
    prepare: tuple[str, ...] = ()


def imports(*modules: str) -> tuple[str, ...]:
    """Return a command that imports modules and does nothing else."""
    return (PYTHON, "-c", "; ".join(f"import {module}" for module in modules))


HEAVY = imports("dagster", "great_expectations", "statsmodels.api", "matplotlib.figure")
DEMO, REAL = "demo", "beat_the_blues"
ROWS = (
    Row("srt --help", (SRT, "--help"), None, 0.4),
    Row("definitions load", imports("pipelines.definitions"), imports("dagster", "pandas"), 1.2),
    Row("srt run demo", (SRT, "run", DEMO), HEAVY, 1.4, (SRT, "simulate", DEMO)),
    Row("srt run beat_the_blues", (SRT, "run", REAL), HEAVY, 1.4, (SRT, "example", REAL)),
    Row("unchanged night", (SRT, "run", DEMO, "--if-changed"), imports("dagster"), 1.5, (SRT, "run", DEMO)),
)


def seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Return the wall time of one run of a command."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    elapsed = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return elapsed


def measure(row: Row, runs: int, environment: dict[str, str]) -> tuple[list[float], list[float]]:
    """Return the wall times of a row's command and of what it is held against, taken in turn."""
    if row.prepare:
        seconds(row.prepare, environment)
    mine, theirs = [], []
    for turn in range(runs + 1):  # the first turn warms the disk cache and is not counted
        a = seconds(row.command, environment)
        b = seconds(row.against, environment) if row.against else float("nan")
        if turn:
            mine.append(a)
            theirs.append(b)
    return mine, theirs


def line(row: Row, mine: list[float], theirs: list[float]) -> str:
    """Return a row of the table."""
    median = statistics.median(mine)
    spread = f"{median:6.2f} s ({min(mine):.2f} to {max(mine):.2f})"
    if row.against is None:
        return f"| {row.name} | {spread} | | | at most {row.limit} s |"
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    other = f"{statistics.median(theirs):6.2f} s"
    return f"| {row.name} | {spread} | {other} | {ratio:.2f} | at most {row.limit} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument(
        "--section",
        choices=("all", "commands", "judging", "mixed", "reading", "imputation", "report"),
        default="all",
    )
    parser.add_argument(
        "--write", action="store_true", help="into docs/performance_*.md, those that have a page"
    )
    options = parser.parse_args()
    if options.section in {"all", "commands"}:
        print_commands(options)
    if options.section in {"all", "judging"}:
        judging.print_table()
    if options.section in {"all", "mixed"}:
        mixed.print_table(only=options.only, into_docs=options.write)
    if options.section in {"all", "reading"}:
        reading.print_table(only=options.only)
    if options.section in {"all", "report"}:
        report.print_table()
    if options.section in {"all", "imputation"}:
        imputation.print_table(only=options.only, into_docs=options.write)


def print_commands(options: argparse.Namespace) -> None:
    """Print the table of whole commands."""
    with tempfile.TemporaryDirectory(prefix="srt-bench-") as home:
        environment = {**os.environ, "SRT_HOME": home}
        print("| command | median (min to max) | plain imports | ratio | aim |")
        print("|---|---|---|---|---|")
        for row in ROWS:
            if options.only in row.name:
                print(line(row, *measure(row, options.runs, environment)), flush=True)


if __name__ == "__main__":
    main()
