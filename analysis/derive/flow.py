"""Participant flow: how many were randomised, excluded, treated, observed, lost and analysed, by arm and by site."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.derive.analysed import reasons_left_out
from analysis.derive.populations import Evidence, is_excluded

FlowRow = tuple[str, str, int, str]  # stage, visit, n, reason
UNKNOWN = "not known"  # stands for the site of whoever has none of the plan


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Where everybody randomised ended, each once: bool by participant."""

    excluded: pd.Series
    outside: pd.Series  # of the primary estimand's population, though not excluded
    analysed: pd.Series


def groups_of(evidence: Evidence, members: pd.Series, analysable: pd.Series) -> Groups:
    """Return who was excluded, who is outside the primary population, and who was analysed.

    Args:
        evidence: People, observed visits of the primary outcome, and sessions.
        members: by participant, True if in the primary estimand's population.
        analysable: by participant, True if the primary analysis has what it needs of them.
    """
    excluded = is_excluded(evidence.people, evidence.trial) & ~members
    return Groups(excluded, ~members & ~excluded, members & analysable)


def flow_by_arm(evidence: Evidence, groups: Groups) -> pd.DataFrame:
    """Return the counts of the CONSORT diagram, a way per arm.

    Returns:
        stage, arm, visit, n, reason; in each arm randomised = excluded + not analysed + analysed.

    Raises:
        AssertionError: that identity does not hold.
    """
    arms = evidence.people["arm"]
    rows = [
        (arm.code, row)
        for arm in evidence.trial.arms
        for row in _rows(evidence, groups, arms == arm.code, arm.therapy)
    ]
    return _adding_up(rows, "arm")


def flow_by_site(evidence: Evidence, groups: Groups) -> pd.DataFrame:
    """Return the same counts, arms pooled, a way per site; empty where the trial has no sites.

    Returns:
        stage, site, visit, n, reason. Stages of therapy are left out: it is offered in some arms only.

    Raises:
        AssertionError: as of `flow_by_arm`.
    """
    sites = sites_of(evidence)
    planned = [site.code for site in evidence.trial.sites]
    codes = [*planned, *([UNKNOWN] if planned and (sites == UNKNOWN).any() else [])]
    rows = [(c, row) for c in codes for row in _rows(evidence, groups, sites == c, therapy=False)]
    return _adding_up(rows, "site")


def sites_of(evidence: Evidence) -> pd.Series:
    """Return each participant's site, `UNKNOWN` for whoever has none of the plan."""
    known = {site.code for site in evidence.trial.sites}
    sites = evidence.people.get("site", pd.Series(UNKNOWN, index=evidence.people.index))
    return sites.astype("object").where(sites.isin(known), UNKNOWN)


def _adding_up(rows: list[tuple[str, FlowRow]], by: str) -> pd.DataFrame:
    columns = ["stage", by, "visit", "n", "reason"]
    flow = pd.DataFrame([(r[0], name, *r[1:]) for name, r in rows], columns=columns)
    for name, part in flow.groupby(by):
        n = part.groupby("stage")["n"].sum()
        whole = n.get("excluded", 0) + n.get("not analysed", 0) + n["analysed"]
        if n["randomised"] != whole:
            raise AssertionError(f"{by} {name}: {n['randomised']} randomised, but {whole} accounted for")
    return flow


def _rows(evidence: Evidence, groups: Groups, here: pd.Series, therapy: bool) -> Iterator[FlowRow]:
    kept = here & ~groups.excluded
    yield "randomised", "", int(here.sum()), ""
    if groups.excluded.any():
        yield "excluded", "", int((groups.excluded & here).sum()), "excluded after randomisation"
    if therapy and evidence.trial.forms_of("sessions"):  # declared, and so kept: none at all is a finding
        started = kept & (evidence.sessions > 0)
        yield "received therapy", "", int(started.sum()), "at least one session"
        yield "no therapy", "", int((kept & ~started).sum()), "no session"
    for visit in evidence.trial.visits:
        observed = evidence.observed[visit.code] & kept
        yield "observed", visit.code, int(observed.sum()), ""
        yield "lost", visit.code, int((kept & ~observed).sum()), "primary outcome not observed"
    yield from _not_analysed(evidence, kept & ~groups.analysed, groups.outside & here)
    yield "analysed", "", int((groups.analysed & here).sum()), ""


def _not_analysed(evidence: Evidence, left_out: pd.Series, outside: pd.Series) -> Iterator[FlowRow]:
    """Yield those left out by reason, each participant once: the first reason that holds."""
    reasons = {"not in the population of the primary estimand": outside, **reasons_left_out(evidence)}
    first = [*reasons][1]
    for reason, holds in reasons.items():
        n = int((left_out & holds).sum())
        left_out = left_out & ~holds
        if n or reason == first:
            yield "not analysed", "", n, reason
