"""Participant flow: how many were randomised, excluded, treated, observed, lost and analysed, by arm."""

from collections.abc import Iterator

import pandas as pd

from analysis.derive.populations import Evidence, is_excluded

COLUMNS = ["stage", "arm", "visit", "n", "reason"]


def participant_flow(evidence: Evidence, analysed: pd.Series) -> pd.DataFrame:
    """Return the counts of the CONSORT diagram.

    Args:
        evidence: People, observed visits of the primary outcome, and sessions.
        analysed: by participant, True if the primary analysis can use them.

    Returns:
        stage, arm, visit, n, reason; in each arm randomised = excluded + not analysed + analysed.

    Raises:
        AssertionError: that identity does not hold.
    """
    rows = [row for arm in evidence.trial.arms for row in _arm_rows(evidence, analysed, arm.code)]
    flow = pd.DataFrame(rows, columns=COLUMNS)
    for arm, part in flow.groupby("arm"):
        n = part.groupby("stage")["n"].sum()
        whole = n.get("excluded", 0) + n.get("not analysed", 0) + n["analysed"]
        if n["randomised"] != whole:
            raise AssertionError(f"arm {arm}: {n['randomised']} randomised, but {whole} accounted for")
    return flow


def _arm_rows(evidence: Evidence, analysed: pd.Series, arm: str) -> Iterator[tuple[str, str, str, int, str]]:
    here = evidence.people["arm"] == arm
    excluded = is_excluded(evidence.people) & here
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
    left_out = kept & ~analysed
    no_baseline = left_out & ~evidence.observed[evidence.trial.baseline_visit.code]
    yield "not analysed", arm, "", int((left_out & ~no_baseline).sum()), "no follow-up observed"
    if no_baseline.any():
        yield "not analysed", arm, "", int(no_baseline.sum()), "no baseline observed"
    yield "analysed", arm, "", int((kept & analysed).sum()), ""
