"""A whole SRT trial from its plan and seed: each form as a trials unit would have it. Not here: files."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.simulation import constants as c
from analysis.simulation.attendance import Attendance, draw_attendance, visit_records
from analysis.simulation.cohort import draw_cohort
from analysis.simulation.defects import Defect, plant_defects
from analysis.simulation.events import (
    draw_adverse_events,
    draw_discontinuations,
    draw_sessions,
    draw_withdrawals,
)
from analysis.simulation.hours import draw_hours, split_hours
from analysis.simulation.questionnaires import draw_answers, draw_traits
from analysis.simulation.randomness import stream
from data_contracts.spec import Trial

NOTES = ("", "", "", "Interview by telephone", "Parent present for part of the interview", "Tired, one break")


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTrial:
    """The forms of a trial, by their contract's column names, missing codes among the values."""

    forms: Mapping[str, pd.DataFrame]
    defects: tuple[Defect, ...]
    hours: pd.DataFrame  # participant, arm, and the hours of each visit as they truly were, seen or not


def simulate_trial(trial: Trial) -> SimulatedTrial:
    """Return the demonstration data of a trial: its seed alone decides them.

    Raises:
        KeyError: the trial is none of the demonstration trials.
    """
    effect = c.EFFECTS[trial.name]
    cohort = draw_cohort(trial, stream(trial.seed, "cohort"))
    attendance = draw_attendance(cohort, trial, stream(trial.seed, "attendance"))
    in_therapy = (cohort["arm"] != trial.reference_arm.code).to_numpy()
    hours = draw_hours(stream(trial.seed, "hours"), in_therapy, _numbers(cohort["therapist"]), effect)
    records = visit_records(cohort, attendance, trial)
    sessions = draw_sessions(cohort, stream(trial.seed, "sessions"))
    forms = {
        "participants": draw_participants(cohort, stream(trial.seed, "participants")),
        "allocation": _allocation(cohort),
        "time_use": draw_time_use(records, hours, stream(trial.seed, "time_use")),
        "questionnaires": draw_questionnaires(records, in_therapy, trial),
        "sessions": sessions,
        "discontinuations": draw_discontinuations(cohort, sessions, stream(trial.seed, "discontinuations")),
        "adverse_events": draw_adverse_events(cohort, stream(trial.seed, "adverse_events")),
        "withdrawals": draw_withdrawals(cohort, attendance, stream(trial.seed, "withdrawals")),
    }
    planted, defects = plant_defects(forms)
    return SimulatedTrial(planted, defects, _truth(cohort, hours, attendance))


def draw_participants(cohort: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return what is asked at entry."""
    n = len(cohort)
    days = np.minimum(np.round(rng.exponential(220, n)), 730)
    people = pd.DataFrame({
        "participant": cohort["participant"],
        "consented": cohort["consented"],
        "age": np.round(16 + 19 * rng.beta(2, 2.4, n)),
        "ethnicity": rng.choice([1, 2, 3, 4, 5], size=n, p=[0.72, 0.08, 0.12, 0.05, 0.03]),
        "diagnosis": rng.choice([1, 2], size=n, p=[0.82, 0.18]),
        "months_in_service": rng.integers(12, 31, n),
        "antipsychotic": rng.binomial(1, 0.8, n),
        "concomitant_therapy": rng.binomial(1, 0.35, n),
        "days_since_discharge": np.where(rng.random(n) < 0.35, c.NO_INPATIENT_STAY, days),
    })  # fmt: skip
    for name in ("ethnicity", "months_in_service", "antipsychotic", "days_since_discharge"):
        people[name] = people[name].mask(rng.random(n) < 0.025, c.NOT_RECORDED)
    return people


def draw_time_use(records: pd.DataFrame, hours: c.Array, rng: np.random.Generator) -> pd.DataFrame:
    """Return an interview per visit that took place, all -99 where it was not done."""
    total = hours[records["person"], records["at"]]
    parts = np.column_stack([split_hours(rng, total), total])
    parts[~records["observed"].to_numpy()] = c.NOT_RECORDED
    values = pd.DataFrame(parts, columns=[*c.PARTS, "structured_activity_hours"])
    whole = pd.concat([records[["participant", "visit", "date"]], values], axis=1)
    whole["assessor_note"] = rng.choice(NOTES, size=len(whole))
    return whole.rename(columns={"date": "visit_date"})


def draw_questionnaires(records: pd.DataFrame, in_therapy: c.Flags, trial: Trial) -> pd.DataFrame:
    """Return the answers at each visit, every instrument from random numbers of its own."""
    rng = stream(trial.seed, "questionnaires")
    done = (records["at"] == 0) | (
        records["observed"] & (rng.random(len(records)) < c.SHARE_QUESTIONNAIRES_DONE)
    )
    kept = records[done].reset_index(drop=True)
    later = pd.to_timedelta(np.where(kept["at"] == 0, 0, rng.integers(0, 7, len(kept))), unit="D")
    uses = trial.forms["questionnaires"].instruments
    answers = {}
    for name, use in uses.items():
        own, drawn = stream(trial.seed, name), c.QUESTIONNAIRES[name]
        trait = draw_traits(own, in_therapy, c.EFFECTS[trial.name], drawn)[kept["person"], kept["at"]]
        answers[name] = draw_answers(own, trait, trial.instruments[name], drawn, use)
    audit = answers["audit"]
    total = audit.sum(axis=1).mask((audit == c.DECLINED).any(axis=1), c.NOT_RECORDED)
    dated = kept[["participant", "visit"]].assign(completed=kept["date"] + later, audit_total=total)
    return pd.concat([dated, *answers.values()], axis=1)


def _allocation(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the randomisation list in the order of randomisation."""
    columns = ["participant", "randomised_on", "site", "sex", "block", "arm", "excluded"]
    ordered = cohort[columns].sort_values(["randomised_on", "participant"], ignore_index=True)
    return ordered.assign(excluded=ordered["excluded"].astype(int).astype(str))


def _truth(cohort: pd.DataFrame, hours: c.Array, attendance: Attendance) -> pd.DataFrame:
    drawn = pd.DataFrame(hours, columns=attendance.dates.columns)
    return pd.concat([cohort[["participant", "arm", "therapist"]], drawn], axis=1)


def _numbers(names: pd.Series) -> c.Integers:
    return np.asarray(pd.factorize(names)[0], dtype=np.int64)
