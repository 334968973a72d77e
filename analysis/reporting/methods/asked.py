"""An analysis as a paragraph asks of it: what was planned, and the row that answers it. Not here: the words."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from analysis.reporting.estimates import (
    USABLE,
    Estimate,
    answer,
    estimates,
    is_answered,
    visit_label,
    why_not,
)
from data_contracts.plan import Analysis, Estimand, Outcome
from data_contracts.spec import Arm, Trial


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """An analysis of the plan beside its rows of the results table."""

    trial: Trial
    analysis: Analysis
    results: pd.DataFrame

    @property
    def estimand(self) -> Estimand:
        """Return what it estimates."""
        return self.trial.estimands[self.analysis.estimand]

    @property
    def outcome(self) -> Outcome:
        """Return what it compares."""
        return self.trial.outcomes[self.estimand.outcome]

    @property
    def visit(self) -> str:
        """Return the label of the estimand's visit."""
        return visit_label(self.estimand.visit, self.trial)

    @property
    def answers(self) -> tuple[tuple[Arm, Estimate | None], ...]:
        """Return each compared arm with the row that answers for it."""
        asked = (
            (arm, answer(self.results, self.trial, self.analysis, arm)) for arm in self.trial.compared_arms
        )
        return tuple(asked)

    @property
    def found(self) -> Estimate | None:
        """Return the first answer that may be shown; None when there is none."""
        return next((own for _, own in self.answers if is_answered(own)), None)

    @property
    def was(self) -> str:
        """Return the verb of what was done, or only planned."""
        return "was" if self.found else "was to be"

    @property
    def method(self) -> str:
        """Return the model as its rows have it; "" where nothing was run."""
        return self.found.method if self.found else ""

    def failures(self) -> Iterator[tuple[Arm, str]]:
        """Yield each compared arm without an answer, and why."""
        for arm, own in self.answers:
            if not is_answered(own):
                yield arm, why_not(self.results, self.analysis, own).rstrip(".")

    def has(self, statistic: str, method: str = "") -> Estimate | None:
        """Return the first usable row of a statistic, by a method where one is given, or None."""
        by = {"method": method} if method else {}
        rows = estimates(self.results, analysis=self.analysis.name, statistic=statistic, **by)
        return next((row for row in rows if row.status in USABLE), None)
