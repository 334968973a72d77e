"""The participant flow from its counts, and the sums it must obey. Not here: counting (derive), drawing.

Stages of the flow table, each by arm: `randomised`, `excluded` (after randomisation), `received therapy`,
`no therapy`, `observed` and `lost` (by visit), `not analysed`, `analysed`; those who left with their reasons.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from data_contracts.errors import ContractError, Problem
from data_contracts.spec import Arm, Trial, Visit


@dataclass(frozen=True, slots=True)
class Reasons:
    """People who left at one stage, by reason."""

    n: int
    by_reason: tuple[tuple[str, int], ...]  # empty when no reason was given

    def only_says(self, what: str) -> bool:
        """Whether the one reason given repeats what happened, such as "excluded after randomisation"."""
        return len(self.by_reason) == 1 and self.by_reason[0][0].startswith(what)


@dataclass(frozen=True, slots=True)
class VisitFlow:
    """Who was seen at a visit; `lost` is None when the table doesn't say."""

    visit: Visit
    observed: int
    lost: Reasons | None
    is_primary: bool


@dataclass(frozen=True, slots=True)
class ArmFlow:
    """One arm's way through the trial; None where the table doesn't say."""

    arm: Arm
    randomised: int
    excluded: Reasons | None
    received: int | None
    untreated: Reasons | None
    visits: tuple[VisitFlow, ...]
    not_analysed: Reasons | None
    analysed: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """All arms' ways, and the identities that were checked, a sentence each."""

    randomised: int
    analysed: int | None
    arms: tuple[ArmFlow, ...]
    identities: tuple[str, ...]


def participant_flow(flow: pd.DataFrame, trial: Trial) -> Flow:
    """Return the flow that the counts tell.

    Raises:
        ContractError: the counts don't add up; every sum that fails is listed.
    """
    arms = tuple(_arm_flow(flow, arm, trial) for arm in (trial.reference_arm, *trial.compared_arms))
    sums = [s for arm in arms for s in _sums(arm)]
    if broken := [_problem(s) for s in sums if not s.holds]:
        raise ContractError("The participant flow does not add up; no report was made.", broken)
    analysed = [arm.analysed for arm in arms if arm.analysed is not None]
    return Flow(
        randomised=sum(arm.randomised for arm in arms),
        analysed=sum(analysed) if len(analysed) == len(arms) else None,
        arms=arms,
        identities=tuple(f"{s.where}: {s.whole} randomised = {s.spelled}" for s in sums),
    )


def _arm_flow(flow: pd.DataFrame, arm: Arm, trial: Trial) -> ArmFlow:
    own = flow[flow["arm"] == arm.code]
    return ArmFlow(
        arm=arm,
        randomised=_total(own, "randomised") or 0,
        excluded=_reasons(own, "excluded"),
        received=_total(own, "received therapy") if arm.therapy else None,
        untreated=_reasons(own, "no therapy") if arm.therapy else None,
        visits=tuple(_visits(own, trial)),
        not_analysed=_reasons(own, "not analysed"),
        analysed=_total(own, "analysed"),
    )


def _visits(own: pd.DataFrame, trial: Trial) -> Iterator[VisitFlow]:
    for visit in trial.visits:
        observed = _total(own, "observed", visit.code)
        if observed is not None:
            lost = _reasons(own, "lost", visit.code)
            yield VisitFlow(visit, observed, lost, visit.code == trial.primary.visit)


def _of(own: pd.DataFrame, stage: str, visit: str) -> pd.DataFrame:
    return own[(own["stage"] == stage) & (own["visit"].fillna("") == visit)]


def _total(own: pd.DataFrame, stage: str, visit: str = "") -> int | None:
    rows = _of(own, stage, visit)
    return int(rows["n"].sum()) if len(rows) else None


def _reasons(own: pd.DataFrame, stage: str, visit: str = "") -> Reasons | None:
    rows = _of(own, stage, visit)
    if rows.empty:
        return None
    named = rows[rows["reason"].fillna("") != ""]
    pairs = zip(named["reason"].astype(str), named["n"].astype(int), strict=True)
    return Reasons(int(rows["n"].sum()), tuple((reason, n) for reason, n in pairs if n))


@dataclass(frozen=True, slots=True)
class _Sum:
    where: str
    whole: int
    parts: tuple[tuple[str, int], ...]

    @property
    def holds(self) -> bool:
        return self.whole == sum(n for _, n in self.parts)

    @property
    def spelled(self) -> str:
        return " + ".join(f"{n} {name}" for name, n in self.parts)


def _sums(arm: ArmFlow) -> Iterator[_Sum]:
    """Yield what must add up: at therapy, at each visit whose losses are counted, at the analysis."""
    excluded = (("excluded", arm.excluded.n),) if arm.excluded else ()
    if arm.received is not None and arm.untreated is not None:
        parts = (("had therapy", arm.received), ("had none", arm.untreated.n), *excluded)
        yield _Sum(f"{arm.arm.label}, therapy", arm.randomised, parts)
    for seen in arm.visits:
        if seen.lost is not None:
            parts = (("observed", seen.observed), ("not observed", seen.lost.n), *excluded)
            yield _Sum(f"{arm.arm.label}, {seen.visit.label}", arm.randomised, parts)
    if arm.analysed is not None:
        left = (("not analysed", arm.not_analysed.n),) if arm.not_analysed else ()
        yield _Sum(
            f"{arm.arm.label}, analysis", arm.randomised, (("analysed", arm.analysed), *left, *excluded)
        )


def _problem(broken: _Sum) -> Problem:
    found = f"{broken.spelled} = {sum(n for _, n in broken.parts)}"
    remedy = "Look at the step that counts the participant flow: the numbers come from there."
    return Problem(
        f"participant flow, {broken.where}", found, f"{broken.whole}, the number randomised", remedy
    )
