"""Rows of what was observed by arm, above the effect on a secondary outcome. Not here: the effects (secondary)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import USABLE, Estimate, estimates
from analysis.reporting.methods.words import opening
from analysis.reporting.table import Cell, Row, row, sources
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Arm

Shown = Callable[[Arm], Cell]  # what stands in an arm's column


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The rows by arm of one analysis."""

    found: dict[tuple[str, str, str], Estimate]  # (statistic, arm, at)

    @classmethod
    def of(cls, results: pd.DataFrame, analysis: Analysis, visit: str) -> "Observed":
        """Return the rows by arm at a visit, or at none."""
        own = (e for e in estimates(results, analysis=analysis.name) if e.arm and e.visit in {visit, ""})
        return cls({(e.statistic, e.arm, e.at): e for e in own})

    def get(self, statistic: str, arm: Arm, at: str = "") -> Estimate | None:
        """Return an arm's row that holds a number."""
        found = self.found.get((statistic, arm.code, at))
        return found if found is not None and found.status in USABLE else None

    def places(self, statistic: str) -> list[str]:
        """Return where a statistic stands, such as the day of a share, in the table's order."""
        return list(dict.fromkeys(at for name, _, at in self.found if name == statistic))


def observed_rows(
    observed: Observed, outcome: Outcome, arms: tuple[Arm, Arm], when: str = ""
) -> Iterator[Row]:
    """Yield what was observed of each arm, as its kind of outcome is told; rows that no arm has are left out.

    Args:
        observed: The analysis' rows by arm.
        outcome: Its outcome.
        arms: The reference arm and the one compared.
        when: The visit, where the effect is over all visits.
    """
    for label, shown in KINDS[outcome.kind](observed, outcome):
        cells = [shown(arm) for arm in arms]
        if any(cell.source for cell in cells):
            yield row(f"{label}, {when}" if when else label, *cells)


def _continuous(observed: Observed, _: Outcome) -> Iterator[tuple[str, Shown]]:
    yield "Observed mean (SD)", partial(_mean_sd, observed)


def _binary(observed: Observed, _: Outcome) -> Iterator[tuple[str, Shown]]:
    yield "Observed, n/N (%)", partial(_of_n, observed)


def _ordinal(observed: Observed, outcome: Outcome) -> Iterator[tuple[str, Shown]]:
    for level in outcome.levels:
        yield f"Observed: {level}", partial(_of_n, observed, at=level)


def _count(observed: Observed, outcome: Outcome) -> Iterator[tuple[str, Shown]]:
    unit = outcome.unit or "events"
    yield f"Any {unit}, n/N (%)", partial(_of_n, observed)
    yield f"{opening(unit)} in person-years, rate", partial(_rate, observed, of="total")
    yield f"Observed mean of {unit}", partial(_mean, observed)


def _time_to_event(observed: Observed, _: Outcome) -> Iterator[tuple[str, Shown]]:
    yield "Had the event, n/N (%)", partial(_of_n, observed)
    yield "Events in person-years, rate", partial(_rate, observed, of="count")
    for day in observed.places("event-free"):
        yield f"Event-free, {day}", partial(_share, observed, at=day)


KINDS: dict[str, Callable[[Observed, Outcome], Iterator[tuple[str, Shown]]]] = {
    "continuous": _continuous,
    "binary": _binary,
    "ordinal": _ordinal,
    "count": _count,
    "time to event": _time_to_event,
}


def _mean_sd(observed: Observed, arm: Arm) -> Cell:
    count, mean, sd = (observed.get(name, arm) for name in ("count", "observed mean", "observed sd"))
    if count is None or mean is None:
        return Cell(numbers.ABSENT)
    decimals = numbers.decimals_for(sd.value if sd else float("nan"))
    spread = f" ({numbers.number(sd.value, decimals)})" if sd else ""
    return Cell(
        f"{numbers.number(mean.value, decimals)}{spread}",
        sources(mean.key, sd.key if sd else "", count.key),
        detail=f"n = {numbers.number(count.value, 0)}",
    )


def _of_n(observed: Observed, arm: Arm, at: str = "") -> Cell:
    """Return how many of an arm, such as "24/71 (34%)"."""
    count, percent = observed.get("count", arm, at), observed.get("percent", arm, at)
    if count is None or not count.n:
        return Cell(numbers.ABSENT)
    share = percent.value if percent else 100 * count.value / count.n
    shown = f"{numbers.number(count.value, 0)}/{count.n} ({numbers.number(share, 0)}%)"
    return Cell(shown, sources(count.key, percent.key if percent else ""))


def _rate(observed: Observed, arm: Arm, of: str) -> Cell:
    events, followed, rate = (observed.get(name, arm) for name in (of, "follow-up", "rate"))
    if events is None or followed is None or rate is None:
        return Cell(numbers.ABSENT)
    decimals = numbers.decimals_for(rate.value)
    return Cell(
        f"{numbers.number(events.value, 0)} in {numbers.number(followed.value, 1)}",
        sources(events.key, followed.key, rate.key),
        detail=f"{numbers.number(rate.value, decimals)} a year",
    )


def _mean(observed: Observed, arm: Arm) -> Cell:
    mean, total = observed.get("mean", arm), observed.get("total", arm)
    if mean is None or total is None:
        return Cell(numbers.ABSENT)
    shown = numbers.number(mean.value, numbers.decimals_for(mean.value))
    detail = f"{numbers.number(total.value, 0)} of {total.n}"
    return Cell(shown, sources(mean.key, total.key), detail=detail)


def _share(observed: Observed, arm: Arm, at: str) -> Cell:
    found = observed.get("event-free", arm, at)
    if found is None:
        return Cell(numbers.ABSENT)
    decimals = max(numbers.decimals_for(found.se), 2)
    limits = "" if pd.isna(found.lower) else numbers.interval(found.lower, found.upper, decimals)
    return Cell(numbers.number(found.value, decimals), found.key, detail=limits)
