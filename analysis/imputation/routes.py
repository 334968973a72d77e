"""The ways from a base model to pooled estimates: draw parameters, impute, analyse, pool.

A route makes Sets: completed data, and all that pooling needs of how they came about. So a delta is added to
them, or another analysis made of them, without anything being drawn again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from analysis.imputation.base_model import BaseModel, Parameters
from analysis.imputation.completed import Completed
from analysis.imputation.errors import ImputationError, NotEstimableError, Refusal
from analysis.imputation.estimates import Analyse, Pooled
from analysis.imputation.gibbs import Chains, drawn_by_gibbs
from analysis.imputation.impute import conditional_means, draws, n_missing
from analysis.imputation.pooling import bootstrap, jackknife, rubin
from analysis.imputation.refits import Progress, Refitter, unseen
from analysis.imputation.resample import bootstrap_weights, leave_out_weights
from analysis.mixed.arrays import Array, Mask

NO_ESTIMATES = "no estimates (not converged, or a coefficient lost its data)"
FAILED_SHARE = 0.2  # of bootstrap samples whose fit may fail before it is given up


class Sets(Protocol):
    """Completed data of one route."""

    @property
    def completed(self) -> Completed:
        """Those that carry the estimate."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the draws."""

    def shifted(self, delta: Array) -> "Sets":
        """The same imputations with delta (n, T) added."""

    def pooled(self, analyse: Analyse, *, alpha: float = 0.05) -> Pooled:
        """Analyse and pool."""


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Conditional means of the full data, and again without each unit  [RBI-13]."""

    completed: Completed  # one set
    without: Completed  # a set per unit, weights zero for its members
    is_found: Mask  # (units,)
    notes: tuple[str, ...] = ()

    def shifted(self, delta: Array) -> "LeftOut":
        """The same imputations with delta (n, T) added."""
        return replace(self, completed=self.completed.shifted(delta), without=self.without.shifted(delta))

    def pooled(self, analyse: Analyse, *, alpha: float = 0.05) -> Pooled:
        """The estimate of the full data with the jackknife's standard error."""
        return jackknife(analyse(self.completed), analyse(self.without), self.is_found, alpha=alpha)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Conditional means of the full data, and again of bootstrap samples  [RBI-14]."""

    completed: Completed
    again: Completed  # a set per sample, weights how often each participant was drawn
    n_failed: int
    notes: tuple[str, ...] = ()

    def shifted(self, delta: Array) -> "Resampled":
        """The same imputations with delta (n, T) added."""
        return replace(self, completed=self.completed.shifted(delta), again=self.again.shifted(delta))

    def pooled(self, analyse: Analyse, *, alpha: float = 0.05) -> Pooled:
        """The estimate of the full data with the bootstrap's standard error."""
        return bootstrap(analyse(self.completed), analyse(self.again), self.n_failed, alpha=alpha)


@dataclass(frozen=True, slots=True, eq=False)
class Multiple:
    """M random imputations, each from parameters of its own  [RBI-16]."""

    completed: Completed
    n_failed: int = 0
    notes: tuple[str, ...] = ()
    diagnostics: Mapping[str, float] = field(default_factory=dict)  # of Gibbs' chains

    def shifted(self, delta: Array) -> "Multiple":
        """The same imputations with delta (n, T) added."""
        return replace(self, completed=self.completed.shifted(delta))

    def pooled(self, analyse: Analyse, *, alpha: float = 0.05) -> Pooled:
        """Rubin's rules."""
        return replace(rubin(analyse(self.completed), alpha=alpha), n_failed=self.n_failed)


def leave_units_out(base: BaseModel, *, progress: Progress = unseen) -> LeftOut:
    """Conditional-mean imputation of the data and of the data without each unit; nothing is random  [RBI-13]."""
    weights = leave_out_weights(base.outcomes)
    refitted = Refitter(base).refit(weights, for_everyone=False, progress=progress)
    without = conditional_means(base, refitted.parameters).with_weights(weights)
    n_failed = int((~refitted.is_found).sum())
    notes = (f"{n_failed} of {len(weights)} refits without a unit have {NO_ESTIMATES} and are left out",)
    return LeftOut(
        conditional_means(base, base.parameters), without, refitted.is_found, notes if n_failed else ()
    )


def resample_units(base: BaseModel, *, samples: int, seed: int, progress: Progress = unseen) -> Resampled:
    """Conditional-mean imputation of the data and of bootstrap samples of its units  [RBI-14].

    Raises:
        NotEstimableError: too many samples without a fit.
    """
    _enough(samples)
    drawn = bootstrapped(base, samples, seed, for_everyone=False, progress=progress)
    again = conditional_means(base, drawn.parameters).with_weights(drawn.weights)
    return Resampled(conditional_means(base, base.parameters), again, drawn.n_failed, drawn.notes)


def approximate_bayes(base: BaseModel, *, m: int, seed: int, progress: Progress = unseen) -> Multiple:
    """M imputations from parameters fitted to M bootstrap samples  [RBI-16].

    Raises:
        ImputationError: m below 2.
        NotEstimableError: too many samples without a fit.
    """
    _enough(m)
    drawn = bootstrapped(base, m, seed, for_everyone=True, progress=progress)
    return Multiple(draws(base, drawn.parameters, noise(base, m, seed)), drawn.n_failed, drawn.notes)


def bayes(
    base: BaseModel, *, m: int, seed: int, chains: Chains | None = None, progress: Progress = unseen
) -> Multiple:
    """M imputations from parameters drawn from their posterior distribution by Gibbs sampling  [RBI-17].

    Raises:
        ImputationError: m below 2, or a covariance other than us.
    """
    _enough(m)
    found = drawn_by_gibbs(base, Refitter(base).grams, m, _streams(seed)[0], chains or Chains(), progress)
    return Multiple(draws(base, found.parameters, noise(base, m, seed)), 0, found.notes, found.diagnostics)


def _enough(m: int) -> None:
    if m < 2:
        refusal = Refusal("m", str(m), "at least 2: their spread is part of the standard error")
        raise ImputationError("There are too few imputations.", [refusal])


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrapped:
    """Parameters of bootstrap samples whose fit converged, and the weights of each."""

    parameters: Parameters
    weights: Array  # (M, n)
    n_failed: int
    notes: tuple[str, ...]


def bootstrapped(
    base: BaseModel, m: int, seed: int, *, for_everyone: bool, progress: Progress = unseen
) -> Bootstrapped:
    """Draw until m samples have a fit; each draw has a stream of its own, so the first of many are the few.

    Raises:
        NotEstimableError: more than a fifth of the fits failed.
    """
    streams = _streams(seed)[0].spawn(m)
    refitter = Refitter(base)
    generators = [np.random.default_rng(stream) for stream in streams]
    weights = np.stack([bootstrap_weights(base.outcomes, rng) for rng in generators])
    found = refitter.refit(weights, for_everyone=for_everyone, progress=progress)
    b, covariance = found.parameters.b.copy(), found.parameters.covariance.copy()
    open_, n_failed = np.flatnonzero(~found.is_found), 0
    while len(open_):
        n_failed += len(open_)
        if n_failed > FAILED_SHARE * m + 5:
            raise _given_up(n_failed, m)
        weights[open_] = [bootstrap_weights(base.outcomes, generators[number]) for number in open_]
        again = refitter.refit(weights[open_], for_everyone=for_everyone)
        b[open_], covariance[open_] = again.parameters.b, again.parameters.covariance
        open_ = open_[~again.is_found]
    notes = (f"{n_failed} bootstrap samples had {NO_ESTIMATES} and were drawn again",) if n_failed else ()
    return Bootstrapped(Parameters(b, covariance), weights, n_failed, notes)


def _given_up(n_failed: int, m: int) -> NotEstimableError:
    refusal = Refusal(
        "bootstrap", f"{n_failed} samples with {NO_ESTIMATES}, for {m}", f"at most {FAILED_SHARE:.0%}",
        "Choose a simpler covariance, fewer terms, or the jackknife.",
    )  # fmt: skip
    return NotEstimableError("The imputation model does not converge in bootstrap samples.", [refusal])


def noise(base: BaseModel, m: int, seed: int) -> Array:
    """Standard normal noise (m, c) for the cells to impute, the same whatever the strategy."""
    size = n_missing(base)
    return np.stack([np.random.default_rng(one).standard_normal(size) for one in _streams(seed)[1].spawn(m)])


def _streams(seed: int) -> list[np.random.SeedSequence]:
    """Two streams: for parameters, and for noise."""
    return np.random.SeedSequence(seed).spawn(2)
