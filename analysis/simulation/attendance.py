"""Which visits took place, when, and whether they were recorded. Not here: what was recorded."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.simulation import constants as c
from data_contracts.spec import Trial, Visit

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True, eq=False)
class Attendance:
    """What became of each participant's four visits, baseline first."""

    attended: c.Flags  # (n, 4) there is a record
    observed: c.Flags  # (n, 4) and its hours were recorded
    dates: pd.DataFrame  # (n, 4) datetime64[s], columns are visit codes


def draw_attendance(cohort: pd.DataFrame, trial: Trial, rng: np.random.Generator) -> Attendance:
    """Return who was seen when: all at baseline, fewer later and most of all in usual care."""
    n = len(cohort)
    in_therapy = (cohort["arm"] != trial.reference_arm.code).to_numpy()[:, None]
    chance = np.where(in_therapy, c.OBSERVED_THERAPY, c.OBSERVED_USUAL_CARE)
    shared, own = rng.standard_normal((n, 1)), rng.standard_normal((n, 3))
    lasting = np.sqrt(c.ATTENDANCE_CORRELATION) * shared + np.sqrt(1 - c.ATTENDANCE_CORRELATION) * own
    kept = ~cohort["excluded"].to_numpy()[:, None]
    observed = (ndtr(lasting) < chance) & kept
    came_only = ~observed & (rng.random((n, 3)) < c.ATTENDED_UNRECORDED) & kept
    always = np.ones((n, 1), dtype=np.bool_)
    dates = pd.DataFrame({v.code: _draw_dates(cohort, v, rng) for v in trial.visits})
    return Attendance(np.hstack([always, observed | came_only]), np.hstack([always, observed]), dates)


def visit_records(cohort: pd.DataFrame, attendance: Attendance, trial: Trial) -> pd.DataFrame:
    """Return a record per participant and visit that took place, in that order.

    Returns:
        (m, columns) participant, visit (its number in the export), month order `at`, date, observed.
    """
    row, at = np.nonzero(attendance.attended)
    numbers = np.array([visit.spellings[-1] for visit in trial.visits])  # as the exports' labels have it
    return pd.DataFrame({
        "person": row,
        "at": at,
        "participant": cohort["participant"].to_numpy()[row],
        "visit": numbers[at],
        "date": attendance.dates.to_numpy()[row, at],
        "observed": attendance.observed[row, at],
    })  # fmt: skip


def _draw_dates(cohort: pd.DataFrame, visit: Visit, rng: np.random.Generator) -> pd.Series:
    """Return a date within the visit's window, with a week to spare at its end."""
    randomised_on = cohort["randomised_on"]
    if visit.baseline or visit.window is None:
        return randomised_on - pd.to_timedelta(rng.integers(0, 7, len(cohort)), unit="D")
    planned = visit.month * DAYS_PER_MONTH + rng.normal(6, 14, len(cohort))
    days = np.clip(np.round(planned), visit.window[0], visit.window[1] - 7)
    return randomised_on + pd.to_timedelta(days, unit="D")
