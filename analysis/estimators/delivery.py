"""Therapy as it was delivered, by arm: sessions, adequate dose, therapists, who ended early and why, events.

Described, not tested. Not here: who attended what (analysis.derive.sessions).
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.derive.sessions import REASON, THERAPIST
from analysis.results import Statistic
from data_contracts.spec import Arm, Trial

DELIVERY = "delivery"
SESSIONS, DOSE, CASELOAD, ENDED = (
    "sessions",
    "adequate dose",
    "participants per therapist",
    "ended therapy early",
)
EVENT = "event: "  # before the name of a declared event
Described = dict[str, list[Statistic]]


def describe_delivery(analysis_set: pd.DataFrame, trial: Trial) -> Described:
    """Return what was delivered to the participants of the primary estimand's population, by arm.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.

    Returns:
        Rows by what they describe: "sessions", "adequate dose" (where a population or an analysis declares
        one), "participants per therapist" and "ended therapy early" in the arms with therapy, and each declared
        event in all arms.
    """
    everyone = analysis_set.drop_duplicates("participant")
    people = everyone[everyone[f"in_{trial.primary.population}"]]
    found: Described = {}
    for arm in trial.arms:
        here = people[people["arm"] == arm.code]
        for name, row in _of_arm(here, arm, trial):
            found.setdefault(name, []).append(replace(row, arm=arm.code))
    return found


def adequate_dose(trial: Trial) -> int | None:
    """Return the sessions that make an adequate dose: a declared analysis's, else a population's."""
    declared = [a.minimum_sessions for a in trial.analyses.values() if a.minimum_sessions]
    declared += [p.minimum_sessions for p in trial.populations.values() if p.minimum_sessions]
    return declared[0] if declared else None


def _of_arm(people: pd.DataFrame, arm: Arm, trial: Trial) -> Iterator[tuple[str, Statistic]]:
    if arm.therapy and trial.forms_of("sessions"):
        yield from ((SESSIONS, row) for row in _numbers(people["sessions_attended"], "sessions"))
        if (dose := adequate_dose(trial)) is not None:
            at = f"at least {dose} sessions"
            yield from ((DOSE, row) for row in _share(people["sessions_attended"] >= dose, at))
        if THERAPIST in people:
            caseload = people[THERAPIST].dropna().astype("object").value_counts()
            yield CASELOAD, Statistic("count", float(len(caseload)), at="therapists", n=len(people))
            yield from ((CASELOAD, row) for row in _numbers(caseload, "participants"))
    if arm.therapy and REASON in people:
        yield from ((ENDED, row) for row in _share(people[REASON].notna(), ""))
        for reason, n in people[REASON].dropna().value_counts().sort_index().items():
            yield ENDED, Statistic("count", float(n), at=str(reason), n=len(people))
    for event in trial.events.values():
        yield from (
            (EVENT + event.name, row) for row in _share(people[f"event_{event.name}_day"].notna(), "")
        )


def _numbers(values: pd.Series, unit: str) -> Iterator[Statistic]:
    numbers = values.astype("float64")
    if numbers.empty:
        return
    spread = {
        "total": float(numbers.sum()),
        "mean": float(numbers.mean()),
        "observed sd": float(numbers.std()),
        "median": float(numbers.median()),
        "lower quartile": float(numbers.quantile(0.25)),
        "upper quartile": float(numbers.quantile(0.75)),
        "minimum": float(numbers.min()),
        "maximum": float(numbers.max()),
    }
    for statistic, value in spread.items():
        yield Statistic(statistic, value, unit=unit, n=len(numbers))


def _share(holds: pd.Series, at: str) -> Iterator[Statistic]:
    n = len(holds)
    yield Statistic("count", float(holds.sum()), at=at, n=n)
    if n:
        yield Statistic("percent", 100 * float(holds.mean()), at=at, n=n, unit="%")
