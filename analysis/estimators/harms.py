"""Adverse events by arm: how many people, how many events; described, never tested. Not here: which count (derive)."""

from collections.abc import Iterator

import pandas as pd

from analysis.derive.course import Course
from analysis.derive.harms import CATEGORY, NOT_STATED, categories
from analysis.estimators.baseline import Descriptions
from analysis.results import EVERYBODY, Statistic
from data_contracts.spec import Trial
from data_contracts.yes_no import RELATED, SERIOUS

HARMS = "harms"  # the name of this analysis
ANY, OF_KIND = "any", "category: "  # the latter before the label of a kind of event
UNRECORDED = {SERIOUS: "seriousness not recorded", RELATED: "relatedness not recorded"}  # where nobody said


def describe_harms(course: Course, trial: Trial) -> Descriptions:
    """Return how many people had an event, and how many events there were, by arm and of all (no arm).

    Args:
        course: How the trial went.
        trial: The trial.

    Returns:
        Count and percent (people) and total (events) of any event, of serious and related ones and of those of
        which that was not recorded, and of each kind, as far as the form tells; `n` is the number randomised and
        not excluded. Nothing without such a form.
    """
    if "arm" not in course.harms:
        return {}
    return {
        name: [row for arm, n in _sizes(course, trial).items() for row in _counted(events, arm, n)]
        for name, events in _kinds(course.harms, trial)
    }


def _sizes(course: Course, trial: Trial) -> dict[str, int]:
    """Return how many were randomised and not excluded, by arm, reference first, and of all."""
    counts = course.flow.groupby(["arm", "stage"])["n"].sum()
    arms = trial.ordered_arms
    sizes = {a.code: int(counts[a.code, "randomised"] - counts.get((a.code, "excluded"), 0)) for a in arms}
    return {**sizes, EVERYBODY: sum(sizes.values())}


def _kinds(events: pd.DataFrame, trial: Trial) -> Iterator[tuple[str, pd.DataFrame]]:
    yield ANY, events
    for name in (SERIOUS, RELATED):
        if name in events:
            said = events[name].astype("boolean")
            yield name, events[said.fillna(value=False).astype(bool)]
            if said.isna().any():
                yield UNRECORDED[name], events[said.isna()]
    if CATEGORY in events:
        found = events[CATEGORY].fillna(NOT_STATED)
        others = [str(kind) for kind in found.unique() if kind not in categories(trial)]
        for kind in (*categories(trial), *sorted(others)):
            yield f"{OF_KIND}{kind}", events[found == kind]


def _counted(events: pd.DataFrame, arm: str, n: int) -> Iterator[Statistic]:
    own = events if arm == EVERYBODY else events[events["arm"] == arm]
    people = own["participant"].nunique()
    yield Statistic("count", float(people), arm=arm, n=n, unit="participants")
    if n:
        yield Statistic("percent", 100 * people / n, arm=arm, n=n, unit="%")
    yield Statistic("total", float(len(own)), arm=arm, n=n, unit="events")
