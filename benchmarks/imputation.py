"""Time of reference-based imputation on a trial of the antidepressant trial's size, beside R's rbmi where it is.

    .venv/bin/python -m benchmarks --section imputation --write

In one process after the imports, each case once to warm up and then until SECONDS are spent (at most RUNS times);
medians. From a frame in memory to pooled contrasts: arranging, base model, refits, imputation, analysis, pooling.
"""

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mixed import _seconds, load, machine

SEED, RUNS, SECONDS = 20251123, 15, 10.0
TARGET = Path(__file__).resolve().parents[1] / "docs" / "performance_imputation.md"
BEGIN, END = "<!-- begin: python -m benchmarks --section imputation -->", "<!-- end -->"
LARGER = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """What is run on how many participants; `aim` in seconds, `r` what rbmi does for it."""

    what: str
    run: Callable[[Any], Any]
    participants: int
    aim: float | None = None
    r: str = ""


def draw(participants: int) -> Any:
    """A trial of four visits: a quarter of participants leave, some gaps; blank where missing."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng([SEED, participants])
    visit = np.arange(4)
    covariance = 0.7 ** np.abs(visit[:, None] - visit) * 30.0
    base, arm = rng.normal(18, 5, participants), np.arange(participants) % 2
    y = -2.0 * visit - 0.3 * base[:, None] - 0.8 * arm[:, None] * visit
    y = y + rng.standard_normal((participants, 4)) @ np.linalg.cholesky(covariance).T
    stays = np.where(rng.random(participants) < 0.25, rng.integers(1, 4, participants), 4)
    y[(visit >= stays[:, None]) | ((rng.random(y.shape) < 0.01) & (visit > 0))] = np.nan
    person = np.repeat(np.arange(participants), 4)
    columns = {
        "id": person,
        "arm": np.array(["UC", "SRT"])[arm[person]],
        "base": base[person],
        "change": y.ravel(),
    }
    return pd.DataFrame(columns).assign(visit=np.tile(["4", "5", "6", "7"], participants))


def _base(frame: Any, strategy: str) -> Any:
    from analysis.imputation import Roles, after_last_observed, arranged, base_model

    roles = Roles("change", "id", "visit", "arm", "UC", ["base*visit"], ["base"])
    outcomes = arranged(frame, roles)
    return base_model(outcomes, after_last_observed(outcomes, strategy))


def jackknife(frame: Any) -> Any:
    """Conditional means, every participant left out."""
    from analysis.imputation import ancova, leave_units_out

    base = _base(frame, "j2r")
    return leave_units_out(base).pooled(ancova(base.outcomes))


def drawn(m: int) -> Callable[[Any], Any]:
    """Approximate Bayes with m imputations."""

    def run(frame: Any) -> Any:
        from analysis.imputation import ancova, approximate_bayes

        base = _base(frame, "j2r")
        return approximate_bayes(base, m=m, seed=1).pooled(ancova(base.outcomes))

    return run


def gibbs(frame: Any) -> Any:
    """A hundred imputations from Gibbs draws."""
    from analysis.imputation import ancova, bayes

    base = _base(frame, "j2r")
    return bayes(base, m=100, seed=1).pooled(ancova(base.outcomes))


def bootstrap(frame: Any) -> Any:
    """Conditional means of 500 bootstrap samples."""
    from analysis.imputation import ancova, resample_units

    base = _base(frame, "j2r")
    return resample_units(base, samples=500, seed=1).pooled(ancova(base.outcomes))


def mixed_model(frame: Any) -> Any:
    """A hundred imputations, each analysed by the mixed model."""
    from analysis.imputation import MmrmAnalysis, approximate_bayes

    base = _base(frame, "j2r")
    return approximate_bayes(base, m=100, seed=1).pooled(MmrmAnalysis(base.outcomes))


def tipping(frame: Any) -> Any:
    """A grid of 5 by 5 deltas and the tipping points, from one jackknife."""
    from analysis.imputation import ancova, delta_grid, leave_units_out, tipping_points

    base = _base(frame, "mar")
    sets, analyse = leave_units_out(base), ancova(base.outcomes)
    delta_grid(sets, base.events, analyse, {"SRT": [0, 1, 2, 3, 4], "UC": [0, 1, 2, 3, 4]})
    return tipping_points(sets, base.events, analyse, "SRT")


CASES = (
    Case("conditional mean + jackknife, jump to reference", jackknife, 172, 1.0, "jackknife"),
    Case("approximate Bayes, M = 100", drawn(100), 172, 0.5, "approxbayes 100"),
    Case("approximate Bayes, M = 1000", drawn(1000), 172, 4.0, "approxbayes 1000"),
    Case("Gibbs draws, M = 100", gibbs, 172),
    Case("conditional mean + bootstrap, 500 samples", bootstrap, 172),
    Case("approximate Bayes, M = 100, mixed model of each", mixed_model, 172),
    Case("jackknife, grid of 25 deltas, tipping points", tipping, 172),
    Case("conditional mean + jackknife, jump to reference", jackknife, LARGER),
    Case("approximate Bayes, M = 100", drawn(100), LARGER),
)
R = """
suppressMessages(library(rbmi))
arguments <- commandArgs(TRUE)
data <- read.csv(arguments[1]); data$id <- factor(data$id); data$visit <- factor(data$visit)
data$arm <- factor(data$arm, c("UC", "SRT"))
last <- sapply(split(data, data$id), function(d) max(which(!is.na(d$change))))
left <- names(last)[last < 4]
ice <- data.frame(id = left, visit = levels(data$visit)[last[left] + 1], strategy = "JR")
vars <- set_vars(subjid = "id", visit = "visit", outcome = "change", group = "arm", strategy = "strategy",
                 covariates = c("base*visit", "arm*visit"))
kind <- strsplit(arguments[2], " ")[[1]]
method <- if (kind[1] == "jackknife") method_condmean(type = "jackknife") else
  method_approxbayes(n_samples = as.integer(kind[2]))
started <- proc.time()[["elapsed"]]
set.seed(1)
found <- draws(data, ice, vars, method, quiet = TRUE)
imputed <- impute(found, references = c(SRT = "UC", UC = "UC"))
vars$covariates <- "base"
result <- pool(analyse(imputed, ancova, vars = vars))
cat(sprintf('{"seconds": %.3f}', proc.time()[["elapsed"]] - started))
"""


def measure(case: Case, frame: Any) -> tuple[float, float, float]:
    """Median seconds by the clock and of the processor, and the first run's by the clock."""
    seconds, processor, started = [], [], time.perf_counter()
    while len(seconds) < 2 or (len(seconds) <= RUNS and time.perf_counter() - started < SECONDS):
        before, used = time.perf_counter(), time.process_time()
        case.run(frame)
        seconds.append(time.perf_counter() - before)
        processor.append(time.process_time() - used)
    return statistics.median(seconds[1:]), statistics.median(processor[1:]), seconds[0]


def in_r(case: Case, frame: Any, folder: Path) -> str:
    """The time rbmi takes; or why there is none."""
    if not case.r:
        return ""
    if not shutil.which("Rscript"):
        return "no Rscript"
    (folder / "case.R").write_text(R, encoding="utf-8")
    frame.to_csv(folder / "trial.csv", index=False)
    command = ["Rscript", str(folder / "case.R"), str(folder / "trial.csv"), case.r]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "rbmi is not installed" if "rbmi" in done.stderr else "failed"
    return _seconds(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def rows(only: str) -> Iterator[str]:
    """The table, as it is measured."""
    yield "| what | participants | median | processor | first | aim | R rbmi |"
    yield "|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="srt-bench-imputation-") as folder:
        for case in CASES:
            if only in case.what:
                frame = draw(case.participants)
                median, processor, first = measure(case, frame)
                aim = "" if case.aim is None else _seconds(case.aim)
                times = f"{_seconds(median)} | {_seconds(processor)} | {_seconds(first)} | {aim}"
                yield f"| {case.what} | {case.participants:,} | {times} | {in_r(case, frame, Path(folder))} |"


def print_table(*, only: str = "", into_docs: bool = False) -> None:
    """Measure, print as it goes, and write the page where asked."""
    found = [machine(), ""]
    print("\n".join(found), flush=True)
    for row in rows(only):
        print(row, flush=True)
        found.append(row)
    found += ["", f"Load at the end: {load()}."]
    if into_docs:
        before, rest = TARGET.read_text(encoding="utf-8").split(BEGIN)
        text = "\n".join(found)
        TARGET.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")
