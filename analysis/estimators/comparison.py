"""What the comparisons of arms share: turning linear combinations into rows. Not here: fitting."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.adjusted_means import Combinations
from analysis.estimators.design import Design
from analysis.estimators.random_effects_data import independent_columns
from analysis.results import Statistic, Status
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A fitted comparison of arms: its design, its estimates, and what all its rows have in common."""

    design: Design
    estimates: Callable[[Array], Combinations]  # of the combinations (k, p) of the design's columns
    confidence: float  # of their limits
    common: Statistic  # unit, method, status, reason, n

    def mean(self, arm: str, visit: str) -> Statistic:
        """Return an arm's adjusted mean at a visit."""
        return self.row("adjusted mean", self.design.mean_row(arm, visit), arm=arm, visit=visit)

    def difference(self, arm: str, visit: str) -> Statistic:
        """Return an arm's adjusted difference from the reference arm at a visit."""
        row = self.design.difference_row(arm, visit)
        return self.row("adjusted mean difference", row, contrast=contrast(self.design, arm), visit=visit)

    def effect(self, arm: str) -> Statistic:
        """Return an arm's one effect over all visits."""
        row = self.design.difference_row(arm, self.design.visits[-1])
        return self.row("treatment effect", row, contrast=contrast(self.design, arm))

    def rows(self, *, by_visit: bool = True) -> Iterator[Statistic]:
        """Yield the adjusted means by visit, and the differences by visit or over all visits."""
        for visit in self.design.visits:
            yield from (self.mean(arm, visit) for arm in self.design.arms)
            yield from (self.difference(arm, visit) for arm in self.design.arms[1:] if by_visit)
        yield from (self.effect(arm) for arm in self.design.arms[1:] if not by_visit)

    def row(  # noqa: PLR0913 - what a row stands for
        self,
        statistic: str,
        weights: Array,
        *,
        arm: str = "",
        visit: str = "",
        contrast: str = "",
        at: str = "",
    ) -> Statistic:
        """Return the estimate of one combination (p,) of the design's columns."""
        found = self.estimates(weights[None, :])
        named = replace(self.common, statistic=statistic, arm=arm, visit=visit, contrast=contrast, at=at)
        if reason := found.reasons[0]:
            told = self._unseen(arm, contrast, visit) or reason
            return replace(named, status="not estimable", reason=told)
        return replace(
            named,
            value=float(found.estimate[0]),
            se=float(found.se[0]),
            df=float(found.df[0]),
            lower=float(found.lower[0]),
            upper=float(found.upper[0]),
            confidence=self.confidence,
            p_value=float("nan") if statistic == "adjusted mean" else float(found.p_value[0]),
        )

    def _unseen(self, arm: str, versus: str, visit: str) -> str:
        """Return which of a row's arms nobody is analysed of at its visit; "" where somebody is of each."""
        others = (a for a in self.design.arms[1:] if contrast(self.design, a) == versus)
        asked = [arm] if arm else [self.design.arms[0], *others]
        return _unseen_at(self.design, asked, visit) if visit in self.design.visits else ""


def contrast(design: Design, arm: str) -> str:
    """Return the name of an arm's contrast with the reference arm, such as "SRT - UC"."""
    return f"{arm} - {design.arms[0]}"


def not_estimated(
    design: Design, visits: tuple[str, ...], common: Statistic, status: Status, reason: str
) -> list[Statistic]:
    """Return a row per contrast and visit that says why there is no estimate."""
    empty = replace(common, statistic="adjusted mean difference", status=status, reason=reason)
    return [replace(empty, contrast=contrast(design, a), visit=v) for v in visits for a in design.arms[1:]]


def common_row(trial: Trial, analysis: Analysis, design: Design, method: str) -> Statistic:
    """Return what all rows of an analysis share: unit, method, participants and observations."""
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    n = int(design.rows["participant"].nunique())
    return Statistic(
        "",
        float("nan"),
        unit=outcome.unit,
        method=method,
        n=n,
        n_observations=len(design.rows),
        n_by_arm=participants_by_arm(design.rows, design.arms),
    )


def participants_by_arm(rows: pd.DataFrame, arms: Sequence[str]) -> str:
    """Return how many participants of each arm are among the rows, such as "UC 70, SRT 72"."""
    counts = rows.drop_duplicates("participant")["arm"].astype("object").value_counts()
    return ", ".join(f"{arm} {int(counts.get(arm, 0))}" for arm in arms)


def empty_arms(design: Design) -> str:
    """Return why arms without an analysed participant can't be compared; "" where each arm has one."""
    analysed = set(design.rows["arm"])
    empty = [arm for arm in design.arms if arm not in analysed]
    return _nobody_has(design, empty, "the outcome") if empty else ""


def empty_cells(design: Design) -> str:
    """Return which arms nobody is analysed of at which visit; "" where each has somebody at each."""
    return "; ".join(filter(None, (_unseen_at(design, design.arms, visit) for visit in design.visits)))


def _unseen_at(design: Design, arms: Sequence[str], visit: str) -> str:
    seen = set(design.rows.loc[design.rows["visit"] == visit, "arm"])
    unseen = [arm for arm in arms if arm not in seen]
    where = design.visit_labels.get(visit, visit)
    return _nobody_has(design, unseen, f"the outcome at {where}") if unseen else ""


def _nobody_has(design: Design, arms: Sequence[str], what: str) -> str:
    needed = f"{what}, its baseline" if ("baseline",) in design.terms else what
    return f"no participant of {design.named(arms)} has {needed} and every covariate"


def not_comparable(design: Design) -> str:
    """Return why arms that are empty, or that the covariates tell apart, can't be compared; "" where all can.

    For models that compare arms by a coefficient of each: one that is left out would read as no difference.
    """
    if reason := empty_arms(design):
        return reason
    kept = set(design.matrix.columns[independent_columns(design.matrix.to_numpy(dtype="float64"))])
    lost = [arm for arm in design.arms[1:] if f"arm[{arm}]" not in kept]
    return f"the covariates tell {design.named(lost)} apart: leave out those that do" if lost else ""
