"""Time the whole report of the demonstration trial from stored results: what a run still does once they are there.

    .venv/bin/python -m benchmarks --section report
    .venv/bin/python -m benchmarks.report --home FOLDER --cpu    one process, on a state folder that has run

Each run is a fresh process, as a night is: matplotlib's start and its fonts are part of it; Dagster, pandas and the
results are there before, as in a run. `--cpu` counts processor time, for a machine that does other things too.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TRIAL = "demo"
AIM = 5.0  # seconds
RUNS = 5
SRT = str(Path(sys.executable).parent / "srt")
MADE = {"run_id": "a benchmark", "triggered_by": "a benchmark"}


class Stopwatch:
    """Seconds by part, in the order they were first spent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Add the time of what is inside to a part."""
        started = self.clock()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + self.clock() - started


def measure(home: Path, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Return the seconds of each part of one report: final and open, HTML and Word, exports, in this process."""
    watch = Stopwatch(clock)
    content, analysis_set = _content(home)
    with watch.of("imports"):
        _import_all()
    with watch.of("figures"):
        _first_figure()
    _watch_sections(watch)
    _watch("analysis.reporting.html", "render_html", "html", watch)
    _watch("analysis.reporting.word", "render_word", "word", watch)
    for name in ("results_csv", "results_parquet", "analysis_set_files"):
        _watch("analysis.reporting.exports.files", name, "exports", watch)
    started = clock()
    known = sum(watch.seconds.values())
    files = _files(content, analysis_set)
    with tempfile.TemporaryDirectory() as folder, watch.of("writing"):
        importlib.import_module("pipelines.published").publish(Path(folder), files)
    rest = clock() - started - (sum(watch.seconds.values()) - known)
    watch.seconds["tables as CSV, figures as files, the rest"] = rest
    return watch.seconds


def _import_all() -> None:
    for name in ("matplotlib.figure", "docx", "jinja2", "great_tables", "pyreadstat"):
        importlib.import_module(name)


def _content(home: Path) -> tuple[Any, Any]:
    from data_contracts.load import find_trial, load_trial
    from pipelines import store

    hop, trial = importlib.import_module("assets.report"), load_trial(find_trial(TRIAL))
    inputs = {name: store.read_tables(home / "store" / TRIAL / name) for name in hop.INPUTS}
    folder = home / "reports" / TRIAL
    made = {**MADE, "time": datetime(2000, 1, 1, tzinfo=UTC)}
    content = hop._content(trial, inputs, made, folder / "report.html", folder / "validation")  # noqa: SLF001 - as the hop itself does
    return content, inputs["analysis_set"].frames["analysis_set"]


def _first_figure() -> None:
    """Draw an empty figure: fonts are found and read once in a process."""
    look = importlib.import_module("analysis.reporting.figures.look")
    look.picture(look.blank(2, 2)[0], "none", "None", "Nothing")


def _files(content: Any, analysis_set: Any) -> Any:
    from analysis.reporting.document import make_report
    from assets.report_files import report_files

    return report_files(content, make_report(content), analysis_set)


def _watch(module: str, name: str, part: str, watch: Stopwatch) -> None:
    """Let a function's time be added to a part."""
    held = importlib.import_module(module)
    whole: Callable[..., Any] = getattr(held, name)

    def timed(*given: Any, **named: Any) -> Any:
        with watch.of(part):
            return whole(*given, **named)

    setattr(held, name, timed)


def _watch_sections(watch: Stopwatch) -> None:
    """Let the time of each block of a section be added to the figures or to the tables and text."""
    held = importlib.import_module("analysis.reporting.sections")
    kinds = {"picture": "figures", "flow": "figures"}

    def timed(blocks: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
        def of(content: Any) -> Iterator[Any]:
            made = iter(blocks(content))
            while True:
                started = watch.clock()
                block = next(made, None)
                part = kinds.get(getattr(block, "kind", ""), "tables and text")
                watch.seconds[part] = watch.seconds.get(part, 0.0) + watch.clock() - started
                if block is None:
                    return
                yield block

        return of

    for audience, parts in held.PARTS.items():
        held.PARTS[audience] = tuple((name, title, timed(blocks)) for name, title, blocks in parts)


def print_table(runs: int = RUNS) -> None:
    """Print the seconds of each part, medians of fresh processes."""
    with tempfile.TemporaryDirectory(prefix="srt-bench-") as home:
        environment = {**os.environ, "SRT_HOME": home}
        subprocess.run([SRT, "run", TRIAL], env=environment, check=True, capture_output=True)
        command = [sys.executable, "-m", "benchmarks.report", "--home", home]
        told = [subprocess.run(command, check=True, capture_output=True).stdout for _ in range(runs + 1)]
    measured = [json.loads(one) for one in told[1:]]  # the first warms the disk cache
    print("\n| the report of the demo trial, final and open | seconds, median (min to max) |")
    print("|---|---|")
    for part in measured[0]:
        print(_line(part, [one[part] for one in measured]))
    totals = [sum(one.values()) for one in measured]
    print(
        _line("whole", totals) + f" at most {AIM} s: {'met' if statistics.median(totals) < AIM else 'MISSED'}"
    )


def _line(name: str, seconds: list[float]) -> str:
    return f"| {name} | {statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f}) |"


def main() -> None:
    """Print one process's seconds by part as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    print(json.dumps(measure(options.home, time.process_time if options.cpu else time.perf_counter)))


if __name__ == "__main__":
    main()
