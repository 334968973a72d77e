"""Type I error and coverage in small trials, by simulation, and the table of docs/methods/small_samples.md.

    .venv/bin/python -m benchmarks.type_one_error --replications 5000 --processes 2 --write

A replication is a seed: SeedSequence(SEED).spawn(replications)[r] draws replication r whatever the number of processes.
The same replications are analysed by every method, so differences between methods are surer than each number alone.
"""

import argparse
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from analysis.mixed import MMRM

SEED = 20251123
ALPHA = 0.05
PER_ARM = 20
VISITS = ("1m", "3m", "6m", "12m")
ARMS = ("UC", "SRT")
CORRELATION = np.array(
    [[1.0, 0.6, 0.5, 0.4], [0.6, 1.0, 0.65, 0.5], [0.5, 0.65, 1.0, 0.7], [0.4, 0.5, 0.7, 1.0]]
)
SD = np.array([8.0, 9.0, 10.0, 12.0])
MEANS = np.array([20.0, 23.0, 25.0, 26.0])
SLOPE = 0.6  # of the outcome by the baseline
FORMULA = "hours ~ base*visit + arm*visit"
METHODS = ("kenward-roger", "kenward-roger-linear", "satterthwaite", "between-within", "residual")
NORMAL = "lmm, normal"
TARGET = Path(__file__).resolve().parents[1] / "docs" / "methods" / "small_samples.md"
BEGIN, END = "<!-- begin: python -m benchmarks.type_one_error -->", "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who leaves, and what the treatment does."""

    name: str
    leaves: bool  # missing at random: the higher the last observed outcome, the likelier
    effect: float  # of SRT at the last visit, growing linearly from the first


SCENARIOS = (
    Scenario("complete", leaves=False, effect=0.0),
    Scenario("dropout", leaves=True, effect=0.0),
    Scenario("dropout, effect 8", leaves=True, effect=8.0),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method made of one trial; `joint` is the test of no difference at any visit."""

    scenario: str
    method: str
    ok: bool  # the fit converged
    covered: bool  # the interval at the last visit holds the true difference
    joint: bool  # p below ALPHA
    df: float
    width: float  # of the interval
    missing: float  # share of participants without the last visit


def draw_trial(scenario: Scenario, rng: np.random.Generator) -> pd.DataFrame:
    """A trial of PER_ARM participants an arm, one row per observed visit."""
    n, n_visits = 2 * PER_ARM, len(VISITS)
    arm, base = np.arange(n) % 2, rng.normal(20.0, 10.0, n)
    effect = scenario.effect * np.arange(1, n_visits + 1) / n_visits
    noise = rng.standard_normal((n, n_visits)) @ np.linalg.cholesky(CORRELATION).T * SD
    hours = MEANS + SLOPE * (base[:, None] - 20.0) + arm[:, None] * effect + noise
    stays = _stays(hours, rng) if scenario.leaves else np.ones(hours.shape, dtype=bool)
    participant, visit = np.nonzero(stays)
    return pd.DataFrame(
        {
            "id": participant,
            "visit": pd.Categorical.from_codes(visit, pd.Index(VISITS)),
            "arm": pd.Categorical.from_codes(arm[participant], pd.Index(ARMS)),
            "base": base[participant],
            "hours": hours[stays],
        }
    )


def _stays(hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """After each visit a participant leaves for good with a probability that rises with that visit's outcome."""
    centred = (hours - MEANS) / SD
    leaves = rng.random(hours.shape) < 1.0 / (1.0 + np.exp(3.1 - 1.2 * centred))
    stays: np.ndarray = np.cumsum(leaves, axis=1) - leaves == 0
    return stays


def analyse(scenario: Scenario, seed: np.random.SeedSequence, *, with_normal: bool) -> list[Outcome]:
    """One trial by every method."""
    data = draw_trial(scenario, np.random.default_rng(seed))
    missing = 1.0 - float((data["visit"] == VISITS[-1]).sum()) / (2 * PER_ARM)
    model = MMRM.from_formula(FORMULA, data, subject="id", visit="visit")
    found = [_by_method(model, scenario, method, missing) for method in METHODS]
    return [*found, _by_normal(data, scenario, missing)] if with_normal else found


def _by_method(model: MMRM, scenario: Scenario, method: str, missing: float) -> Outcome:
    fit = model.fit(df=method)
    rows = differences(list(fit.params.index))
    test = fit.t_test(rows[-1], alpha=ALPHA).iloc[0]
    return Outcome(
        scenario.name,
        method,
        ok=fit.convergence.ok,
        covered=bool(test["lower"] <= scenario.effect <= test["upper"]),
        joint=bool(fit.f_test(rows).p_value < ALPHA),
        df=float(test["df"]),
        width=float(test["upper"] - test["lower"]),
        missing=missing,
    )


def differences(names: Sequence[str]) -> np.ndarray:
    """The difference between the arms at every visit: (T, P)."""
    rows = np.zeros((len(VISITS), len(names)))
    rows[:, names.index("arm[T.SRT]")] = 1.0
    for row, visit in zip(rows[1:], VISITS[1:], strict=True):
        row[names.index(f"arm[T.SRT]:visit[T.{visit}]")] = 1.0
    return rows


def _by_normal(data: pd.DataFrame, scenario: Scenario, missing: float) -> Outcome:
    """Random intercept by statsmodels, with the normal quantiles and the chi-squared test it prints."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its remarks on convergence are what `ok` records
        fit = MixedLM.from_formula(FORMULA, data, groups="id").fit(reml=True)
    names = list(fit.fe_params.index)
    rows = differences(names)
    estimate, covariance = rows @ fit.fe_params, rows @ fit.cov_params().loc[names, names].to_numpy() @ rows.T
    reach = float(norm.ppf(1.0 - ALPHA / 2.0) * math.sqrt(covariance[-1, -1]))
    wald = float(estimate @ np.linalg.solve(covariance, estimate))
    return Outcome(
        scenario.name,
        NORMAL,
        ok=bool(fit.converged),
        covered=bool(abs(estimate[-1] - scenario.effect) <= reach),
        joint=bool(chi2.sf(wald, len(rows)) < ALPHA),
        df=math.inf,
        width=2.0 * reach,
        missing=missing,
    )


def simulate(
    scenarios: Sequence[Scenario], replications: int, processes: int = 1, *, with_normal: bool = False
) -> pd.DataFrame:
    """A row per scenario, replication and method."""
    chunks = [
        (scenario, replications, part, with_normal)
        for scenario in scenarios
        for part in np.array_split(np.arange(replications), max(processes * 8, 1))
    ]
    if processes == 1:
        return pd.concat(map(_chunk, chunks), ignore_index=True)
    with ProcessPoolExecutor(processes) as pool:
        return pd.concat(pool.map(_chunk, chunks), ignore_index=True)


def _chunk(work: tuple[Scenario, int, np.ndarray, bool]) -> pd.DataFrame:
    scenario, replications, part, with_normal = work
    seeds = np.random.SeedSequence(SEED).spawn(replications)
    outcomes = [one for r in part for one in analyse(scenario, seeds[r], with_normal=with_normal)]
    return pd.DataFrame(
        [{name: getattr(one, name) for name in Outcome.__dataclass_fields__} for one in outcomes]
    )


def monte_carlo_se(rate: float, replications: int) -> float:
    """Of a proportion."""
    return math.sqrt(rate * (1.0 - rate) / replications)


def lines(rows: pd.DataFrame) -> Iterator[str]:
    """The table, in per cent, Monte-Carlo standard errors in brackets."""
    yield (
        "| scenario | method | interval misses (last visit) | joint test rejects |"
        " mean df | mean width | not converged |"
    )
    yield "|---|---|---|---|---|---|---|"
    for (scenario, method), all_of_it in rows.groupby(["scenario", "method"], sort=False):
        own = all_of_it[all_of_it["ok"]]
        joint = ("(power) " if "effect" in str(scenario) else "") + _percent(own["joint"])
        numbers = f"{own['df'].mean():.1f} | {own['width'].mean():.2f} | {len(all_of_it) - len(own)}"
        yield f"| {scenario} | {method} | {_percent(~own['covered'])} | {joint} | {numbers} |"


def _percent(hits: pd.Series) -> str:
    rate = float(hits.mean())
    return f"{100 * rate:.2f} ({100 * monte_carlo_se(rate, len(hits)):.2f})"


def report(rows: pd.DataFrame, replications: int) -> str:
    """The table with what it was made of."""
    left = rows.groupby("scenario", sort=False)["missing"].mean()
    shares = "; ".join(f"{name} {100 * share:.0f} %" for name, share in left.items())
    head = (
        f"{replications} replications of each scenario, seeds `SeedSequence({SEED}).spawn({replications})`, "
        f"NumPy {np.__version__}. Participants without the last visit: {shares}."
    )
    return "\n".join([head, "", *lines(rows)])


def write(text: str, target: Path) -> None:
    """Put the text between the markers of a page."""
    page = target.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    target.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main() -> None:
    """Simulate and print, or write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="into docs/methods/small_samples.md")
    parser.add_argument("--json", type=Path, help="all proportions in full precision, into this file")
    options = parser.parse_args()
    rows = simulate(SCENARIOS, options.replications, options.processes, with_normal=True)
    text = report(rows, options.replications)
    if options.json:
        means = rows.groupby(["scenario", "method"], sort=False).mean().reset_index()
        options.json.write_text(json.dumps(means.to_dict("records"), indent=1), encoding="utf-8")
    if options.write:
        write(text, TARGET)
    print(text)


if __name__ == "__main__":
    main()
