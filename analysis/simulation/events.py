"""Sessions, adverse events and withdrawals. Not here: hours, answers and attendance."""

import numpy as np
import pandas as pd

from analysis.simulation import constants as c
from analysis.simulation.attendance import Attendance

SESSION_DAYS = 274  # therapy lasts nine months
EVENT_KINDS = {"admission": 0.25, "self_harm": 0.2, "physical": 0.35, "other": 0.2}
EVENT_TEXTS = {
    "admission": ("Informal admission to an acute ward", "Admission after a relapse"),
    "self_harm": ("Superficial cut, no treatment needed", "Overdose, seen at the emergency department"),
    "physical": ("Fracture of the wrist", "Appendicitis", "Chest infection"),
    "other": ("Accident on the road", "Lost accommodation"),
}
RELATED = {"none": 0.93, "possible": 0.06, "definite": 0.01}
LEAVING = {"lost": "Several calls and letters without answer", "consent": "No longer wishes to take part",
           "moved": "Moved out of the area"}  # fmt: skip


ENDINGS = {"better": 0.15, "unwilling": 0.35, "unwell": 0.2, "moved": 0.1, "no_contact": 0.2}


def draw_sessions(cohort: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return a record per session held, in the therapy arm only."""
    therapy = cohort[(cohort["therapist"] != "") & ~cohort["excluded"]]
    counts = _draw_counts(rng, len(therapy))
    held = therapy.loc[therapy.index.repeat(counts), ["participant", "therapist", "randomised_on"]]
    days = np.concatenate([_draw_days(rng, n) for n in counts])
    minutes = np.clip(5 * np.round(rng.normal(60, 12, len(held)) / 5), 20, 120)
    return pd.DataFrame({
        "participant": held["participant"].to_numpy(),
        "session": held.groupby("participant").cumcount().to_numpy() + 1,
        "session_date": held["randomised_on"].to_numpy() + days.astype("timedelta64[D]"),
        "therapist": held["therapist"].to_numpy(),
        "minutes": np.where(rng.random(len(held)) < 0.02, c.NOT_RECORDED, minutes),
    })  # fmt: skip


def draw_discontinuations(
    cohort: pd.DataFrame, sessions: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Return a record for each who ended therapy before an adequate dose: when, on whose wish and why."""
    therapy = cohort[(cohort["therapist"] != "") & ~cohort["excluded"]].set_index("participant")
    held = sessions.groupby("participant")["session_date"].agg(["size", "max"])
    done = therapy.join(held).fillna({"size": 0})
    ended = done[done["size"] < c.ADEQUATE_DOSE]
    last = ended["max"].fillna(ended["randomised_on"])
    n = len(ended)
    return pd.DataFrame({
        "participant": ended.index.to_numpy(),
        "ended": last.to_numpy() + rng.integers(7, 43, n).astype("timedelta64[D]"),
        "reason": rng.choice(list(ENDINGS), size=n, p=list(ENDINGS.values())),
    })  # fmt: skip


def draw_adverse_events(cohort: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return a record per adverse event, as many in one arm as in the other."""
    had = cohort.loc[cohort.index.repeat(rng.poisson(c.EVENTS_PER_PERSON, len(cohort)))]
    n = len(had)
    category = rng.choice(list(EVENT_KINDS), size=n, p=list(EVENT_KINDS.values()))
    started = had["randomised_on"].to_numpy() + rng.integers(1, 720, n).astype("timedelta64[D]")
    events = pd.DataFrame({
        "participant": had["participant"].to_numpy(),
        "started": started,
        "reported": started + rng.integers(0, 15, n).astype("timedelta64[D]"),
        "category": category,
        "serious": np.where((category == "admission") | (rng.random(n) < 0.15), "Y", "N"),
        "related": rng.choice(list(RELATED), size=n, p=list(RELATED.values())),
        "description": [str(rng.choice(EVENT_TEXTS[kind])) for kind in category],
    })  # fmt: skip
    events = events.sort_values(["participant", "started"], ignore_index=True, kind="stable")
    events.insert(1, "event", events.groupby("participant").cumcount() + 1)
    return events


def draw_withdrawals(cohort: pd.DataFrame, attendance: Attendance, rng: np.random.Generator) -> pd.DataFrame:
    """Return a record for the one excluded and for most of those who never came back."""
    last = attendance.attended.shape[1] - 1 - attendance.attended[:, ::-1].argmax(axis=1)
    known = rng.random(len(cohort)) < 0.6
    excluded = cohort["excluded"].to_numpy()
    leaves = np.flatnonzero(excluded | ((last < 3) & known))
    seen = attendance.dates.to_numpy()[leaves, last[leaves]]
    after = np.maximum(seen, cohort["randomised_on"].to_numpy()[leaves])
    kind = np.where(excluded[leaves], "excluded", rng.choice(list(LEAVING), size=len(leaves)))
    return pd.DataFrame({
        "participant": cohort["participant"].to_numpy()[leaves],
        "withdrawn": after + rng.integers(10, 90, len(leaves)).astype("timedelta64[D]"),
        "kind": kind,
        "reason": [LEAVING.get(k, "Found to have been above 30 hours a week at entry") for k in kind],
    })  # fmt: skip


def _draw_counts(rng: np.random.Generator, n: int) -> c.Integers:
    """Return numbers of sessions with the published mean, spread and share of none."""
    mean = c.SESSIONS_MEAN / (1 - c.SHARE_NO_SESSION)
    variance = (c.SESSIONS_SD**2 + c.SESSIONS_MEAN**2) / (1 - c.SHARE_NO_SESSION) - mean**2
    counts = np.clip(np.round(rng.gamma(mean**2 / variance, variance / mean, n)), 1, c.SESSIONS_CAP)
    return np.where(rng.random(n) < c.SHARE_NO_SESSION, 0, counts).astype(np.int64)


def _draw_days(rng: np.random.Generator, n: int) -> c.Integers:
    """Return the days of n sessions since randomisation: about weekly, all within the nine months."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    gap = min(10.0, (SESSION_DAYS - 30) / n)
    steps = np.maximum(1, np.round(rng.uniform(0.6, 1.2, n) * gap))
    return (rng.integers(10, 30) + np.cumsum(steps)).astype(np.int64)
