"""The imputation model fitted again under many sets of weights. Not here: where the weights come from (resample)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.imputation.base_model import BaseModel, Parameters
from analysis.imputation.batched_likelihood import designs
from analysis.imputation.batched_newton import batched_newton
from analysis.imputation.weighted_grams import Batch, ParticipantGrams, participant_grams
from analysis.mixed.arrays import Array, Mask
from analysis.mixed.fit import fit_theta
from analysis.mixed.gram import PatternGrams
from analysis.mixed.jackknife import LOST
from analysis.mixed.likelihood import Likelihood
from analysis.mixed.start import moment_covariances

NEEDED = 1e-7  # of a mean, in units of a rotated column, that a lost combination of coefficients makes up
Progress = Callable[[int, int], None]  # done, of how many


def unseen(done: int, total: int) -> None:
    """Report nothing."""
    del done, total


@dataclass(frozen=True, slots=True, eq=False)
class Refitted:
    """Parameters of every set, and which of them are a maximum of the likelihood."""

    parameters: Parameters
    is_found: Mask  # (B,)


@dataclass(frozen=True, eq=False)
class Refitter:
    """The base model, ready to be fitted under other weights of its participants."""

    base: BaseModel

    @cached_property
    def grams(self) -> ParticipantGrams:
        """Each participant's."""
        model = self.base.fit.model
        participants = model.frame[self.base.outcomes.roles.subject].to_numpy()
        return participant_grams(model.problem, participants)

    @cached_property
    def likelihood(self) -> Likelihood:
        """That of all participants."""
        found = self.base.fit.fitted.likelihood
        if not isinstance(found, Likelihood):
            message = "the imputation model has no random effects"
            raise TypeError(message)
        return found

    def refit(self, weights: Array, *, for_everyone: bool = True, progress: Progress = unseen) -> Refitted:
        """Fit under weights (B, n), from the full data's estimates  [RBI-12].

        Where a coefficient has lost its data, such as a site's without the site, the others are fitted without it; that
        counts as found if no cell to be imputed needs it: of everyone, or of those with a weight.
        """
        size, parts = self.grams.batch_size, []
        for start in range(0, len(weights), size):
            parts.append(self._batch(weights[start : start + size], for_everyone=for_everyone))
            progress(min(start + size, len(weights)), len(weights))
        parameters = Parameters.joined([one.parameters for one in parts])
        return Refitted(parameters, np.concatenate([one.is_found for one in parts]))

    def _batch(self, weights: Array, *, for_everyone: bool) -> Refitted:
        batch, likelihood, fitted = self.grams.weighted(weights), self.likelihood, self.base.fit.fitted
        values, vectors = np.linalg.eigh(designs(batch))
        is_found = values[:, 0] > LOST * values[:, -1]
        beta = np.zeros((len(batch), vectors.shape[1]))
        covariance = np.tile(fitted.optimum.state.residual.covariance.value, (len(batch), 1, 1, 1))
        if is_found.any():
            start = fitted.optimum.state.theta
            found = batched_newton(batch.part(is_found), likelihood.covariance, start, reml=likelihood.reml)
            beta[is_found], covariance[is_found] = found.beta, found.covariance
            is_found[is_found] = found.is_found
        for number in np.flatnonzero(~is_found):
            lost = vectors[number][:, values[number] <= LOST * values[number, -1]]
            needed = for_everyone or weights[number] > 0
            again = None if self._needs(lost, needed) else self._alone(batch, int(number), lost)
            if again is not None:
                beta[number], covariance[number], is_found[number] = *again, True
        problem = self.base.fit.model.problem
        b = problem.least_squares + problem.unit * beta
        return Refitted(Parameters(b, problem.unit**2 * covariance), is_found)

    def _needs(self, lost: Array, who: Mask | bool) -> bool:
        """Whether a missing outcome's mean depends on the lost combinations of coefficients (p, r)."""
        cells = (
            self.base.outcomes.is_missing & np.broadcast_to(np.asarray(who), self.base.outcomes.n)[:, None]
        )
        every = (self.base.own, self.base.reference)
        return any(bool((np.abs(rows[cells] @ lost) > NEEDED).any()) for rows in every)

    def _alone(self, batch: Batch, number: int, lost: Array) -> tuple[Array, Array] | None:
        """One set by the engine's own search, from moments; None where that finds no maximum either."""
        try:
            grams, full = batch.alone(number), self.likelihood
            kept = null_space(lost)
            likelihood = Likelihood(turned(grams, kept), full.covariance, full.reml)
            moments = moment_covariances(grams, self.base.fit.model.data.group_of_kind)
            optimum = fit_theta(likelihood, likelihood.covariance.starts(moments))
        except np.linalg.LinAlgError:
            return None
        if optimum is None or not optimum.convergence.ok:
            return None
        return kept @ optimum.state.beta, optimum.state.residual.covariance.value


def null_space(lost: Array) -> Array:
    """Orthonormal columns (p, p - r) across from those of lost (p, r)."""
    basis: Array = (
        np.linalg.qr(lost, mode="complete")[0][:, lost.shape[1] :] if lost.size else np.eye(len(lost))
    )
    return basis


def turned(grams: PatternGrams, kept: Array) -> PatternGrams:
    """Grams of the columns [X kept, y]."""
    if kept.shape[0] == kept.shape[1]:
        return grams
    width, new = grams.width, kept.shape[1] + 1
    change = np.zeros((width, new))
    change[:-1, :-1], change[-1, -1] = kept, 1.0
    rows, columns = np.triu_indices(width)
    whole = np.empty((len(grams.blocks), width, width))
    whole[:, rows, columns] = whole[:, columns, rows] = grams.blocks
    rows, columns = np.triu_indices(new)
    return replace(grams, width=new, blocks=(change.T @ whole @ change)[:, rows, columns])
