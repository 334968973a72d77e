"""The participant flow counted a second way: record by record, in plain loops. Not here: the flow itself (flow).

It shares with the first way only what a window, a score and a yes are.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd

from analysis.derive.answers import excluded_column
from analysis.derive.outcomes import recorded_values
from data_contracts.spec import Trial, Visit
from data_contracts.yes_no import EXCLUDED, says_yes

Counts = dict[tuple[str, str, str], int]  # (stage, arm, visit) -> participants
DAYS_PER_MONTH = 365.25 / 12


def recount(accepted: Mapping[str, pd.DataFrame], trial: Trial) -> Counts:
    """Return how many of each arm were randomised, and how many had the primary outcome at each visit.

    Whoever was excluded after randomisation counts as randomised, and as observed nowhere.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.
    """
    (allocation,) = trial.forms_of("allocation")
    arms = {arm.code for arm in trial.arms}
    people = {r["participant"]: r for r in _records(accepted[allocation.name]) if r["arm"] in arms}
    seen = _observed(accepted, trial, people)
    excluded, counts = _excluded(accepted, trial), Counts()
    for who, record in people.items():
        _count(counts, "randomised", record["arm"], "")
        if who not in excluded:
            for visit in seen.get(who, ()):
                _count(counts, "observed", record["arm"], visit)
    return counts


def disagreements(flow: pd.DataFrame, counts: Counts) -> list[str]:
    """Return where the flow and the second count differ, a sentence each."""
    found = []
    for row in _records(flow[flow["stage"].isin(["randomised", "observed"])]):
        again = counts.get((row["stage"], row["arm"], row["visit"]), 0)
        if again != row["n"]:
            at = f" at {row['visit']}" if row["visit"] else ""
            found.append(f"{row['stage']} in arm {row['arm']}{at}: {row['n']}, counted again {again}")
    return found


def _excluded(accepted: Mapping[str, pd.DataFrame], trial: Trial) -> set[str]:
    """Return who was excluded after randomisation, by the allocation form or else by the baseline one."""
    (allocation,), (baseline,) = trial.forms_of("allocation"), trial.forms_of("participants")
    frame = accepted[allocation.name if EXCLUDED in accepted[allocation.name] else baseline.name]
    column = excluded_column(trial)
    labels = column.labels if column else {}
    return {r["participant"] for r in _records(frame) if says_yes(r.get(EXCLUDED, ""), labels, EXCLUDED)}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in one.items()} for one in frame.to_dict("records")]


def _count(counts: Counts, stage: str, arm: str, visit: str) -> None:
    counts[stage, arm, visit] = counts.get((stage, arm, visit), 0) + 1


def _observed(
    accepted: Mapping[str, pd.DataFrame], trial: Trial, people: Mapping[str, Mapping[str, Any]]
) -> dict[str, set[str]]:
    """Return the visits at which each participant's nearest record has the primary outcome."""
    outcome = trial.outcomes[trial.primary.outcome]
    form = trial.forms[outcome.form]
    (allocation,) = trial.forms_of("allocation")
    frame = accepted[form.name]
    best: dict[tuple[str, str], tuple[float, float, bool]] = {}
    for record, value in zip(_records(frame), recorded_values(frame, outcome, trial), strict=True):
        who = record["participant"]
        if who not in people:
            continue
        days = _days(people[who].get(allocation.date), record.get(form.date))
        visit = _visit(days, record.get("visit"), trial)
        if visit is None:
            continue
        order = days if days is not None else float("inf")
        away = abs(days - visit.month * DAYS_PER_MONTH) if days is not None else float("inf")
        key, found = (who, visit.code), (away, order, not pd.isna(value))
        if key not in best or found[:2] < best[key][:2]:
            best[key] = found
    seen: dict[str, set[str]] = {}
    for (who, code), (_, _, has_value) in best.items():
        if has_value:
            seen.setdefault(who, set()).add(code)
    return seen


def _days(start: Any, day: Any) -> int | None:
    if start is None or day is None or pd.isna(start) or pd.isna(day):
        return None
    return (_date(day) - _date(start)).days


def _date(value: Any) -> date:
    return pd.Timestamp(value).date()


def _visit(days: int | None, label: Any, trial: Trial) -> Visit | None:
    """Return the visit in whose window a day lies, else that of its label where the label can stand."""
    for visit in trial.visits:
        if days is not None and visit.window and visit.window[0] <= days <= visit.window[1]:
            return visit
    named = _labelled(label, trial.visits)
    if named is None or not any(visit.window for visit in trial.visits) or days is None or not named.window:
        return named
    contradicts = (days > 0) == named.baseline
    return None if trial.out_of_window == "leave out" or contradicts else named


def _labelled(label: Any, visits: Iterable[Visit]) -> Visit | None:
    return next((visit for visit in visits if visit.code == label), None)
