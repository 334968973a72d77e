"""Intercurrent events: each participant's first affected visit, and the strategy for it. Not here: imputing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.imputation.errors import ImputationError, Refusal
from analysis.imputation.outcomes import Outcomes
from analysis.imputation.strategies import strategy_name
from analysis.mixed.arrays import Codes, Mask
from analysis.mixed.checks import listed

PARTICIPANT, VISIT, STRATEGY = "participant", "visit", "strategy"


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """By participant, the first visit the event affects (T where there is none) and the strategy from there on."""

    first: Codes  # (n,)
    strategies: tuple[str, ...]  # (n,)
    n_visits: int

    @property
    def is_after(self) -> Mask:
        """(n, T) from the event on."""
        after: Mask = np.arange(self.n_visits) >= self.first[:, None]
        return after

    @property
    def is_mar(self) -> Mask:
        """(n, T) where a missing outcome is missing at random: before the event, and after it under `mar`."""
        plain = np.array([name == "mar" for name in self.strategies])
        mar: Mask = ~self.is_after | plain[:, None]
        return mar

    @property
    def is_reference_based(self) -> bool:
        """Whether an event has a strategy other than missing at random."""
        return not bool(self.is_mar.all())


def after_last_observed(outcomes: Outcomes, strategy: str | Mapping[Any, str]) -> Events:
    """An event at the first visit after the last observed one, none for who is observed at the last visit.

    Args:
        outcomes: The trial.
        strategy: For everyone, or by arm.

    Raises:
        ImputationError: an unknown strategy or arm.
    """
    seen = ~outcomes.is_missing
    n_visits = seen.shape[1]
    last = np.where(seen.any(1), n_visits - 1 - np.argmax(seen[:, ::-1], axis=1), -1)
    by_arm = _by_arm(outcomes, strategy)
    return Events((last + 1).astype(np.intp), tuple(by_arm[arm] for arm in outcomes.arm), n_visits)


def _by_arm(outcomes: Outcomes, strategy: str | Mapping[Any, str]) -> list[str]:
    """The strategy of each arm; arms that a mapping leaves out are missing at random."""
    if isinstance(strategy, str):
        return [strategy_name(strategy)] * len(outcomes.arms)
    unknown = [str(arm) for arm in strategy if arm not in outcomes.arms]
    if unknown:
        arms = ", ".join(map(str, outcomes.arms))
        refusal = Refusal("strategy", f"the arm {', '.join(unknown)}", f"one of the arms: {arms}")
        raise ImputationError("A strategy is given for an unknown arm.", [refusal])
    return [strategy_name(strategy.get(arm, "mar")) for arm in outcomes.arms]


def listed_events(
    outcomes: Outcomes, table: pd.DataFrame, strategy: str | Mapping[Any, str] = "mar"
) -> Events:
    """The events of a table with the columns participant, visit and strategy; who is not in it has none.

    Args:
        outcomes: The trial.
        table: One row per participant with an event; without a strategy (no column, or blank) `strategy` holds.
        strategy: For everyone, or by arm.

    Raises:
        ImputationError: all that is wrong with the table.
    """
    refusals = [*_columns(table)]
    if not refusals:
        refusals = [*_rows(outcomes, table)]
    if refusals:
        raise ImputationError("The events can't be used.", refusals)
    place, at = outcomes.index_of(), {visit: number for number, visit in enumerate(outcomes.visits)}
    first = np.full(outcomes.n, len(outcomes.visits), dtype=np.intp)
    default = _by_arm(outcomes, strategy)
    strategies = [default[arm] for arm in outcomes.arm]
    given = table[STRATEGY] if STRATEGY in table else pd.Series(None, index=table.index, dtype=object)
    for person, visit, own in zip(table[PARTICIPANT], table[VISIT], given, strict=True):
        first[place[person]] = at[visit]
        if not _is_blank(own):
            strategies[place[person]] = strategy_name(str(own))
    return Events(first, tuple(strategies), len(outcomes.visits))


def _is_blank(value: Any) -> bool:
    return bool(pd.isna(value)) or not str(value).strip()


def _columns(table: pd.DataFrame) -> list[Refusal]:
    gone = [name for name in (PARTICIPANT, VISIT) if name not in table]
    if not gone:
        return []
    expected = f"the columns {PARTICIPANT}, {VISIT} and, if they differ, {STRATEGY}"
    return [Refusal("events", f"no column {' and no column '.join(gone)}", expected)]


def _rows(outcomes: Outcomes, table: pd.DataFrame) -> list[Refusal]:
    """Every row that can't be meant, kind by kind, by the number of its record."""
    who, when = table[PARTICIPANT], table[VISIT]
    no_visit = when.isna()
    visits = ", ".join(map(str, outcomes.visits))
    found = [
        _refused(
            ~who.isin(outcomes.participants),
            "participants that are not in the data",
            "participants of the data",
        ),
        _refused(
            who.duplicated(), "participants listed twice", "one event per participant: the first that counts"
        ),
        _refused(no_visit, "events without a visit", f"the first visit affected: one of {visits}"),
        _refused(
            ~when.isin(outcomes.visits) & ~no_visit,
            "visits at which the outcome is not imputed, such as one before randomisation",
            f"one of {visits}",
            "An event before the first of them affects all: name that first one.",
        ),
        *_unknown(table),
    ]
    return [refusal for refusal in found if refusal is not None]


def _unknown(table: pd.DataFrame) -> list[Refusal]:
    names = {str(own) for own in table[STRATEGY] if not _is_blank(own)} if STRATEGY in table else set()
    refusals = []
    for name in sorted(names):
        try:
            strategy_name(name)
        except ImputationError as error:
            refusals += [
                Refusal("events, column strategy", one.found, one.expected) for one in error.refusals
            ]
    return refusals


def _refused(bad: "pd.Series", found: str, expected: str, remedy: str = "") -> Refusal | None:
    records = np.flatnonzero(bad.to_numpy(dtype=bool))
    if len(records) == 0:
        return None
    return Refusal(f"events, record {listed(records + 1)}", found, expected, remedy)


def without_set_aside(outcomes: Outcomes, events: Events) -> Outcomes:
    """The trial without the outcomes observed after an event that is not missing at random: they are imputed too.

    For an estimand that asks what would have been without the event; otherwise they stay in the completed data.
    """
    return replace(outcomes, y=np.where(events.is_mar, outcomes.y, np.nan))
