"""Who is in each population of the plan, and why others are not, as rows of the results table."""

from collections.abc import Iterator

import pandas as pd

from analysis.derive.course import Course
from analysis.estimators.baseline import Descriptions
from analysis.results import EVERYBODY, Statistic
from data_contracts.spec import Trial

POPULATIONS = "populations"  # the name of this analysis


def describe_populations(course: Course, trial: Trial) -> Descriptions:
    """Return how many of each arm and of all (no arm) are in each population, and out of it by reason (in `at`).

    Args:
        course: How the trial went.
        trial: The trial.

    Returns:
        Counts by population: together they are `n`, the number randomised.
    """
    ways = trial.arms_and_all
    return {
        name: [row for way in ways for row in _of_way(_counted(course, name, way), way)]
        for name in trial.populations
    }


def _counted(course: Course, population: str, way: str) -> pd.Series:
    """Return how many are in (no reason), or out, by reason."""
    rows = course.populations[course.populations["population"] == population]
    own = rows if way == EVERYBODY else rows[rows["arm"] == way]
    return own.groupby("reason", sort=False)["n"].sum()


def _of_way(counted: pd.Series, way: str) -> Iterator[Statistic]:
    randomised = int(counted.sum())
    for reason, n in counted.items():
        yield Statistic("count", float(n), arm=way, at=str(reason), n=randomised, unit="participants")
