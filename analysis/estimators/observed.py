"""What was observed of those analysed, by arm, beside their comparison. Not here: whole populations (baseline)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.design import Design, analysed_rows
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
PER = 365.25  # days of a rate
ELSEWHERE = ("cace", "moderator", "tipping_point")  # estimators with tables, and counts, of their own


def observed_means(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Iterator[Statistic]:
    """Yield count, mean and SD by arm of a continuous secondary outcome, of those analysed at the estimand's visit.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis; of other roles, other kinds of outcome, and estimators whose answer is no
            difference between those observed means, there is none.
    """
    estimand = trial.estimands[analysis.estimand]
    outcome = trial.outcomes[estimand.outcome]
    if analysis.role != "secondary" or outcome.kind != "continuous" or analysis.estimator in ELSEWHERE:
        return
    rows = analysed_rows(analysis_set, trial, analysis, (estimand.visit,))
    for arm in trial.ordered_arms:
        seen = rows.loc[rows["arm"] == arm.code, outcome.name].astype("float64")
        row = Statistic("", float("nan"), visit=estimand.visit, arm=arm.code, n=len(seen), method="observed")
        yield replace(row, statistic="count", value=float(len(seen)), unit="participants")
        if len(seen):
            yield replace(row, statistic="observed mean", value=float(seen.mean()), unit=outcome.unit)
        if len(seen) > 1:
            yield replace(row, statistic="observed sd", value=float(seen.std()), unit=outcome.unit)


def analysed_arms(design: Design, common: Statistic) -> Iterator[tuple[Statistic, npt.NDArray[np.bool_]]]:
    """Yield, for each arm with somebody analysed, what its observed rows share, and which rows (n,) are its own."""
    for arm in design.arms:
        here = (design.rows["arm"] == arm).to_numpy(dtype=bool)
        n = int(here.sum())
        if n:
            yield replace(common, arm=arm, n=n, n_observations=n, method="observed", reason=""), here


def person_time(events: Array, days: Array, shared: Statistic) -> Iterator[Statistic]:
    """Yield an arm's person-years and its rate of events.

    Args:
        events: (n,) of each participant.
        days: (n,) followed, above zero.
        shared: What the arm's rows have in common; its unit is that of the events.
    """
    followed = float(days.sum() / PER)
    unit = f"{shared.unit or 'events'} a person-year"
    yield replace(shared, statistic="follow-up", value=followed, unit="person-years")
    yield replace(shared, statistic="rate", value=float(events.sum()) / followed, unit=unit)
