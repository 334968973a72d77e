"""Analysis of covariance at each visit of M completed data sets at once: one factorisation, all right-hand sides.

Least-squares means average the predictions of all participants, each put into the arm in turn. Not here: pooling.
"""

from dataclasses import dataclass

import numpy as np

from analysis.imputation.completed import Completed
from analysis.imputation.errors import ImputationError, NotEstimableError, Refusal, counted
from analysis.imputation.estimates import Analysis, Row, rows_of
from analysis.imputation.outcomes import Outcomes, everyone_in
from analysis.mixed.arrays import Array
from analysis.mixed.design import build, parse
from analysis.mixed.errors import MixedModelError
from analysis.mixed.rotation import rotate

SAME_COLUMN = 1e-8  # how far a dropped column may be from the combination it was
NEGLIGIBLE = 1e-10  # eigenvalue over the largest, below which a resampled design has lost a direction


@dataclass(frozen=True, slots=True, eq=False)
class Ancova:
    """The design of the analysis, the same at every visit; called with completed data it analyses them  [RBI-15]."""

    outcomes: Outcomes
    X: Array  # (n, k) orthogonal columns of unit mean square
    in_arm: Array  # (A, n, k) everyone put into each arm in turn

    def __call__(self, completed: Completed) -> Analysis:
        """Means of the arms and their differences at every visit; SE and df where nobody was resampled."""
        visits = range(len(self.outcomes.visits))
        if completed.weights is None:
            found = [self._once(completed.at(visit)) for visit in visits]
            estimate, se = (np.concatenate(arrays, axis=1) for arrays in zip(*found, strict=True))
            return Analysis(self.rows, estimate, se, np.full(se.shape, float(len(self.X) - self.X.shape[1])))
        solved = self._solved(completed.weights)
        again = [self._weighted(completed, completed.weights, solved, visit) for visit in visits]
        return Analysis(self.rows, np.concatenate(again, axis=1), None, None)

    @property
    def rows(self) -> list[Row]:
        """What the estimates are of."""
        return rows_of(self.outcomes)

    def _combinations(self, means: Array) -> Array:
        """Contrasts of each other arm with the reference, then the means: (..., A, k) -> (..., r, k)."""
        others, reference = self.outcomes.others, [self.outcomes.reference]
        return np.concatenate([means[..., others, :] - means[..., reference, :], means], axis=-2)

    def _once(self, y: Array) -> tuple[Array, Array]:
        """Estimates and standard errors (M, r) of y (M, n), everyone counted once."""
        X, n = self.X, len(self.X)
        rows = self._combinations(self.in_arm.mean(1))
        beta = y @ X / n
        left = y - beta @ X.T
        variance = (left**2).sum(1) / (n - X.shape[1])
        return beta @ rows.T, np.sqrt(variance[:, None] * (rows**2).sum(1) / n)

    def _solved(self, weights: Array) -> Array:
        """Weighted combinations times the inverse of the weighted X'X: (M, r, k)."""
        X = self.X
        k = X.shape[1]
        moments = (weights @ (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)).reshape(-1, k, k)
        inverse = np.linalg.pinv(moments, rcond=NEGLIGIBLE, hermitian=True)
        means = np.einsum("mn,ank->mak", weights / weights.sum(1, keepdims=True), self.in_arm, optimize=True)
        rows = self._combinations(means)
        solved = rows @ inverse
        lost = (
            np.abs(solved @ moments - rows).max((1, 2)) > SAME_COLUMN
        )  # a mean that those drawn do not give
        solved[lost] = np.nan
        return solved

    def _weighted(self, completed: Completed, weights: Array, solved: Array, visit: int) -> Array:
        """Estimates (M, r) of resampled participants."""
        observed = np.nan_to_num(self.outcomes.y[:, visit])
        here = completed.visits == visit
        who = completed.rows[here]
        moments = weights @ (observed[:, None] * self.X)
        moments += (weights[:, who] * completed.values[:, here]) @ self.X[who]
        estimates: Array = np.einsum("mrk,mk->mr", solved, moments)
        return estimates


def ancova(outcomes: Outcomes) -> Ancova:
    """Lay the analysis out: outcome on arm and the analysis covariates.

    Raises:
        ImputationError: the terms can't be read.
        NotEstimableError: as many coefficients as participants, or an arm that is a combination of covariates.
    """
    roles, people = outcomes.roles, outcomes.people
    frame = people.assign(**{roles.outcome: np.arange(float(len(people)))})
    try:
        design = build(parse(roles.analysis_formula), frame)
    except MixedModelError as error:
        raise ImputationError(f"The analysis can't be laid out: {error}.") from None
    rotated, rotation = rotate(design.X)
    if len(rotated) <= rotated.shape[1]:
        found = f"{counted(len(rotated))} for {rotated.shape[1]} coefficients"
        raise NotEstimableError("The analysis has too little data.", [Refusal("analysis", found, "more")])
    dropped = [design.names[column] for column in rotation.dropped]
    in_arm = np.stack(
        [
            design.rows(frame.assign(**{roles.arm: everyone_in(arm, people[roles.arm], len(people))}))
            for arm in outcomes.arms
        ]
    )
    off = in_arm[:, :, rotation.dropped] - in_arm[:, :, rotation.kept] @ rotation.dropped_by_kept
    if dropped and np.abs(off).max() > SAME_COLUMN:
        refusal = Refusal(
            "analysis covariates", f"the arm among combinations of {', '.join(dropped)}", "other terms"
        )
        raise NotEstimableError("The arms can't be told from the covariates.", [refusal])
    return Ancova(outcomes, rotated, in_arm[:, :, rotation.kept] @ rotation.back)
