"""What analysing completed data gives, and what pooling makes of it. Not here: how either is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array

if TYPE_CHECKING:
    from analysis.imputation.completed import Completed
    from analysis.imputation.outcomes import Outcomes


class Row(NamedTuple):
    """What one estimate is of."""

    what: str  # "contrast" or "lsmean"
    arm: Any
    reference: Any  # None for a mean
    visit: Any

    @property
    def label(self) -> str:
        """The contrast's name, or the arm's."""
        return f"{self.arm} - {self.reference}" if self.what == "contrast" else str(self.arm)


def rows_of(outcomes: "Outcomes") -> list[Row]:
    """Return, visit by visit, each other arm less the reference, then the arms' means."""
    arms, reference = outcomes.arms, outcomes.roles.reference
    contrasts = [("contrast", arms[number], reference) for number in outcomes.others]
    means = [("lsmean", arm, None) for arm in arms]
    return [Row(*key, visit) for visit in outcomes.visits for key in (*contrasts, *means)]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Estimates of r rows from each of M completed data sets; SE and df where participants count once each."""

    rows: Sequence[Row]
    estimate: Array  # (M, r)
    se: Array | None  # (M, r)
    df: Array | None  # (M, r)

    def joined(self, other: "Analysis") -> "Analysis":
        """The sets of both."""
        return Analysis(
            self.rows,
            np.concatenate([self.estimate, other.estimate]),
            _both(self.se, other.se),
            _both(self.df, other.df),
        )


def _both(one: Array | None, other: Array | None) -> Array | None:
    return None if one is None or other is None else np.concatenate([one, other])


Analyse = Callable[["Completed"], Analysis]


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Pooled estimates, a row per contrast and mean; `se_method` says where the standard errors come from."""

    table: pd.DataFrame
    se_method: str
    n_sets: int  # imputations, units left out, or bootstrap samples
    n_failed: int = 0

    @property
    def contrasts(self) -> pd.DataFrame:
        """Each other arm less the reference, by visit."""
        return self._of("contrast")

    @property
    def lsmeans(self) -> pd.DataFrame:
        """Least-squares means by arm and visit."""
        return self._of("lsmean")

    def _of(self, what: str) -> pd.DataFrame:
        return self.table[self.table["what"] == what].reset_index(drop=True)

    def at(self, visit: Any, arm: Any, what: str = "contrast") -> pd.Series:
        """One row."""
        table = self.table
        found = table[(table["what"] == what) & (table["visit"] == visit) & (table["arm"] == arm)]
        row: pd.Series[Any] = found.iloc[0]
        return row
