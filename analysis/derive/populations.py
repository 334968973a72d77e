"""Who belongs to which population. Not here: which values they have (analysis_set)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.derive.answers import excluded_column, said_yes
from data_contracts.plan import Population
from data_contracts.spec import Trial
from data_contracts.yes_no import EXCLUDED

Requirement = Callable[["Evidence", Population], pd.Series]


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


def is_excluded(people: pd.DataFrame, trial: Trial) -> pd.Series:
    """Return who was excluded after randomisation: the column `excluded` of a baseline form says yes."""
    if EXCLUDED not in people:
        return pd.Series(data=False, index=people.index)
    return said_yes(people[EXCLUDED], excluded_column(trial))


def _eligible(evidence: Evidence, _: Population) -> pd.Series:
    return ~is_excluded(evidence.people, evidence.trial)


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


REQUIREMENTS: Mapping[str, tuple[Requirement, str]] = {  # what must hold, and what is said where it does not
    "eligible": (_eligible, "excluded after randomisation"),
    "follow_up": (_follow_up, "no follow-up observed"),
    "primary_observed": (_primary_observed, "primary outcome not observed at the primary visit"),
    "all_visits": (_all_visits, "not observed at every visit"),
    "adequate_dose": (_adequate_dose, "fewer than {minimum} sessions where therapy was offered"),
}


def reasons_to_be_out(evidence: Evidence) -> pd.DataFrame:
    """Return why each participant is in no population: the first requirement, as declared, that does not hold.

    Returns:
        (participants, populations) text; empty for the population's members.
    """
    found = pd.DataFrame("", index=evidence.people.index, columns=list(evidence.trial.populations))
    for name, population in evidence.trial.populations.items():
        for requirement, reason in _reasons(population).items():
            holds = REQUIREMENTS[requirement][0](evidence, population).astype(bool)
            found.loc[~holds & (found[name] == ""), name] = reason
    return found


def _reasons(population: Population) -> dict[str, str]:
    return {
        r: REQUIREMENTS[r][1].format(minimum=population.minimum_sessions or 0) for r in population.requires
    }


def population_members(evidence: Evidence) -> pd.DataFrame:
    """Return a column `in_<population>` per declared population, True for its members.

    Returns:
        (participants, populations) bool.
    """
    return (reasons_to_be_out(evidence) == "").add_prefix("in_")


def population_counts(evidence: Evidence) -> pd.DataFrame:
    """Return how many of each arm are in each population, and out of it for each reason.

    Returns:
        population, arm, n, reason; the reason is empty for those in, whose row is there even if they are none.
    """
    reasons, arms = reasons_to_be_out(evidence), evidence.people["arm"]
    rows = [
        (name, arm.code, int(((arms == arm.code) & (reasons[name] == reason)).sum()), reason)
        for name, population in evidence.trial.populations.items()
        for arm in evidence.trial.arms
        for reason in ("", *(r for r in _reasons(population).values() if (reasons[name] == r).any()))
    ]
    return pd.DataFrame(rows, columns=["population", "arm", "n", "reason"])
