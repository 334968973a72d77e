"""Participant flow as rows of the results table: by arm, of everybody, and by site. Not here: counting (derive)."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from analysis.derive.course import Course
from analysis.estimators.baseline import Descriptions
from analysis.results import EVERYBODY, Statistic
from data_contracts.spec import Trial

DISPOSITION, BY_SITE = "disposition", "disposition by site"  # the names of these analyses
OF_THERAPY = (
    "received therapy",
    "no therapy",
)  # stages of the arms with therapy: of everybody they say nothing
PEOPLE = "participants"


def describe_disposition(course: Course, trial: Trial) -> Descriptions:
    """Return how many reached each stage, by arm and of everybody (no arm); a reason stands in `at`.

    Args:
        course: How the trial went.
        trial: The trial.

    Returns:
        Counts by stage; `n` is the number randomised in the arm. Stages of therapy are given by arm only.
    """
    flow = course.flow
    pooled = flow[~flow["stage"].isin(OF_THERAPY)].assign(arm=EVERYBODY)
    keys = ["stage", "arm", "visit", "reason"]
    ways = trial.arms_and_all
    counted = pd.concat([flow, pooled]).groupby(keys, sort=False)["n"].sum().reset_index()
    return _by_stage(counted, "arm", ways)


def describe_disposition_by_site(course: Course, trial: Trial) -> Descriptions:
    """Return how many reached each stage by site (in `at`), arms pooled, whatever the reason.

    Args:
        course: How the trial went.
        trial: The trial.
    """
    keys = ["stage", "site", "visit"]
    counted = course.flow_by_site.groupby(keys, sort=False)["n"].sum().reset_index()
    sites = [site.code for site in trial.sites]
    others = [str(s) for s in counted["site"].unique() if s not in sites]
    return _by_stage(counted.assign(reason=""), "site", [*sites, *others])


def _by_stage(counted: pd.DataFrame, by: str, ways: Sequence[str]) -> Descriptions:
    described: dict[str, list[Statistic]] = {str(stage): [] for stage in counted["stage"].unique()}
    for way in ways:
        for stage, row in _of_way(counted[counted[by] == way], by, way):
            described[stage].append(row)
    return described


def _of_way(counted: pd.DataFrame, by: str, way: str) -> Iterator[tuple[str, Statistic]]:
    randomised = int(counted.loc[counted["stage"] == "randomised", "n"].sum())
    row: Any
    for row in counted.itertuples(index=False):
        arm, at = (way, row.reason) if by == "arm" else ("", way)
        number = Statistic("count", float(row.n), visit=row.visit, arm=arm, at=at, n=randomised, unit=PEOPLE)
        yield row.stage, number
