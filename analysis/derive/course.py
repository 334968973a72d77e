"""How a trial went beside its outcomes: counts of who came when, who stayed, and what happened. Not here: effects."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import pandas as pd

from analysis.derive.flow import sites_of
from analysis.derive.populations import Evidence


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Counts that the analysis set can't tell; all but `harms` name nobody."""

    flow: pd.DataFrame  # stage, arm, visit, n, reason
    flow_by_site: pd.DataFrame  # stage, site, visit, n, reason
    populations: pd.DataFrame  # population, arm, n, reason
    recruited: pd.DataFrame  # month such as "2024-03", site, n
    harms: pd.DataFrame  # participant, arm, category, serious, related; the last three where declared
    unheld: pd.DataFrame  # event, arm, n: events that are in no outcome, after the last dated contact

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables by name, as they are stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, frames: Mapping[str, pd.DataFrame]) -> Self:
        """Return the course from the tables it was stored as; others beside them are let be."""
        return cls(**{field.name: frames[field.name] for field in fields(cls)})


def unheld_events(events: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return how many events of each arm are in no outcome, by event; no row where there is none.

    Args:
        events: A row per such event; participant, event.
        people: By participant, everybody randomised; column arm.
    """
    arms = events.assign(arm=events["participant"].map(people["arm"]).astype("str"))
    return arms.groupby(["event", "arm"], as_index=False).size().rename(columns={"size": "n"})


def recruited(evidence: Evidence, randomised_on: pd.Series) -> pd.DataFrame:
    """Return how many were randomised by month and site; the month is empty where the date is not known.

    Args:
        evidence: The people.
        randomised_on: Dates by participant.
    """
    dates = pd.to_datetime(randomised_on.reindex(evidence.people.index))
    months = dates.dt.strftime("%Y-%m").astype("object").where(dates.notna(), "")
    keys = pd.DataFrame({"month": months, "site": sites_of(evidence)})
    return keys.groupby(["month", "site"], as_index=False).size().rename(columns={"size": "n"})
