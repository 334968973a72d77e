"""Time and peak memory of the mixed-model engine beside statsmodels and R, a fresh process for each case.

    make bench                                                    with the commands' table
    .venv/bin/python -m benchmarks --section mixed --write        this table alone, into docs/performance_mixed.md
    .venv/bin/python -m benchmarks.mixed --only engine --largest 20000

A case reads its simulated trial from a file, runs once to warm up, then until SECONDS are spent (at least once, at
most RUNS times); the medians count. On a shared machine read the processor's time, one thread's: it does not grow
when others wait for the same cores. Memory is the process's peak, interpreter, libraries and data included. This
module imports the standard library alone: the peak of a child would otherwise start from its parent's.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20251123
RUNS, SECONDS = 15, 20.0
VISITS = 5
SIZES = (200, 2_000, 20_000, 200_000)
STREAMED = 2_353_000  # participants, about 10 million rows
FORMULA = "hours ~ base*visit + site + sex + arm*visit"
TARGET = Path(__file__).resolve().parents[1] / "docs" / "performance_mixed.md"
BEGIN, END = "<!-- begin: python -m benchmarks --section mixed -->", "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Case:
    """What is run, by what, on how many participants; `aim` is in seconds."""

    what: str
    program: str  # a key of PROGRAMS, or of R
    participants: int
    aim: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each run after the first, by the clock and of the processor, and the peak; `why` there is none."""

    seconds: tuple[float, ...] = ()
    processor: tuple[float, ...] = ()
    first: float = float("nan")
    megabytes: float = float("nan")
    why: str = ""


# --- data -------------------------------------------------------------------------


def draw(participants: int, first: int) -> Any:
    """A simulated trial, 15 % of visits lost to dropout: the frame of participants numbered from `first`."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng([SEED, first])
    visit = np.arange(VISITS)
    sd = 3.0 * np.sqrt(1.0 + 0.2 * visit)
    covariance = 0.7 ** np.abs(visit[:, None] - visit) * np.outer(sd, sd)
    base, arm = rng.normal(size=participants), rng.integers(0, 2, participants)
    noise = rng.standard_normal((participants, VISITS)) @ np.linalg.cholesky(covariance).T
    hours = 10.0 + 2.0 * base[:, None] + 0.5 * arm[:, None] * visit + noise
    stays = np.where(rng.random(participants) < 0.3, rng.integers(1, VISITS, participants), VISITS)
    person, seen = np.nonzero(visit < stays[:, None])
    labels = pd.Index([f"v{number}" for number in range(VISITS)])
    therapist = np.where(arm == 1, (np.arange(participants) % 12).astype(str), "none")
    return pd.DataFrame(
        {
            "id": person + first,
            "visit": pd.Categorical.from_codes(seen, labels),
            "arm": pd.Categorical.from_codes(arm[person], pd.Index(["UC", "SRT"])),
            "sex": pd.Categorical.from_codes(rng.integers(0, 2, participants)[person], pd.Index(["f", "m"])),
            "site": pd.Categorical.from_codes(
                rng.integers(0, 4, participants)[person], pd.Index(list("abcd"))
            ),
            "therapist": therapist[person],
            "base": base[person],
            "hours": hours[person, seen],
        }
    )


def write_data(participants: int, folder: Path) -> None:
    """The same trial as Parquet and, up to the largest size in memory, as CSV for R."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target, writer = folder / f"{participants}.parquet", None
    for first in range(0, participants, 100_000):
        frame = draw(min(100_000, participants - first), first)
        if participants <= SIZES[-1]:
            frame.to_csv(folder / f"{participants}.csv", mode="a", header=first == 0, index=False)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


# --- what is timed, in a child process ------------------------------------------------


def engine(data: Any, path: Path) -> None:
    """From a frame in memory to coefficients and contrasts by Kenward-Roger."""
    from analysis.mixed import MMRM

    del path
    fit = MMRM.from_formula(FORMULA, data, subject="id", visit="visit").fit(df="kenward-roger")
    assert fit.convergence.ok
    assert fit.params.notna().all()
    assert fit.contrasts("arm", by="visit", reference="UC")["df"].notna().all()


def mixedlm(data: Any, path: Path) -> None:
    """Random intercept by statsmodels."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    del path
    assert MixedLM.from_formula(FORMULA, data, groups="id").fit(reml=True).converged


def stream(data: Any, path: Path) -> None:
    """The same fit from a file, in batches."""
    from analysis.mixed import MMRM

    del data
    model = MMRM.from_parquet(path, FORMULA, subject="id", visit="visit")
    fit = model.fit(df="kenward-roger")
    assert fit.convergence.ok
    fit.contrasts("arm", by="visit", reference="UC")


def influence(data: Any, path: Path) -> None:
    """Every participant left out once, covariance parameters kept; the fit included."""
    from analysis.mixed import MMRM

    del path
    fit = MMRM.from_formula(FORMULA, data, subject="id", visit="visit").fit()
    assert len(fit.influence("id")) == data["id"].nunique()


def jackknife(data: Any, path: Path) -> None:
    """Every participant left out once, everything fitted again; the full fit included."""
    from analysis.mixed import MMRM

    del path
    fit = MMRM.from_formula(FORMULA, data, subject="id", visit="visit").fit()
    assert (fit.leave_one_out()["status"] == "converged").all()


def therapist(data: Any, path: Path) -> None:
    """Unstructured over visits and a random therapist in one arm, by Kenward-Roger."""
    from analysis.mixed import MMRM

    del path
    acts = {"therapist": "arm == 'SRT'"}
    fit = MMRM.from_formula(FORMULA, data, subject="id", visit="visit", random=acts).fit(df="kenward-roger")
    assert fit.convergence.ok
    fit.contrasts("arm", by="visit", reference="UC")


PROGRAMS: dict[str, Callable[[Any, Path], None]] = {
    "engine": engine,
    "statsmodels MixedLM": mixedlm,
    "engine, stream": stream,
    "engine, influence": influence,
    "engine, jackknife": jackknife,
    "engine, therapist": therapist,
}
R_START = """
arguments <- commandArgs(TRUE)
data <- read.csv(arguments[1], stringsAsFactors = TRUE)
data$arm <- relevel(data$arm, "UC"); data$id <- factor(data$id); data$time <- as.integer(data$visit)
limit <- as.numeric(arguments[2]); runs <- as.integer(arguments[3])
"""
R_END = """
now <- function() { times <- proc.time(); c(times[["elapsed"]], times[["user.self"]] + times[["sys.self"]]) }
once <- function() { gc(FALSE); start <- now(); one(); now() - start }
first <- once()[1]; seconds <- NULL; start <- now()[1]
while (length(seconds) == 0 || (nrow(seconds) < runs && now()[1] - start < limit && first < limit)) {
  seconds <- rbind(seconds, once())
}
listed <- function(values) paste(sprintf("%.6f", values), collapse = ", ")
cat(sprintf('{"first": %.6f, "seconds": [%s], "processor": [%s]}', first, listed(seconds[, 1]), listed(seconds[, 2])))
"""
R = {
    "R lme4::lmer": """
library(lme4)
one <- function() { fit <- lmer(hours ~ base*visit + site + sex + arm*visit + (1 | id), data); fixef(fit); vcov(fit) }
""",
    "R nlme::gls": """
library(nlme)
one <- function() { fit <- gls(hours ~ base*visit + site + sex + arm*visit, data, method = "REML",
  correlation = corSymm(form = ~ time | id), weights = varIdent(form = ~ 1 | visit)); coef(fit); vcov(fit) }
""",
}
FIT = "us, Kenward–Roger, contrasts"
AIMS = dict(zip(SIZES, (0.015, 0.030, None, 0.6), strict=True))
CASES = (
    *(Case(FIT, "engine", n, AIMS[n]) for n in SIZES),
    *(Case("random intercept", "statsmodels MixedLM", n) for n in SIZES[:3]),
    *(Case("random intercept", "R lme4::lmer", n) for n in SIZES),
    *(Case("us", "R nlme::gls", n) for n in SIZES[:2]),
    Case("us + therapist in one arm, Kenward–Roger, contrasts", "engine, therapist", 300, 0.1),
    Case("us, each participant left out (θ kept)", "engine, influence", 200, 1.0),
    Case("us, each participant left out, fitted again", "engine, jackknife", 200, 1.0),
    Case(f"{FIT}, streamed from Parquet", "engine, stream", STREAMED, 10.0),
)


def run_here(program: str, path: Path) -> None:
    """The child: time one program and print what was found as JSON."""
    import pandas as pd

    one = PROGRAMS[program]
    data = None if program == "engine, stream" else pd.read_parquet(path)

    def once() -> tuple[float, float]:
        start, processor = time.perf_counter(), time.process_time()
        one(data, path)
        return time.perf_counter() - start, time.process_time() - processor

    runs: list[tuple[float, float]] = []
    (first, _), start = once(), time.perf_counter()
    while not runs or (len(runs) < RUNS and time.perf_counter() - start < SECONDS and first < SECONDS):
        runs.append(once())
    seconds, processor = zip(*runs, strict=True)
    print(json.dumps({"first": first, "seconds": seconds, "processor": processor}))


# --- the parent -----------------------------------------------------------------------


def why_not(case: Case) -> str:
    """Why a case can't be run here; empty where it can."""
    if case.program in R:
        return "" if shutil.which("Rscript") else "no Rscript"
    if case.program == "engine, stream":
        return "" if _has("from_parquet") else "not built"
    return ""


def _has(name: str) -> bool:
    code = f"from analysis.mixed import MMRM; raise SystemExit(not hasattr(MMRM, {name!r}))"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def measure(case: Case, folder: Path) -> Measured:
    """Time and peak memory of a case in a process of its own."""
    if why := why_not(case):
        return Measured(why=why)
    _ensure_data(case.participants, folder)
    if case.program in R:
        script = folder / "case.R"
        script.write_text(R_START + R[case.program] + R_END, encoding="utf-8")
        data = folder / f"{case.participants}.csv"
        command = ["Rscript", str(script), str(data), str(SECONDS), str(RUNS)]
    else:
        data = folder / f"{case.participants}.parquet"
        command = [sys.executable, "-m", "benchmarks.mixed", "--child", case.program, "--data", str(data)]
    return _in_process(command)


def _ensure_data(participants: int, folder: Path) -> None:
    if not (folder / f"{participants}.parquet").exists():
        arguments = ["--simulate", str(participants), "--data", str(folder)]
        subprocess.run([sys.executable, "-m", "benchmarks.mixed", *arguments], check=True)


def _in_process(command: list[str]) -> Measured:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **threads})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            return Measured(why=f"failed: {err.read().strip().splitlines()[-1:]}")
        found = json.loads(out.read().strip().splitlines()[-1])
    return Measured(
        tuple(found["seconds"]), tuple(found["processor"]), found["first"], usage.ru_maxrss / 1024
    )


def line(case: Case, measured: Measured) -> str:
    """A row of the table."""
    head = f"| {case.what} | {case.program} | {case.participants:,} |"
    aim = "" if case.aim is None else _seconds(case.aim)
    if measured.why:
        return f"{head} {measured.why} | | | | {aim} |"
    middle, processor = statistics.median(measured.seconds), statistics.median(measured.processor)
    times = f"{_seconds(middle)} | {_seconds(processor)} | {_seconds(measured.first)}"
    return f"{head} {times} | {measured.megabytes:,.0f} MB | {aim} |"


def _seconds(value: float) -> str:
    return f"{1000 * value:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def table(only: str, largest: int) -> Iterator[str]:
    """The rows as they are measured."""
    yield "| model | program | participants | median | processor | first | peak memory | aim |"
    yield "|---|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="srt-bench-mixed-") as folder:
        for case in CASES:
            if only in case.program and case.participants <= largest:
                yield line(case, measure(case, Path(folder)))


def load() -> str:
    """Of the last minute, all users of the machine."""
    return f"{os.getloadavg()[0]:.1f}"


def machine() -> str:
    """Where and with what it was measured."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, one thread each; load {load()} at the start; "
        f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, seed {SEED}."
    )


def write(text: str, target: Path) -> None:
    """Put the text between the markers of a page."""
    before, rest = target.read_text(encoding="utf-8").split(BEGIN)
    target.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def print_table(*, only: str = "", largest: int = STREAMED, into_docs: bool = False) -> None:
    """Measure, print as it goes, and write the page where asked."""
    rows = [machine(), ""]
    print("\n".join(rows), flush=True)
    for row in table(only, largest):
        print(row, flush=True)
        rows.append(row)
    rows += ["", f"Load at the end: {load()}."]
    print("\n".join(rows[-2:]))
    if into_docs:
        write("\n".join(rows), TARGET)


def main() -> None:
    """The table; in a child process, one case or its data."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="programs whose name holds this text")
    parser.add_argument("--largest", type=int, default=STREAMED, help="most participants")
    parser.add_argument("--write", action="store_true", help="into docs/performance_mixed.md")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--simulate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_here(options.child, options.data)
    elif options.simulate:
        write_data(options.simulate, options.data)
    else:
        print_table(only=options.only, largest=options.largest, into_docs=options.write)


if __name__ == "__main__":
    main()
