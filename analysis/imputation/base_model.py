"""The imputation model fitted once, by the engine, and what it predicts for every participant at every visit.

The model sees outcomes that are missing at random where missing: those after an event with another strategy are
set aside. Not here: fitting it again to other weights (refits).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.imputation.errors import ImputationError, NotEstimableError, Refusal, counted
from analysis.imputation.events import Events
from analysis.imputation.outcomes import Outcomes, everyone_in
from analysis.mixed import MMRM, MixedModelError
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.results import MMRMFit

SAME_COLUMN = 1e-8  # difference of a dropped column from the combination it was, in its own size


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """B sets of parameters of the imputation model, in the engine's rotated columns and the outcome's units."""

    b: Array  # (B, p)
    covariance: Array  # (B, K, T, T) by covariance group

    def __len__(self) -> int:
        return len(self.b)

    def part(self, which: slice) -> "Parameters":
        """Some of the sets."""
        return Parameters(self.b[which], self.covariance[which])

    @classmethod
    def joined(cls, parts: "list[Parameters]") -> "Parameters":
        """All sets of several."""
        return cls(
            np.concatenate([one.b for one in parts]), np.concatenate([one.covariance for one in parts])
        )


@dataclass(frozen=True, eq=False)
class BaseModel:
    """A converged fit, and rotated design rows of all participants: as randomised, and in the reference arm."""

    outcomes: Outcomes
    events: Events
    fit: MMRMFit
    is_used: Mask  # (n, T) outcomes the model was fitted to
    own: Array  # (n, T, p) mean = own @ b + own_offset
    reference: Array  # (n, T, p)
    own_offset: Array  # (n, T)
    reference_offset: Array  # (n, T)
    kind: Codes  # (n,) covariance group
    reference_kind: Codes  # (n,) covariance group in the reference arm

    @cached_property
    def parameters(self) -> Parameters:
        """The estimates: one set."""
        fitted = self.fit.fitted
        covariance = fitted.optimum.state.residual.covariance.value * fitted.unit**2
        return Parameters(fitted.b[None], covariance[None])

    @property
    def coefficients(self) -> pd.Series:
        """β̂ by column of the design."""
        return self.fit.params


def base_model(outcomes: Outcomes, events: Events) -> BaseModel:
    """Fit the imputation model  [RBI-1].

    Raises:
        ImputationError: the formula or the data mean nothing to the engine.
        NotEstimableError: the fit did not converge, or what is missing needs a coefficient without data.
    """
    is_used = ~outcomes.is_missing & events.is_mar
    frame = _rows(outcomes, is_used)
    fit = _fitted(outcomes, frame)
    cells = _same_levels(outcomes, fit)
    arm = outcomes.roles.arm
    in_reference = cells.assign(**{arm: everyone_in(outcomes.roles.reference, cells[arm], len(cells))})
    own, own_offset = _turned(fit, cells, outcomes)
    reference, reference_offset = _turned(fit, in_reference, outcomes)
    kind, reference_kind = _kinds(outcomes, fit)
    return BaseModel(
        outcomes, events, fit, is_used, own, reference, own_offset, reference_offset, kind, reference_kind
    )


def _rows(outcomes: Outcomes, is_used: Mask) -> pd.DataFrame:
    """The observed rows, participants by their number."""
    roles, used = outcomes.roles, is_used.ravel()
    _every_arm_and_visit(outcomes, is_used)
    number = np.repeat(np.arange(outcomes.n), len(outcomes.visits))
    whole = outcomes.cells.assign(**{roles.outcome: outcomes.y.ravel(), roles.subject: number})
    return whole[used].reset_index(drop=True)


def _every_arm_and_visit(outcomes: Outcomes, is_used: Mask) -> None:
    refusals = [
        Refusal(
            f"arm {arm}, visit {outcomes.visits[visit]}",
            "only outcomes after an event, which its strategy sets aside",
            "outcomes before an event, or missing at random",
            "Leave the visit out, or give the events the strategy mar.",
        )
        for number, arm in enumerate(outcomes.arms)
        for visit in np.flatnonzero(~is_used[outcomes.arm == number].any(0))
    ]
    if refusals:
        raise NotEstimableError("The imputation model has no data where it needs them.", refusals)


def _fitted(outcomes: Outcomes, frame: pd.DataFrame) -> MMRMFit:
    roles = outcomes.roles
    try:
        model = MMRM.from_formula(
            roles.formula, frame, subject=roles.subject, visit=roles.visit,
            covariance=roles.covariance, group=roles.group or None,
        )  # fmt: skip
        fit = model.fit("ml" if roles.method == "ml" else "reml", df="residual")
    except MixedModelError as error:
        raise ImputationError(f"The imputation model can't be fitted: {error}.") from None
    if not fit.convergence.ok:
        refusal = Refusal(
            f"imputation model, covariance {roles.covariance}", fit.convergence.reason, "a maximum of the likelihood",
            "Choose a simpler covariance, or fewer terms.",
        )  # fmt: skip
        raise NotEstimableError("The imputation model did not converge.", [refusal])
    return fit


def _same_levels(outcomes: Outcomes, fit: MMRMFit) -> pd.DataFrame:
    """All cells with the factors' levels in the model's order; refuses a level that no observed row has."""
    cells, refusals = outcomes.cells.copy(), []
    for name, levels in fit.model.design.factors.items():
        if isinstance(cells[name].dtype, pd.CategoricalDtype):
            cells[name] = cells[name].cat.set_categories(list(levels))
            if lost := int(cells[name].isna().to_numpy().reshape(outcomes.n, -1).any(1).sum()):
                found = f"{counted(lost)} with a level that no observed outcome has"
                refusals.append(Refusal(f"column {name}", found, "levels with outcomes", "Join levels."))
    if refusals:
        raise NotEstimableError("The imputation model has no data where it needs them.", refusals)
    return cells


def _turned(fit: MMRMFit, cells: pd.DataFrame, outcomes: Outcomes) -> tuple[Array, Array]:
    """Design rows (n, T, p) in rotated columns, and what the offset adds."""
    rotation, fitted = fit.model.problem.rotation, fit.fitted
    X = fit.model.design.rows(cells)
    kept = X[:, rotation.kept]
    size = np.abs(X).max(0)[rotation.dropped] if len(rotation.dropped) else np.zeros(0)
    off = np.abs(X[:, rotation.dropped] - kept @ rotation.dropped_by_kept) > SAME_COLUMN * np.maximum(
        size, 1.0
    )
    if off.any():
        found = "cells that need a coefficient the observed outcomes say nothing about"
        raise NotEstimableError(
            "The imputation model can't predict every cell.",
            [
                Refusal(
                    "covariates",
                    found,
                    "terms whose every combination is observed",
                    "Leave interactions out.",
                )
            ],
        )
    shape = outcomes.n, len(outcomes.visits)
    return (kept @ fitted.back).reshape(*shape, -1), (kept @ fitted.offset).reshape(shape)


def _kinds(outcomes: Outcomes, fit: MMRMFit) -> tuple[Codes, Codes]:
    """Covariance group of each participant, and the one they would have in the reference arm."""
    roles, groups = outcomes.roles, list(fit.model.groups)
    if not roles.group:
        none = np.zeros(outcomes.n, dtype=np.intp)
        return none, none
    first = outcomes.cells[roles.group].iloc[:: len(outcomes.visits)]
    own = np.array([groups.index(value) for value in first], dtype=np.intp)
    if roles.group != roles.arm:
        return own, own
    return own, np.full(outcomes.n, groups.index(roles.reference), dtype=np.intp)
