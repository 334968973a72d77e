"""Bias, coverage and type I error of reference-based imputation where its assumption holds, by simulation.

    .venv/bin/python -m benchmarks.imputation_coverage --replications 2000 --processes 2 --write

Who leaves is never seen again, so one trial serves all strategies: what is true differs. It is the difference at the
last visit when who left goes on as the strategy says, from the parameters the trial is drawn from.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.imputation import STRATEGIES, Normal, Roles, after_last_observed, ancova, arranged, base_model
from analysis.imputation.impute import conditional_means, draws
from analysis.imputation.refits import Refitter
from analysis.imputation.resample import leave_out_weights
from analysis.imputation.routes import LeftOut, Multiple, bootstrapped, noise

SEED, ALPHA, PER_ARM, IMPUTATIONS = 20251123, 0.05, 75, 50
VISITS = ("3m", "6m", "9m", "15m")
ARMS = ("UC", "SRT")
MEANS = np.array([18.0, 20.0, 22.0, 24.0])
EFFECT = np.array([2.0, 4.0, 6.0, 8.0])
SD = np.array([14.0, 16.0, 18.0, 20.0])
CORRELATION = 0.75 ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
COVARIANCE = CORRELATION * np.outer(SD, SD)
BASE_MEAN, BASE_SD, SLOPE = 12.0, 8.0, 0.6
HAZARD, BY_OUTCOME = -2.3, 0.02  # of leaving after a visit, log odds, and by hours below the arm's mean
ROLES = Roles("hours", "id", "visit", "arm", "UC", ["base*visit"], ["base"])
NAMES = ("mar", "j2r", "cr", "cir", "lmcf")
TARGET = Path(__file__).resolve().parents[1] / "docs" / "methods" / "standard_errors_of_imputation.md"
BEGIN, END = "<!-- begin: python -m benchmarks.imputation_coverage -->", "<!-- end -->"
TRUTH_SIZE, TRUTH_SEED = 400_000, 7


@dataclass(frozen=True, slots=True)
class Drawn:
    """People of both arms with all their outcomes, and when they leave."""

    arm: np.ndarray[Any, Any]  # (n,) 0 UC, 1 SRT
    base: np.ndarray[Any, Any]  # (n,)
    y: np.ndarray[Any, Any]  # (n, T)
    stays: np.ndarray[Any, Any]  # (n,) visits seen, at least one


def people(n: int, effect: float, rng: np.random.Generator) -> Drawn:
    """Draw a trial; who leaves depends on the last outcome seen: missing at random."""
    arm = np.arange(n) % 2
    base = rng.normal(BASE_MEAN, BASE_SD, n)
    mean = means(arm, base, effect)
    y = mean + rng.standard_normal((n, 4)) @ np.linalg.cholesky(COVARIANCE).T
    odds = np.exp(HAZARD - BY_OUTCOME * (y - MEANS))
    leaves = rng.random((n, 4)) < odds / (1.0 + odds)
    leaves[:, -1] = True  # after the last visit
    return Drawn(arm, base, y, 1 + np.argmax(leaves, axis=1))


def means(arm: np.ndarray[Any, Any], base: np.ndarray[Any, Any], effect: float) -> np.ndarray[Any, Any]:
    """True means (n, T)."""
    return MEANS + effect * arm[:, None] * EFFECT + SLOPE * (base[:, None] - BASE_MEAN)


@lru_cache(maxsize=16)
def truth(strategy: str, effect: float) -> float:
    """The difference at the last visit when who left goes on as the strategy says.

    That of everyone staying is known; the change that the strategy makes to those who left is averaged over many.
    """
    drawn = people(TRUTH_SIZE, effect, np.random.default_rng(TRUTH_SEED))
    own, reference = means(drawn.arm, drawn.base, effect), means(0 * drawn.arm, drawn.base, effect)
    change = np.zeros(TRUTH_SIZE)
    for seen in range(1, 4):
        who = drawn.stays == seen
        is_mar = np.arange(4) < seen
        both = Normal(own[who], COVARIANCE), Normal(reference[who], COVARIANCE)
        one, other = (
            last_mean(STRATEGIES[name](*both, is_mar), drawn.y[who], seen) for name in (strategy, "mar")
        )
        change[who] = one - other
    return effect * EFFECT[-1] + change[drawn.arm == 1].mean() - change[drawn.arm == 0].mean()


def last_mean(assumed: Normal, y: np.ndarray[Any, Any], seen: int) -> np.ndarray[Any, Any]:
    """Mean of the last visit given the first ones."""
    slope = np.linalg.solve(assumed.covariance[:seen, :seen], assumed.covariance[:seen, -1])
    return assumed.mean[:, -1] + (y[:, :seen] - assumed.mean[:, :seen]) @ slope


def frame(drawn: Drawn) -> pd.DataFrame:
    """A row per visit seen."""
    person, visit = np.nonzero(np.arange(4) < drawn.stays[:, None])
    return pd.DataFrame(
        {
            "id": person,
            "arm": np.array(ARMS)[drawn.arm[person]],
            "visit": pd.Categorical(np.array(VISITS)[visit], VISITS),
            "base": drawn.base[person],
            "hours": drawn.y[person, visit],
        }
    )


def analyse(effect: float, seed: np.random.SeedSequence) -> Iterator[dict[str, Any]]:
    """One trial by all strategies, with both standard errors; the refits are the same for all."""
    rng = np.random.default_rng(seed)
    outcomes = arranged(frame(people(2 * PER_ARM, effect, rng)), ROLES)
    base = base_model(outcomes, after_last_observed(outcomes, "mar"))
    weights, number = leave_out_weights(outcomes), int(rng.integers(2**31))
    refitted = Refitter(base).refit(weights, for_everyone=False)
    again = bootstrapped(base, IMPUTATIONS, number, for_everyone=True)
    normal, run = noise(base, IMPUTATIONS, number), ancova(outcomes)
    for name in NAMES:
        own = replace(base, events=after_last_observed(outcomes, name))
        full = conditional_means(own, base.parameters)
        without = conditional_means(own, refitted.parameters).with_weights(weights)
        routes = LeftOut(full, without, refitted.is_found), Multiple(draws(own, again.parameters, normal))
        for sets in routes:
            pooled = sets.pooled(run, alpha=ALPHA)
            row = pooled.at(VISITS[-1], "SRT")
            yield {
                "effect": effect, "strategy": name, "se_method": pooled.se_method, "estimate": row["estimate"],
                "se": row["se"], "covered": row["lower"] <= truth(name, effect) <= row["upper"],
                "rejected": row["p"] < ALPHA, "failed": pooled.n_failed,
                "missing": float(outcomes.is_missing[:, -1].mean()),
            }  # fmt: skip


def simulate(replications: int, processes: int = 1, effects: Sequence[float] = (0.0, 1.0)) -> pd.DataFrame:
    """A row per effect, replication, strategy and standard error."""
    parts = np.array_split(np.arange(replications), max(processes * 16, 1))
    chunks = [(effect, replications, part) for effect in effects for part in parts if len(part)]
    if processes == 1:
        return pd.concat(map(_chunk, chunks), ignore_index=True)
    with ProcessPoolExecutor(processes) as pool:
        return pd.concat(pool.map(_chunk, chunks), ignore_index=True)


def _chunk(work: tuple[float, int, np.ndarray[Any, Any]]) -> pd.DataFrame:
    effect, replications, part = work
    seeds = np.random.SeedSequence([SEED, round(1000 * effect)]).spawn(replications)
    return pd.DataFrame([row for number in part for row in analyse(effect, seeds[number])])


def lines(rows: pd.DataFrame) -> Iterator[str]:
    """The table: Monte-Carlo standard errors in brackets."""
    yield (
        "| effect | strategy | truth | bias | SD of the estimates | SE by | mean SE | coverage % | rejects % |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for (effect, strategy, se_method), own in rows.groupby(["effect", "strategy", "se_method"], sort=False):
        true, sd, n = truth(str(strategy), float(effect)), own["estimate"].std(), len(own)
        bias = f"{own['estimate'].mean() - true:+.3f} ({sd / math.sqrt(n):.3f})"
        spread = f"{sd:.3f} ({sd / math.sqrt(2 * n):.3f})"
        what = "none" if effect == 0 else f"{EFFECT[-1] * float(effect):g} h"
        yield (
            f"| {what} | {strategy} | {true:.3f} | {bias} | {spread} | {se_method} | {own['se'].mean():.3f} |"
            f" {_percent(own['covered'])} | {_percent(own['rejected'])} |"
        )


def _percent(hits: pd.Series) -> str:
    rate = float(hits.mean())
    return f"{100 * rate:.1f} ({100 * math.sqrt(rate * (1 - rate) / len(hits)):.1f})"


def report(rows: pd.DataFrame, replications: int) -> str:
    """The table with what it was made of."""
    head = (
        f"{replications} trials of {PER_ARM} participants an arm and four visits for each effect, M = {IMPUTATIONS},"
        f" seed {SEED}, NumPy {np.__version__}; {100 * rows['missing'].mean():.0f} % of last visits missing;"
        f" {int(rows['failed'].sum())} refits failed."
    )
    return "\n".join([head, "", *lines(rows)])


def write(text: str) -> None:
    """Put the text between the markers of the page."""
    before, rest = TARGET.read_text(encoding="utf-8").split(BEGIN)
    TARGET.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main() -> None:
    """Simulate and print, or write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"into docs/methods/{TARGET.name}")
    options = parser.parse_args()
    text = report(simulate(options.replications, options.processes), options.replications)
    if options.write:
        write(text)
    print(text)


if __name__ == "__main__":
    main()
