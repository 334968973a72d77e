"""Time the reading of a large export beside the library's own, in one process and in turn.

    .venv/bin/python -m benchmarks --section reading
    .venv/bin/python -m benchmarks.reading --rows 200000

Ours ends with a form typed by its contract, with the reasons of its missing codes; the library's with its frame.
The ratio is the figure to read. Memory is each one's peak in a process of its own, with its children's.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROWS, COLUMNS, SEED = 1_000_000, 40, 20251123
AIM = 1.3  # times the library's own time
RUNS = 5
PLAN = {"name": "demo", "title": "", "description": "", "plan_version": "1", "seed": 1}
ARMS = [{"code": code, "label": ""} for code in ("A", "B")]
VISITS = [{"code": code, "label": "", "month": 0} for code in ("pre", "m9")]
EMPTY = {"outcomes": {}, "populations": {}, "primary_estimand": "none", "estimands": {}, "analyses": {}}
TEXTS = {
    "site": ("NOR", "BIR", "LAN", "SUS"),
    "visit": ("pre", "m9", "m15", "m24"),
    "note": ("", "called twice", "moved house", "no answer at the door today"),
}
DATES, SCORES, ITEMS = ("seen", "entered"), 6, 28


@dataclass(frozen=True, slots=True)
class Kind:
    """A format, what writes a file of it, and the library's own way to read it."""

    format: str
    write: Callable[[Path, int], None]
    library: Callable[[Path], Any]
    library_name: str


def types() -> dict[str, str]:
    """Return the contract's type of each of the 40 columns."""
    numbers = {f"score{n}": "number" for n in range(SCORES)} | {f"item{n}": "integer" for n in range(ITEMS)}
    return {
        "participant": "text",
        **dict.fromkeys(TEXTS, "category"),
        **dict.fromkeys(DATES, "date"),
        **numbers,
    }


def write_sav(path: Path, n_rows: int, **how: bool) -> None:
    """Write a trial-like SPSS file: identifiers, codes, dates, scores, items with a code for refused."""
    import numpy as np
    import pandas as pd
    import pyreadstat

    rng = np.random.default_rng(SEED)
    columns: dict[str, Any] = {"participant": [f"P{n // 4:06d}" for n in range(n_rows)]}
    columns |= {name: rng.choice(values, n_rows) for name, values in TEXTS.items()}
    columns |= {name: 13_800_000_000 + 86_400.0 * rng.integers(0, 1000, n_rows) for name in DATES}
    for n in range(SCORES):
        scores = np.round(rng.gamma(2, 10, n_rows), 2)
        columns[f"score{n}"] = np.where(rng.random(n_rows) < 0.05, np.nan, scores)
    for n in range(ITEMS):
        answers = np.where(rng.random(n_rows) < 0.05, np.nan, rng.integers(0, 7, n_rows))
        columns[f"item{n}"] = np.where(rng.random(n_rows) < 0.01, -99.0, answers)
    pyreadstat.write_sav(
        pd.DataFrame(columns),
        path,
        variable_format=dict.fromkeys(DATES, "DATE11"),
        missing_ranges={f"item{n}": [-99] for n in range(ITEMS)},
        **how,
    )


def library_sav(path: Path) -> Any:
    """Return what pyreadstat reads, as its documentation has it."""
    import pyreadstat

    return pyreadstat.read_sav(path)


def write_csv(path: Path, n_rows: int) -> None:
    """Write a CSV of the same kind of columns; text with a comma is in quotes, as exports have it."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(SEED)
    columns: dict[str, Any] = {"participant": [f"P{n // 4:06d}" for n in range(n_rows)]}
    columns |= {name: rng.choice(values, n_rows) for name, values in TEXTS.items()}
    columns["note"] = rng.choice(["", "called twice, no answer", "moved to Zürich"], n_rows)
    columns |= {
        name: (np.datetime64("2020-01-01") + rng.integers(0, 1000, n_rows)).astype(str) for name in DATES
    }
    for n in range(SCORES):
        scores = np.char.mod("%.2f", rng.gamma(2, 10, n_rows))
        columns[f"score{n}"] = np.where(rng.random(n_rows) < 0.05, "", scores)
    for n in range(ITEMS):
        answers = np.where(rng.random(n_rows) < 0.05, "", rng.integers(0, 7, n_rows).astype(str))
        columns[f"item{n}"] = np.where(rng.random(n_rows) < 0.01, "-99", answers)
    _write_quoted_where_needed(path, pa.table(columns))


def _write_quoted_where_needed(path: Path, table: Any) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=50_000):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def library_csv(path: Path) -> Any:
    """Return what pyarrow reads, typed by its own look at the columns."""
    from pyarrow import csv

    return csv.read_csv(path)


def library_csv_declared(path: Path) -> Any:
    """Return what pyarrow reads with the types told to it."""
    import pyarrow as pa
    from pyarrow import csv

    arrow = {"text": pa.string(), "category": pa.string(), "date": pa.date32()}
    arrow |= {"number": pa.float64(), "integer": pa.int64()}
    told = {name: arrow[kind] for name, kind in types().items()}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=told))


KINDS = {
    "sav": Kind("sav", write_sav, library_sav, "pyreadstat.read_sav"),
    "sav, packed": Kind("sav", partial(write_sav, row_compress=True), library_sav, "pyreadstat.read_sav"),
    "zsav": Kind("sav", partial(write_sav, compress=True), library_sav, "pyreadstat.read_sav"),
    "csv": Kind("csv", write_csv, library_csv, "pyarrow.csv.read_csv"),
    "csv, types told": Kind("csv", write_csv, library_csv_declared, "pyarrow.csv.read_csv, types told"),
}


def ours(path: Path, format_: str) -> Any:
    """Return the form, as a night reads it."""
    from data_contracts.readers.trial import read_received
    from data_contracts.readers.vouched import Received
    from data_contracts.spec import Trial

    columns: dict[str, Any] = {name: {"type": kind} for name, kind in types().items()}
    if format_ == "csv":  # an SPSS file declares its own
        columns |= {f"item{n}": {"type": "integer", "missing": {"-99": "refused"}} for n in range(ITEMS)}
    form = {
        "label": "",
        "kind": "visits",
        "file": path.name,
        "format": format_,
        "key": [],
        "columns": columns,
    }
    trial = Trial.model_validate({**PLAN, "arms": ARMS, "visits": VISITS, "forms": {"form": form}, **EMPTY})
    received = Received(path, path.name, datetime(2026, 1, 1, tzinfo=UTC))
    return read_received({"form": received}, trial)["form"]


def compare(path: Path, kind: Kind, runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds of our reading and of the library's, taken in turn; the first turn is not counted."""
    mine, theirs = [], []
    for turn in range(runs + 1):
        a = _seconds(lambda: ours(path, kind.format))
        b = _seconds(lambda: kind.library(path))
        if turn:
            mine.append(a)
            theirs.append(b)
    return mine, theirs


def _seconds(read: Callable[[], Any]) -> float:
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


def peak_megabytes(path: Path, kind: str, whose: str) -> float:
    """Return the most memory that one reading held, its child processes included, shared pages counted once."""
    command = [sys.executable, "-m", "benchmarks.reading", "--once", whose, kind, str(path)]
    with subprocess.Popen(command) as process:
        peak, done = [0.0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, done))
        watcher.start()
        process.wait()
        done.set()
        watcher.join()
    return peak[0]


def _watch(pid: int, peak: list[float], done: threading.Event) -> None:
    while not done.wait(0.05):
        peak[0] = max(peak[0], sum(_proportional(one) for one in _family(pid)))


def _family(pid: int) -> list[int]:
    """Return a process and all below it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue
    return found


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def print_table(n_rows: int = ROWS, runs: int = RUNS, only: str = "") -> None:
    """Print the table of formats."""
    print(f"Reading {n_rows:,} rows of {COLUMNS} columns ({os.cpu_count()} processors).")
    print("| format | ours, median (min to max) | library | ratio | aim | our peak | library's peak |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="srt-bench-") as folder:
        for name, kind in KINDS.items():
            if only in name:
                path = Path(folder) / f"form.{kind.format}"
                kind.write(path, n_rows)
                print(_row(path, name, kind, runs), flush=True)


def _row(path: Path, name: str, kind: Kind, runs: int) -> str:
    mine, theirs = compare(path, kind, runs)
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    spread = f"{statistics.median(mine):.2f} s ({min(mine):.2f} to {max(mine):.2f})"
    other = f"{kind.library_name} {statistics.median(theirs):.2f} s"
    peaks = [peak_megabytes(path, name, whose) for whose in ("ours", "library")]
    return f"| {name} | {spread} | {other} | {ratio:.2f} | {AIM} | {peaks[0]:.0f} MB | {peaks[1]:.0f} MB |"


def main() -> None:
    """Print the table, or read once for the memory's sake."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="formats whose name holds this text")
    parser.add_argument("--once", nargs=3, metavar=("WHOSE", "FORMAT", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        whose, name, path = options.once
        kind = KINDS[name]
        ours(Path(path), kind.format) if whose == "ours" else kind.library(Path(path))
        return
    print_table(options.rows, options.runs, options.only)


if __name__ == "__main__":
    main()
