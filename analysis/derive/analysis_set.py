"""Accepted forms in, the analysis set out: one row per randomised participant and planned visit.

Not here: the pieces it is made of (scoring, visits, populations, flow).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.derive.analysed import analysable
from analysis.derive.course import Course, recruited, unheld_events
from analysis.derive.events import Happened, event_outcome, events_of, first_days
from analysis.derive.flow import flow_by_arm, flow_by_site, groups_of
from analysis.derive.harms import harms_of
from analysis.derive.outcomes import cut_values, recorded_values
from analysis.derive.populations import Evidence, population_counts, population_members
from analysis.derive.sessions import THERAPIST, discontinuation_reasons, main_therapist, sessions_attended
from analysis.derive.visits import assign_visits
from data_contracts.spec import Column, Form, Trial
from data_contracts.yes_no import EXCLUDED

Forms = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisSet:
    """The table every model reads, how the trial went beside it, and what was left aside on the way."""

    frame: pd.DataFrame  # (participants × visits, columns)
    course: Course
    notes: tuple[str, ...]


def build_analysis_set(accepted: Forms, trial: Trial) -> AnalysisSet:
    """Return one row per randomised participant and visit: outcomes, baseline, change and populations.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.

    Returns:
        The set, with a row for each planned visit of each randomised participant, seen or not.
    """
    people = _randomised(accepted, trial)
    observed, notes = _visit_records(accepted, trial, people)
    frame = _skeleton(people, trial).merge(observed, on=["participant", "visit"], how="left", validate="1:1")
    frame = _with_baseline_and_change(frame, trial)
    histories, happened = _histories(accepted, trial, people)
    sessions = sessions_attended(accepted, trial, people.index)
    evidence = Evidence(people, _observed(frame, trial), sessions, trial)
    members = population_members(evidence)
    course, left = _course(evidence, members[f"in_{trial.primary.population}"], accepted, happened.unheld)
    whole = frame.join(histories.assign(sessions_attended=sessions), on="participant")
    typed = _typed(whole.join(members, on="participant"), trial)
    return AnalysisSet(typed, course, (*notes, *happened.notes, *left))


def _course(
    evidence: Evidence, members: pd.Series, accepted: Forms, unheld: pd.DataFrame
) -> tuple[Course, tuple[str, ...]]:
    """Return how the trial went, and which adverse events were left aside."""
    trial, groups = evidence.trial, groups_of(evidence, members, analysable(evidence))
    started = _randomised_on(evidence.people, trial)
    harms = harms_of(accepted, trial, evidence.people[~groups.excluded], started)
    course = Course(
        flow=flow_by_arm(evidence, groups),
        flow_by_site=flow_by_site(evidence, groups),
        populations=population_counts(evidence),
        recruited=recruited(evidence, started),
        harms=harms.events,
        unheld=unheld_events(unheld, evidence.people),
    )
    return course, harms.notes


def _randomised(accepted: Forms, trial: Trial) -> pd.DataFrame:
    """Return the people who were randomised to a planned arm, by participant, their baseline known or not."""
    (baseline_form,), (allocation_form,) = trial.forms_of("participants"), trial.forms_of("allocation")
    allocation = accepted[allocation_form.name]
    allocation = allocation[allocation["arm"].isin([arm.code for arm in trial.arms])]
    baseline = accepted[baseline_form.name]
    shared = [c for c in baseline.columns if c in allocation.columns and c != "participant"]
    # What was randomised is what the randomisation list says: its arm, site and strata stand.
    people = allocation.merge(baseline.drop(columns=shared), on="participant", how="left", validate="1:1")
    declared = {**trial.columns_of(baseline_form), **allocation_form.columns}
    for name, column in declared.items():
        if name in people and column.type == "category" and name not in {"arm", "site", EXCLUDED}:
            people[name] = _labelled(people[name], column)
    return _with_therapist(people.set_index("participant").sort_index(), accepted, trial)


def _histories(accepted: Forms, trial: Trial, people: pd.DataFrame) -> tuple[pd.DataFrame, Happened]:
    """Return each participant's first events and the outcomes made from events, by participant; and all events."""
    happened = events_of(accepted, trial, _randomised_on(people, trial))
    outcomes = [event_outcome(happened, o, people.index) for o in trial.outcomes.values() if o.event]
    ended = (
        [discontinuation_reasons(accepted, trial, people.index)] if trial.forms_of("discontinuations") else []
    )
    return pd.concat([first_days(happened, people.index), *ended, *outcomes], axis=1), happened


def _randomised_on(people: pd.DataFrame, trial: Trial) -> pd.Series:
    (allocation,) = trial.forms_of("allocation")
    missing = pd.Series(pd.NaT, index=people.index, dtype="datetime64[s]")
    return people.get(allocation.date, missing)


def _with_therapist(people: pd.DataFrame, accepted: Forms, trial: Trial) -> pd.DataFrame:
    """Add whom each participant saw, from the sessions, unless a baseline form says it."""
    seen = None if THERAPIST in people else main_therapist(accepted, trial, people["arm"])
    return people if seen is None else people.assign(**{THERAPIST: seen})


def _labelled(codes: pd.Series, column: Column) -> pd.Series:
    """Return the labels of a column's codes, in the order the trial declares them."""
    labels = list(dict.fromkeys(column.labels.values()))
    return pd.Series(pd.Categorical(codes.map(dict(column.labels)), categories=labels), index=codes.index)


def _skeleton(people: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    kept = people.drop(columns=[c for c in _private_columns(trial) if c in people]).reset_index()
    visits = pd.DataFrame({"visit": [v.code for v in trial.visits], "month": [v.month for v in trial.visits]})
    return kept.merge(visits, how="cross")


def _private_columns(trial: Trial) -> set[str]:
    """Return the free text and dates of the baseline forms: no model reads them."""
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    return {c.name for f in forms for c in f.columns.values() if c.free_text or c.type == "date"}


def _visit_records(
    accepted: Forms, trial: Trial, people: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the outcomes of each participant and visit, from all visit forms."""
    (allocation,) = trial.forms_of("allocation")
    randomised_on = people.get(allocation.date, pd.Series(dtype="datetime64[s]"))
    wanted = _forms_by_importance(trial)
    whole, notes = None, []
    for form in wanted:
        records = accepted[form.name]
        assigned = assign_visits(
            records[records["participant"].isin(people.index)], form, trial, randomised_on
        )
        if aside := len(records) - len(assigned):
            notes.append(
                f"{form.label}: {aside} of {len(records)} accepted records are used at no visit: they belong to "
                "nobody randomised or to no planned visit, or another record is nearer to it."
            )
        part = _outcomes_of(assigned, form, trial)
        whole = part if whole is None else _joined(whole, part)
    if whole is None:  # the trial file's checks forbid it
        raise AssertionError
    return whole, tuple(notes)


def _forms_by_importance(trial: Trial) -> list[Form]:
    """Return the visit forms that hold an outcome, the primary outcome's first: its date dates the visit."""
    primary = trial.outcomes[trial.primary.outcome].form
    used = [f for f in trial.forms_of("visits") if any(o.form == f.name for o in trial.outcomes.values())]
    return sorted(used, key=lambda form: form.name != primary)


def _outcomes_of(assigned: pd.DataFrame, form: Form, trial: Trial) -> pd.DataFrame:
    kept = assigned[["participant", "visit", "visit_date", "days_since_randomisation"]].copy()
    for outcome in trial.outcomes.values():
        if outcome.form == form.name:
            kept[outcome.name] = recorded_values(assigned, outcome, trial)
    return kept


def _joined(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    both = left.merge(
        right, on=["participant", "visit"], how="outer", suffixes=("", "_other"), validate="1:1"
    )
    for name in ("visit_date", "days_since_randomisation"):
        both[name] = both[name].fillna(both.pop(f"{name}_other"))
    return both


def _with_baseline_and_change(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Add each outcome's baseline and change; outcomes cut from others come after those they are cut from."""
    whole = frame.copy()
    by_visit = [outcome for outcome in trial.outcomes.values() if outcome.is_by_visit]
    for outcome in sorted(by_visit, key=lambda outcome: bool(outcome.of)):
        if outcome.of:
            whole[outcome.name] = cut_values(whole, outcome, trial)
        elif outcome.name not in whole:
            whole[outcome.name] = float("nan")
        whole = _with_one_baseline(whole, outcome.name, trial)
    return whole


def _with_one_baseline(frame: pd.DataFrame, name: str, trial: Trial) -> pd.DataFrame:
    at_baseline = frame.loc[frame["visit"] == trial.baseline_visit.code].set_index("participant")[name]
    baseline = frame["participant"].map(at_baseline).astype("float64")
    change = (frame[name] - baseline).where(frame["visit"] != trial.baseline_visit.code)
    return frame.assign(**{f"{name}_baseline": baseline, f"{name}_change": change})


def _observed(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return participants × visits: True where the primary outcome was observed."""
    wide = frame.pivot_table(
        index="participant", columns="visit", values=trial.primary.outcome, aggfunc="count"
    )
    people = pd.Index(sorted(frame["participant"].unique()), name="participant")
    return wide.reindex(index=people, columns=[v.code for v in trial.visits]).fillna(0) > 0


def _typed(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """Return the set with arms and visits in the trial's order, the reference arm first."""
    arms = [arm.code for arm in trial.ordered_arms]
    whole = frame.copy()
    whole["arm"] = pd.Categorical(whole["arm"].astype("object"), categories=arms)
    whole["visit"] = pd.Categorical(
        whole["visit"].astype("object"), [v.code for v in trial.visits], ordered=True
    )
    if "site" in whole and trial.sites:
        whole["site"] = pd.Categorical(whole["site"].astype("object"), [s.code for s in trial.sites])
    return whole.sort_values(["participant", "visit"], ignore_index=True)
