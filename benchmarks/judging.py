"""Time and peak memory of judging a million records, beside pandera and plain polars on the same checks.

    .venv/bin/python -m benchmarks --section judging
    .venv/bin/python -m benchmarks.judging --rows 100000

pandera and polars are no dependencies of srt: an interpreter that has them may be named by SRT_BENCH_PYTHON, and
what is not installed is said to be. A case reads its table from a file and judges it once; the medians of RUNS such
processes count. srt judges as a night does, in its worker process once that has done its imports, and makes the query
listing; its memory is that of both processes. The others list the failing records of each check, and no more.
On a shared machine read the processor's time: it does not grow when others wait for the same cores.
This module imports the standard library alone: the peak of a child would otherwise start from its parent's.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS, DAYS, SHARE_BAD, RUNS = 1_000_000, 100, 0.001, 3
SEED = 20251123
AIM_SECONDS, AIM_MEGABYTES, AIM_DEMO = 6.0, 2_000, 1.5
INTEGERS = [f"item_{i}" for i in range(1, 13)]
PARTS = [f"part_{i}" for i in range(1, 7)]
NUMBERS = [*PARTS, "total", *(f"rating_{i}" for i in range(1, 9))]
ANSWERS = [f"answer_{i}" for i in range(1, 9)]
PLAN = """
title = "A diary"
description = "A form of 40 columns and a record a day, to be judged."
plan_version = "1"
seed = 1
primary_estimand = "e"
unblinding_words = ["SRT", "control group"]
dates_in_order = [["diary.seen", "diary.entered"], ["allocation.randomised_on", "diary.seen"]]
arms = [{ code = "UC", label = "Usual care", reference = true }, { code = "SRT", label = "SRT", therapy = true }]
visits = [
    { code = "base", label = "Baseline", month = 0, baseline = true },
    { code = "m9", label = "9 months", month = 9 },
]
[forms.participants]
label = "Participants"
kind = "participants"
file = "p.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { type = "text", required = true }
[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "a.csv"
format = "csv"
key = ["participant"]
date = "randomised_on"
[forms.allocation.columns]
participant = { type = "text" }
randomised_on = { type = "date" }
arm = { type = "text" }
[forms.diary]
label = "Diary"
kind = "visits"
file = "d.csv"
format = "csv"
key = ["participant", "day"]
date = "seen"
totals = { total = [@PARTS@] }
[forms.diary.columns]
@COLUMNS@
[outcomes.hours]
label = "Hours"
form = "diary"
column = "total"
better = "higher"
[populations.all]
label = "All"
[estimands.e]
label = "E"
clause = "1"
treatment = "SRT against UC"
population = "all"
outcome = "hours"
visit = "m9"
summary = "difference in means"
intercurrent_events = [{ event = "stopping", strategy = "treatment policy" }]
[analyses.primary]
label = "Model"
estimand = "e"
estimator = "mmrm"
role = "primary"
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is timed: it returns how much it found; and the process number of its worker, if it has one."""

    judged: Callable[[], int]
    child: int | None = None


# --- the trial and its data -------------------------------------------------------


def plan() -> str:
    """Return the trial file: 40 columns, about 60 rules on their values beside one per column's presence."""
    columns = [
        'participant = { type = "text", required = true, severity = "critical" }',
        'day = { type = "integer", range = [1, 1000], required = true }',
        'seen = { type = "date", required = true }',
        'entered = { type = "date" }',
        'note = { type = "text", free_text = true }',
    ]
    required = {*INTEGERS[:5], *NUMBERS[:5], *ANSWERS[:3]}
    for name in (*INTEGERS, *NUMBERS):
        kind, high = ("integer", 10) if name in INTEGERS else ("number", 1008 if name == "total" else 168)
        needed = ", required = true" if name in required else ""
        columns.append(f'{name} = {{ type = "{kind}", range = [0, {high}]{needed} }}')
    labels = '{ a = "A", b = "B", c = "C", d = "D" }'
    for name in ANSWERS:
        needed = ", required = true" if name in required else ""
        columns.append(f'{name} = {{ type = "category", labels = {labels}{needed} }}')
    parts = ", ".join(f'"{part}"' for part in PARTS)
    return PLAN.replace("@PARTS@", parts).replace("@COLUMNS@", "\n".join(columns))


def draw(rows: int) -> dict[str, Any]:
    """Return the forms' tables: a record per participant and day, one cell in a thousand wrong, some missing."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(SEED)
    people = max(1, rows // DAYS)
    who, day = np.repeat(np.arange(people), DAYS)[:rows], np.tile(np.arange(1, DAYS + 1), people)[:rows]
    names = pd.Series([f"P{i:06d}" for i in range(people)], dtype="str")
    start = np.datetime64("2024-01-01", "s")

    def picked(texts: list[str]) -> Any:
        return pd.Series(texts, dtype="str").take(rng.integers(0, len(texts), rows)).reset_index(drop=True)

    seen = pd.Series(start + day * np.timedelta64(86_400, "s"))
    diary = pd.DataFrame(
        {
            "participant": names.take(who).reset_index(drop=True),
            "day": pd.Series(day, dtype="Int64"),
            "seen": seen,
            "entered": seen + pd.Timedelta(days=1),
            "note": picked(["", "Tired", "Interview by telephone", "Parent present"]),
            **{name: pd.Series(rng.integers(0, 11, rows), dtype="Int64") for name in INTEGERS},
            **{name: pd.Series(np.round(rng.random(rows) * 400) / 4) for name in NUMBERS},
            **{name: picked(list("abcd")) for name in ANSWERS},
        }
    )
    diary["total"] = sum(diary[part] for part in PARTS)
    n_bad = round(rows * SHARE_BAD)
    wrong = {"note": "met her SRT therapist", "seen": start - np.timedelta64(365, "D")}
    wrong |= {"entered": start - np.timedelta64(400, "D")}
    wrong |= {name: 99 if name in INTEGERS else 9999.0 for name in (*INTEGERS, *NUMBERS)}
    wrong |= dict.fromkeys(ANSWERS, "z")
    for name, value in wrong.items():
        diary.loc[rng.choice(rows, n_bad, replace=False), name] = value
    for name in (*INTEGERS[:5], *ANSWERS[:3]):
        diary.loc[rng.choice(rows, n_bad // 5, replace=False), name] = None
    allocation = pd.DataFrame({"participant": names, "randomised_on": start, "arm": "UC"})
    allocation.loc[1::2, "arm"] = "SRT"
    return {"participants": names.to_frame("participant"), "allocation": allocation, "diary": diary}


def prepare(rows: int, folder: Path) -> None:
    """Write the tables, the trial file and, for the others, the checks on the diary's values."""
    for name, frame in draw(rows).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "diary_trial.toml").write_text(plan(), encoding="utf-8")
    from data_contracts.load import load_trial
    from data_contracts.suites import rules_of

    rules = [rule for rule in rules_of(load_trial(folder / "diary_trial.toml")) if rule.form == "diary"]
    told = [
        {"check": rule.check, "columns": rule.columns, **{k: _plain(v) for k, v in rule.arguments.items()}}
        for rule in rules
        if rule.check in CHECKS
    ]
    (folder / "checks.json").write_text(json.dumps(told), encoding="utf-8")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# --- what is timed ----------------------------------------------------------------


def srt(folder: Path) -> Prepared:
    """Return the judging of all forms with the verdict and its queries, and the memory of both processes."""
    from datetime import UTC, datetime

    import pandas as pd

    from data_contracts.forms import ROW, ReadForm, SourceFile
    from data_contracts.judge_process import Judge
    from data_contracts.load import load_trial
    from data_contracts.suites import rules_of
    from data_contracts.verdict import verdict_of

    trial = load_trial(folder / "diary_trial.toml")
    forms, made = {}, datetime(2026, 1, 1, tzinfo=UTC)
    for name in trial.forms:
        values = pd.read_parquet(folder / f"{name}.parquet")
        values.index = pd.RangeIndex(1, len(values) + 1, name=ROW)
        unreadable = pd.DataFrame({"row": [], "column": [], "found": [], "expected": []})
        source = SourceFile(name, "", 0, made)
        forms[name] = ReadForm(name, values, pd.DataFrame(index=values.index), unreadable, source)
    rules, child = rules_of(trial), Judge.start()
    child.judge({"participants": forms["participants"]}, trial, rules)  # after its imports

    def judged() -> int:
        verdict = verdict_of(forms, trial, child.judge(forms, trial, rules))
        return len(verdict.queries)

    return Prepared(judged, child.pid)


def pandera(folder: Path) -> Prepared:
    """Return the same checks by pandera on pandas, all failures listed."""
    import pandas as pd
    import pandera.pandas as pa

    frame, known = pd.read_parquet(folder / "diary.parquet"), _known(folder)
    randomised = frame["participant"].map(known)
    columns: dict[str, list[Any]] = {name: [] for name in frame}
    whole, needed, unique = [], set(), []
    for one in _checks(folder):
        first, check = one["columns"][0], one["check"]
        if check == "not_missing":
            needed.add(first)
        elif check == "unique":
            unique = one["columns"]
        elif check in {"adds_up", "in_order"}:
            whole.append(_of_a_row(pa, one, randomised))
        else:
            columns[first].append(_of_a_value(pa, one, known))
    made = {name: pa.Column(checks=checks, nullable=name not in needed) for name, checks in columns.items()}
    schema = pa.DataFrameSchema(made, checks=whole, unique=unique)

    def judged() -> int:
        try:
            schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            return len(errors.failure_cases)
        return 0

    return Prepared(judged)


def _of_a_value(pa: Any, one: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if one["check"] == "between":
        return pa.Check.in_range(one["low"], one["high"])
    if one["check"] == "in_set":
        return pa.Check.isin(one["values"])
    if one["check"] == "known":
        return pa.Check(lambda column: column.isin(known))
    pattern = rf"(?i)(?<!\w)(?:{'|'.join(one['words'])})(?!\w)"
    return pa.Check(lambda column: ~column.str.contains(pattern, regex=True))


def _of_a_row(pa: Any, one: Mapping[str, Any], randomised: Any) -> Any:
    if one["check"] == "adds_up":
        total, *parts = one["columns"]
        return pa.Check(lambda frame: (frame[total] - frame[parts].sum(axis=1)).abs() <= 1e-6)
    if one["earlier"].startswith("diary."):
        return pa.Check(lambda frame: frame["seen"] <= frame["entered"])
    return pa.Check(lambda frame: frame["seen"] >= randomised)


def polars(folder: Path) -> Prepared:
    """Return the same checks as polars expressions, the failing records' numbers listed."""
    import polars as pl

    frame, known = pl.read_parquet(folder / "diary.parquet"), _known(folder)
    first_day = next(iter(known.values()))  # all are randomised on one day
    broken = []
    for one in _checks(folder):
        column, check = pl.col(one["columns"][0]), one["check"]
        if check == "not_missing":
            wrong = column.is_null()
        elif check == "between":
            wrong = ~column.is_between(one["low"], one["high"])
        elif check in {"in_set", "known"}:
            wrong = ~column.is_in(list(known) if check == "known" else one["values"])
        elif check == "unique":
            wrong = pl.struct(one["columns"]).is_duplicated()
        elif check == "no_words":
            wrong = column.str.contains(rf"(?i)\b(?:{'|'.join(one['words'])})\b")
        elif check == "adds_up":
            wrong = (column - pl.sum_horizontal(one["columns"][1:])).abs() > 1e-6
        elif one["earlier"].startswith("diary."):
            wrong = pl.col("seen") > pl.col("entered")
        else:
            wrong = pl.col("seen") < pl.lit(first_day)
        rows = pl.arg_where(wrong.fill_null(value=False)).implode()
        broken.append(rows.alias(str(len(broken))))

    def judged() -> int:
        return sum(len(rows) for rows in frame.select(broken).row(0))

    return Prepared(judged)


def demo(folder: Path) -> Prepared:
    """Return the whole check of the demonstration trial, its pages included, after imports and reading."""
    from analysis.simulation.srt_trial import simulate_trial
    from data_contracts.judge_process import Judge
    from data_contracts.load import find_trial, load_trial
    from data_contracts.readers import read_trial
    from data_contracts.suites import rules_of
    from data_contracts.verdict import verdict_of
    from data_contracts.writers.export import export_form

    trial = load_trial(find_trial("demo"))
    simulated, landing = simulate_trial(trial), Path(tempfile.mkdtemp(dir=folder))
    for form in trial.forms.values():
        export_form(simulated.forms[form.name], form, trial, landing)
    forms, child = read_trial(landing, trial), Judge.start()
    child.judge({}, trial, ())  # after its imports

    def judged() -> int:
        findings = child.judge(forms, trial, rules_of(trial), landing / "docs")
        return len(verdict_of(forms, trial, findings).queries)

    return Prepared(judged, child.pid)


CHECKS = ("not_missing", "between", "in_set", "unique", "no_words", "known", "adds_up", "in_order")
CASES: Mapping[str, Callable[[Path], Prepared]] = {
    "srt": srt,
    "pandera": pandera,
    "polars": polars,
    "demo": demo,
}
ALIEN = ("pandera", "polars")


def _checks(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
    return found


def _known(folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "allocation.parquet", columns=["participant", "randomised_on"])
    return dict(zip(*(table.column(i).to_pylist() for i in range(2)), strict=True))


def _peak(child: int | None) -> float:
    """Return the peak memory of this process and of its worker, in MB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if child is None:
        return own
    lines = Path(f"/proc/{child}/status").read_text(encoding="utf-8").splitlines()
    return own + next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _processor(child: int | None) -> float:
    """Return the processor's seconds of this process and of its worker."""
    own = time.process_time()
    if child is None:
        return own
    fields = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- running ----------------------------------------------------------------------


def measure(case: str, folder: Path) -> dict[str, float]:
    """Return what one case took once, in this process."""
    prepared = CASES[case](folder)
    started, begun = time.perf_counter(), _processor(prepared.child)
    found = prepared.judged()
    return {
        "seconds": time.perf_counter() - started,
        "processor": _processor(prepared.child) - begun,
        "megabytes": _peak(prepared.child),
        "found": found,
    }


def apart(case: str, folder: Path) -> dict[str, float] | None:
    """Return the medians of RUNS processes, one case in each; None where a library is not installed."""
    python = os.environ.get("SRT_BENCH_PYTHON", sys.executable) if case in ALIEN else sys.executable
    command = [python, "-m", "benchmarks.judging", "--case", case, "--folder", str(folder)]
    home = Path(__file__).resolve().parents[1]
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        done = subprocess.run(command, capture_output=True, check=False, cwd=home, text=True)
        if done.returncode and "ModuleNotFoundError" in done.stderr:
            return None
        if done.returncode:
            sys.exit(f"{case} failed:\n{done.stderr}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def print_table(rows: int = ROWS) -> None:
    """Measure every case and print the table."""
    with tempfile.TemporaryDirectory(prefix="srt-bench-") as home:
        folder = Path(home)
        make = [sys.executable, "-m", "benchmarks.judging", "--case", "prepare", "--folder", home]
        subprocess.run([*make, "--rows", str(rows)], check=True)
        print(f"| judging {rows:,} records of 40 columns | seconds | of the processor | MB | found | aim |")
        print("|---|---|---|---|---|---|")
        for case in CASES:
            aim = f"{AIM_SECONDS:g} s, {AIM_MEGABYTES:,} MB" if case == "srt" else ""
            name = "demo, its 8 forms, with pages" if case == "demo" else case
            aim = f"{AIM_DEMO:g} s" if case == "demo" else aim
            print(line(name, apart(case, folder), aim), flush=True)


def line(name: str, told: dict[str, float] | None, aim: str) -> str:
    """Return a row of the table."""
    if told is None:
        return f"| {name} | not installed | | | | |"
    seconds = f"{told['seconds']:.2f} | {told['processor']:.2f}"
    return f"| {name} | {seconds} | {told['megabytes']:,.0f} | {told['found']:,.0f} | {aim} |"


def main() -> None:
    """Print the table, or measure one case for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--case", choices=("prepare", *CASES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case == "prepare":
        prepare(options.rows, options.folder)
    elif options.case:
        print(json.dumps(measure(options.case, options.folder)), flush=True)
        os._exit(0)  # the worker ends with its input
    else:
        print_table(options.rows)


if __name__ == "__main__":
    main()
