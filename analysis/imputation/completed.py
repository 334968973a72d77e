"""Completed outcomes: what was observed, and M sets of values for what was not. Not here: how they were made.

Only the imputed cells are kept M times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.imputation.events import Events
from analysis.imputation.outcomes import Outcomes
from analysis.mixed.arrays import Array, Codes


@dataclass(frozen=True, slots=True, eq=False)
class Completed:
    """M completed data sets of the same participants, with weights where they were resampled."""

    outcomes: Outcomes
    rows: Codes  # (c,) participant of each imputed cell
    visits: Codes  # (c,) visit of each imputed cell
    values: Array  # (M, c)
    weights: Array | None = None  # (M, n) how often a participant counts; None: once

    @property
    def n_sets(self) -> int:
        """M."""
        return len(self.values)

    def at(self, visit: int) -> Array:
        """Outcomes of all participants at a visit: (M, n)."""
        y: Array = np.tile(self.outcomes.y[:, visit], (self.n_sets, 1))
        here = self.visits == visit
        y[:, self.rows[here]] = self.values[:, here]
        return y

    def shifted(self, delta: Array) -> "Completed":
        """The same imputations with delta (n, T) added to the imputed values; nothing is drawn again  [RBI-20]."""
        return replace(self, values=self.values + delta[self.rows, self.visits])

    def with_weights(self, weights: Array) -> "Completed":
        """The same values for resampled participants."""
        return replace(self, weights=weights)

    def frames(self) -> Iterator[pd.DataFrame]:
        """Each completed set as a long table, a row per participant and visit, resampled participants renamed.

        Any estimator can be given these: columns are those of the table the outcomes came from that a model uses.
        """
        outcomes, roles = self.outcomes, self.outcomes.roles
        n, n_visits = outcomes.y.shape
        plain = pd.concat([outcomes.cells, _spread(outcomes)], axis=1)
        for number in range(self.n_sets):
            times = (
                np.ones(n, dtype=np.intp) if self.weights is None else self.weights[number].astype(np.intp)
            )
            who = np.repeat(np.arange(n), times)
            at = (who[:, None] * n_visits + np.arange(n_visits)).ravel()
            y = outcomes.y.copy()
            y[self.rows, self.visits] = self.values[number]
            names = _names(outcomes, who) if self.weights is not None else np.array(outcomes.participants)
            frame = plain.iloc[at].reset_index(drop=True)
            yield frame.assign(**{roles.subject: np.repeat(names, n_visits), roles.outcome: y.ravel()[at]})


def _spread(outcomes: Outcomes) -> pd.DataFrame:
    """Covariates of the analysis at every visit, those that the cells do not have already."""
    columns = [name for name in outcomes.people if name not in outcomes.cells]
    at = np.repeat(np.arange(outcomes.n), len(outcomes.visits))
    return outcomes.people[columns].iloc[at].reset_index(drop=True)


def _names(outcomes: Outcomes, who: Codes) -> np.ndarray:
    """A name of its own for each time a participant was drawn."""
    seen = np.zeros(outcomes.n, dtype=np.intp)
    names = []
    for one in who:
        names.append(f"{outcomes.participants[one]}·{seen[one]}")
        seen[one] += 1
    return np.array(names)


def counts(outcomes: Outcomes, events: Events) -> pd.DataFrame:
    """How much is imputed, by arm and visit: observed, imputed before an event (gaps) and after it, set aside.

    `set_aside` counts outcomes observed after an event that the imputation model did not see.
    """
    missing, after, mar = outcomes.is_missing, events.is_after, events.is_mar
    rows = []
    for number, arm in enumerate(outcomes.arms):
        own = outcomes.arm == number
        for visit, name in enumerate(outcomes.visits):
            at = own, visit
            rows.append(
                {
                    "arm": arm, "visit": name, "participants": int(own.sum()),
                    "observed": int((~missing[at]).sum()), "imputed": int(missing[at].sum()),
                    "imputed_after_event": int((missing & after)[at].sum()),
                    "set_aside": int((~missing & ~mar)[at].sum()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
