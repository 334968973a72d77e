"""What is missing: of each outcome by visit, and the patterns of the primary outcome. Not here: imputing."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.baseline import Descriptions, arms_and_all, continuous_outcomes, population_rows
from analysis.results import EVERYBODY, Statistic
from data_contracts.spec import Trial

MISSING, PATTERNS = "missing", "missing patterns"  # the names of these analyses
SEEN, UNSEEN = "X", "."  # a sign per visit of a pattern, such as "XX.X"


def describe_missing(analysis_set: pd.DataFrame, trial: Trial) -> Descriptions:
    """Return what percentage of each continuous outcome is missing, by visit, by arm and of all (no arm).

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.

    Returns:
        Percentages by outcome, in the primary estimand's population, whose number in the arm is `n`.
    """
    outcomes = [outcome.name for outcome in continuous_outcomes(trial)]
    described: dict[str, list[Statistic]] = {name: [] for name in outcomes}
    for arm, rows in arms_and_all(population_rows(analysis_set, trial), trial):
        for visit in trial.visits:
            here = rows[rows["visit"] == visit.code]
            for name in outcomes if len(here) else ():
                share = 100 * float(here[name].isna().mean())
                row = Statistic("percent", share, visit=visit.code, arm=arm, n=len(here), unit="%")
                described[name].append(row)
    return described


def describe_patterns(analysis_set: pd.DataFrame, trial: Trial) -> Descriptions:
    """Return how many have each pattern of seen and missing visits of the primary outcome.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.

    Returns:
        Count and percent of each pattern (in `at`: "X" seen, "." missing, in the order of the visits), the
        commonest first, for each arm and for all (no arm); `n` as of `describe_missing`.
    """
    outcome, visits = trial.primary.outcome, [visit.code for visit in trial.visits]
    patterns = {
        arm: _patterns(rows, outcome, visits)
        for arm, rows in arms_and_all(population_rows(analysis_set, trial), trial)
    }
    counts = patterns[EVERYBODY].value_counts()
    order = sorted(counts.index, key=lambda pattern: (-counts[pattern], pattern))
    return {outcome: [row for arm, own in patterns.items() for row in _counted(own, arm, order)]}


def _patterns(rows: pd.DataFrame, outcome: str, visits: list[str]) -> pd.Series:
    """Return each participant's pattern."""
    sign = rows[outcome].notna().map({True: SEEN, False: UNSEEN})
    wide = rows.assign(sign=sign, visit=rows["visit"].astype("object")).pivot_table(
        index="participant", columns="visit", values="sign", aggfunc="first"
    )
    return (
        wide.reindex(columns=visits, fill_value=UNSEEN).fillna(UNSEEN).agg("".join, axis=1)
        if len(wide)
        else pd.Series(dtype="str")
    )


def _counted(patterns: pd.Series, arm: str, order: list[str]) -> Iterator[Statistic]:
    whole = len(patterns)
    for pattern in order if whole else ():
        n = int((patterns == pattern).sum())
        yield Statistic("count", float(n), arm=arm, at=pattern, n=whole, unit="participants")
        yield Statistic("percent", 100 * n / whole, arm=arm, at=pattern, n=whole, unit="%")
