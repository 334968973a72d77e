"""Events that are in no outcome, as rows of the results table: counted, not analysed. Not here: which (derive)."""

from analysis.derive.course import Course
from analysis.estimators.baseline import Descriptions
from analysis.results import EVERYBODY, Statistic
from data_contracts.spec import Trial

UNHELD = "events in no outcome"  # the name of this analysis
WHEN = "after the last dated contact"


def describe_unheld(course: Course, trial: Trial) -> Descriptions:
    """Return how many events came after the participant's last dated contact, by event, by arm and of all (no arm).

    Args:
        course: How the trial went.
        trial: The trial.

    Returns:
        Counts of events; no row of an event that is in outcomes every time.
    """
    found = course.unheld
    ways = trial.arms_and_all
    return {
        str(event): [
            Statistic(
                "count",
                float(own["n"][(own["arm"] == way) | (way == EVERYBODY)].sum()),
                arm=way,
                at=WHEN,
                unit="events",
            )
            for way in ways
        ]
        for event, own in found.groupby("event")
    }
