"""Participant flow: how many were randomised, excluded, treated, observed, lost and analysed, by arm."""

from collections.abc import Iterator

import pandas as pd

from analysis.derive.populations import Evidence, is_excluded

FlowRow = tuple[str, str, str, int, str]
COLUMNS = ["stage", "arm", "visit", "n", "reason"]


def participant_flow(evidence: Evidence, members: pd.Series, analysable: pd.Series) -> pd.DataFrame:
    """Return the counts of the CONSORT diagram.

    Args:
        evidence: People, observed visits of the primary outcome, and sessions.
        members: by participant, True if in the primary estimand's population.
        analysable: by participant, True if the primary analysis has what it needs of them.

    Returns:
        stage, arm, visit, n, reason; in each arm randomised = excluded + not analysed + analysed.

    Raises:
        AssertionError: that identity does not hold.
    """
    excluded = is_excluded(evidence.people) & ~members
    groups = (excluded, ~members & ~excluded, members & analysable)
    rows = [row for arm in evidence.trial.arms for row in _arm_rows(evidence, groups, arm.code)]
    flow = pd.DataFrame(rows, columns=COLUMNS)
    for arm, part in flow.groupby("arm"):
        n = part.groupby("stage")["n"].sum()
        whole = n.get("excluded", 0) + n.get("not analysed", 0) + n["analysed"]
        if n["randomised"] != whole:
            raise AssertionError(f"arm {arm}: {n['randomised']} randomised, but {whole} accounted for")
    return flow


def _arm_rows(
    evidence: Evidence, groups: tuple[pd.Series, pd.Series, pd.Series], arm: str
) -> Iterator[FlowRow]:
    here = evidence.people["arm"] == arm
    excluded, outside, analysed = (group & here for group in groups)
    kept = here & ~excluded
    yield "randomised", arm, "", int(here.sum()), ""
    if excluded.any():
        yield "excluded", arm, "", int(excluded.sum()), "excluded after randomisation"
    if any(a.therapy and a.code == arm for a in evidence.trial.arms) and evidence.sessions.any():
        started = kept & (evidence.sessions > 0)
        yield "received therapy", arm, "", int(started.sum()), "at least one session"
        yield "no therapy", arm, "", int((kept & ~started).sum()), "no session"
    for visit in evidence.trial.visits:
        observed = evidence.observed[visit.code] & kept
        yield "observed", arm, visit.code, int(observed.sum()), ""
        yield "lost", arm, visit.code, int((kept & ~observed).sum()), "primary outcome not observed"
    yield from _not_analysed(evidence, kept & ~analysed, outside, arm)
    yield "analysed", arm, "", int(analysed.sum()), ""


def _not_analysed(evidence: Evidence, left_out: pd.Series, outside: pd.Series, arm: str) -> Iterator[FlowRow]:
    """Yield those left out by reason, each participant once: the first reason that holds."""
    follow_ups = [v.code for v in evidence.trial.follow_ups]
    reasons = {
        "not in the population of the primary estimand": outside,
        "no follow-up observed": ~evidence.observed[follow_ups].any(axis=1),
        "no baseline observed": ~evidence.observed[evidence.trial.baseline_visit.code],
        "a covariate is missing": ~evidence.covered,
    }
    for reason, holds in reasons.items():
        n = int((left_out & holds).sum())
        left_out = left_out & ~holds
        if n or reason == "no follow-up observed":
            yield "not analysed", arm, "", n, reason
