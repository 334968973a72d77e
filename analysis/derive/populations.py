"""Who belongs to which population. Not here: which values they have (analysis_set)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from data_contracts.plan import Population
from data_contracts.spec import Trial

Requirement = Callable[["Evidence", Population], pd.Series]
EXCLUDED = "excluded"  # a column of a baseline form: excluded after randomisation, 1 or yes
YES = ("1", "yes", "y", "true")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a population's requirements are judged on."""

    people: pd.DataFrame  # (participants, columns) index participant; column arm
    observed: pd.DataFrame  # (participants, visits) True where the primary outcome was observed
    sessions: pd.Series  # (participants,) attended
    trial: Trial

    @property
    def covered(self) -> pd.Series:
        """Who has every covariate of the primary analysis, (participants,)."""
        return self.people[list(self.trial.primary_analysis.covariates)].notna().all(axis=1)


def is_excluded(people: pd.DataFrame) -> pd.Series:
    """Return who was excluded after randomisation: the column `excluded` is coded 1 or "yes"."""
    if EXCLUDED not in people:
        return pd.Series(data=False, index=people.index)
    return people[EXCLUDED].astype("str").str.casefold().isin(YES)


def _eligible(evidence: Evidence, _: Population) -> pd.Series:
    return ~is_excluded(evidence.people)


def _follow_up(evidence: Evidence, _: Population) -> pd.Series:
    return evidence.observed[[v.code for v in evidence.trial.follow_ups]].any(axis=1)


def _primary_observed(evidence: Evidence, _: Population) -> pd.Series:
    return evidence.observed[evidence.trial.primary.visit]


def _all_visits(evidence: Evidence, _: Population) -> pd.Series:
    return evidence.observed.all(axis=1)


def _adequate_dose(evidence: Evidence, population: Population) -> pd.Series:
    therapy = [arm.code for arm in evidence.trial.arms if arm.therapy]
    had_enough = evidence.sessions >= (population.minimum_sessions or 0)
    return had_enough | ~evidence.people["arm"].isin(therapy)


REQUIREMENTS: Mapping[str, Requirement] = {
    "eligible": _eligible,
    "follow_up": _follow_up,
    "primary_observed": _primary_observed,
    "all_visits": _all_visits,
    "adequate_dose": _adequate_dose,
}


def population_members(evidence: Evidence) -> pd.DataFrame:
    """Return a column `in_<population>` per declared population, True for its members.

    Returns:
        (participants, populations) bool.
    """
    members = {}
    for population in evidence.trial.populations.values():
        member = pd.Series(data=True, index=evidence.people.index)
        for requirement in population.requires:
            member &= REQUIREMENTS[requirement](evidence, population)
        members[f"in_{population.name}"] = member.astype(bool)
    return pd.DataFrame(members, index=evidence.people.index)
