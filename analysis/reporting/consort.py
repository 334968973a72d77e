"""The participant flow from rows of the results table, and the sums it must obey. Not here: counting, drawing.

Stages, each a row "disposition": `randomised`, `excluded` (after randomisation), `received therapy`, `no therapy`,
`observed` and `lost` (by visit), `not analysed`, `analysed`; who left, with reasons. What came before
randomisation is declared in the trial file, where the unit keeps a screening log. Somebody randomised whose
allocation record a rule set aside is in that log and in no row: they are the difference, and told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from analysis.derive.flow import UNKNOWN
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.reporting.estimates import Estimate, arm_label, estimates
from analysis.results import EVERYBODY
from data_contracts.errors import ContractError, Problem
from data_contracts.spec import Trial, Visit

By = Literal["arm", "site", "all"]
LOOK = "Look at the step that counts the participant flow: the numbers come from there."
DECLARED = (
    "Correct `screened` and `excluded` in [recruitment] of the trial file; leave them out while it recruits."
)
RELEASE = "Up to {n} more may be people whose allocation record was set aside: `srt queries` lists them."
SET_ASIDE = "with the allocation record set aside"


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
class Way:
    """The way of one arm, of one site, or of everybody through the trial; None where the table doesn't say."""

    code: str  # of the arm or site; empty for everybody
    label: str
    randomised: int
    excluded: Reasons | None
    received: int | None
    untreated: Reasons | None
    visits: tuple[VisitFlow, ...]
    not_analysed: Reasons | None
    analysed: int | None


@dataclass(frozen=True, slots=True)
class Screening:
    """What came before randomisation, as the trial file declares it."""

    assessed: int
    excluded: Reasons
    set_aside: int = 0  # neither excluded nor counted as randomised: their allocation record was set aside


@dataclass(frozen=True, slots=True)
class Flow:
    """All ways side by side, and the identities that were checked, a sentence each."""

    by: By
    randomised: int
    analysed: int | None
    ways: tuple[Way, ...]  # empty when the results table holds no flow
    identities: tuple[str, ...]
    screening: Screening | None = None  # None where nothing is declared, and of sites


def participant_flow(results: pd.DataFrame, trial: Trial, by: By = "arm", set_aside: int | None = 0) -> Flow:
    """Return the flow that the rows "disposition" tell: a way per arm, per site, or one for everybody.

    Args:
        results: Rows of the results table.
        trial: The trial.
        by: What a way is of.
        set_aside: How many allocation records were set aside; None where that is not told.

    Raises:
        ContractError: the counts don't add up; every sum that fails is listed.
    """
    rows = list(estimates(results, analysis=BY_SITE if by == "site" else DISPOSITION, statistic="count"))
    ways = tuple(
        _way([e for e in rows if _code(e, by) == code], code, trial, by) for code in _codes(rows, by)
    )
    total = sum(way.randomised for way in ways)
    screening = _screening(trial, total, set_aside) if ways and by != "site" else None
    sums = [
        *_screened(screening, total, set_aside),
        *(s for way in ways for s in _sums(way)),
        *_wholes(results, ways, by),
    ]
    if broken := [_problem(s) for s in sums if not s.holds]:
        raise ContractError("The participant flow does not add up; no report was made.", broken)
    analysed = [way.analysed for way in ways if way.analysed is not None]
    return Flow(
        by=by,
        randomised=total,
        analysed=sum(analysed) if ways and len(analysed) == len(ways) else None,
        ways=ways,
        identities=tuple(s.spelled for s in sums),
        screening=screening,
    )


def allocations_set_aside(counts: pd.DataFrame, trial: Trial, told: int | None = None) -> int | None:
    """Return how many allocation records were set aside; None where that is not known.

    Args:
        counts: form, rows_in, accepted, quarantined.
        trial: The trial.
        told: The number, where the form of allocation is not among the counts.
    """
    (allocation,) = trial.forms_of("allocation")
    own = counts[counts["form"] == allocation.name] if "form" in counts else counts
    return told if own.empty else int(own["quarantined"].sum())


def way_label(code: str, trial: Trial) -> str:
    """Return the label of an arm by its code; of everybody where it is empty."""
    return "All" if code == EVERYBODY else arm_label(code, trial)


def site_label(code: str, trial: Trial) -> str:
    """Return the label of a site by its code."""
    known = {site.code: site.label for site in trial.sites}
    return {UNKNOWN: "Site not known", **known}.get(code, code)


def _code(found: Estimate, by: By) -> str:
    return found.at if by == "site" else found.arm


def _codes(rows: list[Estimate], by: By) -> list[str]:
    """Return the ways in the table's order: the reference arm first, the sites as declared."""
    codes = dict.fromkeys(_code(e, by) for e in rows)
    return [code for code in codes if (code == "") == (by == "all")]


def _way(own: list[Estimate], code: str, trial: Trial, by: By) -> Way:
    return Way(
        code=code,
        label=site_label(code, trial) if by == "site" else way_label(code, trial),
        randomised=_total(own, "randomised") or 0,
        excluded=_reasons(own, "excluded", code),
        received=_total(own, "received therapy"),
        untreated=_reasons(own, "no therapy", code),
        visits=tuple(_visits(own, code, trial)),
        not_analysed=_reasons(own, "not analysed", code),
        analysed=_total(own, "analysed"),
    )


def _visits(own: list[Estimate], code: str, trial: Trial) -> Iterator[VisitFlow]:
    for visit in trial.visits:
        observed = _total(own, "observed", visit.code)
        if observed is not None:
            lost = _reasons(own, "lost", code, visit.code)
            yield VisitFlow(visit, observed, lost, visit.code == trial.primary.visit)


def _of(own: list[Estimate], stage: str, visit: str) -> list[Estimate]:
    return [e for e in own if e.outcome == stage and e.visit == visit]


def _total(own: list[Estimate], stage: str, visit: str = "") -> int | None:
    rows = _of(own, stage, visit)
    return sum(int(e.value) for e in rows) if rows else None


def _reasons(own: list[Estimate], stage: str, code: str, visit: str = "") -> Reasons | None:
    """Return who left; `at` is a reason, unless it is the site itself."""
    rows = _of(own, stage, visit)
    if not rows:
        return None
    named = [e for e in rows if e.at not in {"", code} and e.value]
    return Reasons(sum(int(e.value) for e in rows), tuple((e.at, int(e.value)) for e in named))


def _screening(trial: Trial, randomised: int, set_aside: int | None) -> Screening | None:
    """Return what is declared; of those set aside as many as are neither excluded nor randomised.

    A record set aside need not be a person's only one: it may be the copy of another.
    """
    declared = trial.recruitment
    if declared.screened is None:
        return None
    excluded = Reasons(sum(declared.excluded.values()), tuple(declared.excluded.items()))
    left = declared.screened - excluded.n - randomised
    explained = left > 0 and (set_aside is None or left <= set_aside)
    return Screening(declared.screened, excluded, left if explained else 0)


@dataclass(frozen=True, slots=True)
class _Sum:
    where: str
    whole: int
    what: str  # is counted by the whole
    parts: tuple[tuple[str, int], ...]
    remedy: str = LOOK

    @property
    def holds(self) -> bool:
        return self.whole == sum(n for _, n in self.parts)

    @property
    def added(self) -> str:
        return " + ".join(f"{n} {name}" for name, n in self.parts)

    @property
    def spelled(self) -> str:
        return f"{self.where}: {self.whole} {self.what} = {self.added}"


def _screened(screening: Screening | None, randomised: int, set_aside: int | None) -> Iterator[_Sum]:
    if screening is not None:
        aside = ((SET_ASIDE, screening.set_aside),) if screening.set_aside else ()
        parts = (("excluded", screening.excluded.n), ("randomised", randomised), *aside)
        remedy = f"{DECLARED} {RELEASE.format(n=set_aside)}" if set_aside else DECLARED
        yield _Sum("Screening", screening.assessed, "assessed", parts, remedy)


def _sums(way: Way) -> Iterator[_Sum]:
    """Yield what must add up: at therapy, at each visit whose losses are counted, at the analysis."""
    excluded = (("excluded", way.excluded.n),) if way.excluded else ()
    if way.received is not None and way.untreated is not None:
        parts = (("had therapy", way.received), ("had none", way.untreated.n), *excluded)
        yield _Sum(f"{way.label}, therapy", way.randomised, "randomised", parts)
    for seen in way.visits:
        if seen.lost is not None:
            parts = (("observed", seen.observed), ("not observed", seen.lost.n), *excluded)
            yield _Sum(f"{way.label}, {seen.visit.label}", way.randomised, "randomised", parts)
    if way.analysed is not None:
        left = (("not analysed", way.not_analysed.n),) if way.not_analysed else ()
        parts = (("analysed", way.analysed), *left, *excluded)
        yield _Sum(f"{way.label}, analysis", way.randomised, "randomised", parts)


def _wholes(results: pd.DataFrame, ways: tuple[Way, ...], by: By) -> Iterator[_Sum]:
    """Yield that the ways together are everybody: at randomisation and at the analysis."""
    if by == "all" or not ways:
        return
    everybody = list(estimates(results, analysis=DISPOSITION, statistic="count", arm=""))
    for stage in ("randomised", "analysed"):
        whole, parts = _total(everybody, stage), [(way.label, getattr(way, stage)) for way in ways]
        if whole is not None and all(n is not None for _, n in parts):
            yield _Sum(f"All {by}s", whole, stage, tuple(parts))


def _problem(broken: _Sum) -> Problem:
    found = f"{broken.added} = {sum(n for _, n in broken.parts)}"
    expected = f"{broken.whole}, the number {broken.what}"
    return Problem(f"participant flow, {broken.where}", found, expected, broken.remedy)
