"""Draw parameters of the imputation model from their posterior: Gibbs sampling on the pattern Grams.

Flat prior of the coefficients, |Σ|^(-(T+1)/2) of the covariance. Not here: imputing from the draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.imputation.base_model import BaseModel, Parameters
from analysis.imputation.batched_likelihood import cholesky, contracted, inverse, states_at
from analysis.imputation.errors import ImputationError, NotEstimableError, Refusal, counted
from analysis.imputation.refits import Progress
from analysis.imputation.weighted_grams import Batch, ParticipantGrams
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.covariance.covariance import Covariance

RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100.0


@dataclass(frozen=True, slots=True)
class Chains:
    """How long to sample: iterations left out at the start, and between two imputations of a chain."""

    n_chains: int = 4
    burn_in: int = 200
    thin: int = 10
    fewest: int = 500  # iterations of each chain, so that their mixing can be judged


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """M sets of parameters, and how well the chains mixed."""

    parameters: Parameters
    diagnostics: Mapping[str, float]  # rhat (largest), ess (smallest), iterations, chains
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sampler:
    """One iteration for all chains at once; the unit is the engine's."""

    batch: Batch  # a set per chain, all the same
    covariance: Covariance
    rng: np.random.Generator

    @cached_property
    def _triangle(self) -> tuple[Codes, Codes]:
        rows, columns = np.tril_indices(self.batch.grams.n_visits)
        return rows.astype(np.intp), columns.astype(np.intp)

    def step(self, sigma: Array) -> tuple[Array, Array]:
        """Coefficients given Σ (C, K, T, T), missing residuals given both, then Σ given all  [RBI-18]."""
        states = states_at(self.batch, self.covariance, self._theta(sigma), reml=True)
        root = cholesky(states.phi)
        beta = states.beta + np.einsum("cij,cj->ci", root, self.rng.standard_normal(states.beta.shape))
        direction = np.concatenate([-beta, np.ones((len(beta), 1))], axis=1)
        products = contracted(self.batch, direction[:, :, None] * direction[:, None, :])
        return beta, self._new_sigma(sigma, self._completed(products, sigma))

    def _theta(self, sigma: Array) -> Array:
        """Unstructured parameters: the lower triangle row by row, group after group."""
        theta: Array = sigma[:, :, *self._triangle].reshape(len(sigma), -1)
        return theta

    def _completed(self, products: Array, sigma: Array) -> Array:
        """Cross products of residuals with the missing ones drawn, summed by covariance group: (C, K, T, T)."""
        grams, total = self.batch.grams, np.zeros_like(sigma)
        for number, (has, kind) in enumerate(zip(grams.has, grams.kind, strict=True)):
            own = products[:, number]
            if not has.all():
                own = self._filled(own, sigma[:, kind], has, int(grams.count[number]))
            total[:, kind] += own
        return total

    def _filled(self, products: Array, sigma: Array, has: Mask, count: int) -> Array:
        """Of one pattern: E'E of all visits, from E_o'E_o of those seen, without a participant's own residuals.

        Residuals seen are U D Q'; those missing are K times them plus noise, whose products with U are normal and
        whose products with the rest are Wishart.
        """
        seen, gone = np.flatnonzero(has), np.flatnonzero(~has)
        own = products[:, seen[:, None], seen]
        slope = np.linalg.solve(sigma[:, seen[:, None], seen], sigma[:, seen[:, None], gone]).swapaxes(1, 2)
        left = sigma[:, gone[:, None], gone] - slope @ sigma[:, seen[:, None], gone]
        root, rank = cholesky(left), min(count, len(seen))
        values, vectors = np.linalg.eigh(own)
        spread = vectors * np.sqrt(np.maximum(values, 0.0))[:, None]
        along = self.rng.standard_normal((len(sigma), len(gone), len(seen)))
        along[:, :, : len(seen) - rank] = (
            0.0  # eigenvalues ascend: the first are zero where participants are few
        )
        noise_seen = root @ along @ spread.swapaxes(1, 2)
        inner = along @ along.swapaxes(1, 2) + self._wishart(count - rank, len(gone), len(sigma))
        across = slope @ own + noise_seen
        mixed = slope @ noise_seen.swapaxes(1, 2)
        filled = np.empty_like(sigma)
        filled[:, seen[:, None], seen] = own
        filled[:, gone[:, None], seen] = across
        filled[:, seen[:, None], gone] = across.swapaxes(1, 2)
        filled[:, gone[:, None], gone] = (
            slope @ own @ slope.swapaxes(1, 2)
            + mixed
            + mixed.swapaxes(1, 2)
            + root @ inner @ root.swapaxes(1, 2)
        )
        return filled

    def _wishart(self, df: int, size: int, n_chains: int) -> Array:
        """Draws (C, m, m) with the identity as scale; df may be less than m."""
        if df < size:
            normal = self.rng.standard_normal((n_chains, size, max(df, 0)))
            return normal @ normal.swapaxes(1, 2)
        lower = np.tril(self.rng.standard_normal((n_chains, size, size)), -1)
        at = np.arange(size)
        lower[:, at, at] = np.sqrt(self.rng.chisquare(df - at, (n_chains, size)))
        return lower @ lower.swapaxes(1, 2)

    def _new_sigma(self, sigma: Array, products: Array) -> Array:
        """Inverse Wishart given the completed cross products: df participants, scale the products."""
        new, grams = np.empty_like(sigma), self.batch.grams
        for kind in range(sigma.shape[1]):
            df = int(grams.count[grams.kind == kind].sum())
            root = cholesky(products[:, kind])
            factor = inverse(cholesky(self._wishart(df, sigma.shape[2], len(sigma))))
            half = root @ factor.swapaxes(1, 2)
            new[:, kind] = half @ half.swapaxes(1, 2)
        return new


def drawn_by_gibbs(  # noqa: PLR0913, PLR0917
    base: BaseModel,
    grams: ParticipantGrams,
    m: int,
    stream: np.random.SeedSequence,
    chains: Chains,
    progress: Progress,
) -> Drawn:
    """M draws, spread over the chains, every `thin` iterations after `burn_in`.

    Raises:
        ImputationError: a covariance other than us, for which there is no conjugate draw.
        NotEstimableError: fewer participants than a proper posterior needs.
    """
    _unstructured(base)
    fitted, problem = base.fit.fitted, base.fit.model.problem
    batch = grams.weighted(np.ones((1, base.outcomes.n)))
    many = Batch(
        batch.grams, np.repeat(batch.count, chains.n_chains, 0), np.repeat(batch.blocks, chains.n_chains, 0)
    )
    _proper(many, base)
    sampler = Sampler(many, fitted.likelihood.covariance, np.random.default_rng(stream))
    per_chain = -(-m // chains.n_chains)
    thin = max(chains.thin, -(-chains.fewest // per_chain))
    length = per_chain * thin
    beta, sigma = _sampled(sampler, fitted.optimum.state.residual.covariance.value, chains, length, progress)
    kept = slice(thin - 1, None, thin)
    taken = [array[kept].reshape(-1, *array.shape[2:])[:m] for array in (beta, sigma)]
    diagnostics = mixing(beta, sigma)
    parameters = Parameters(problem.least_squares + problem.unit * taken[0], problem.unit**2 * taken[1])
    return Drawn(
        parameters,
        diagnostics | {"iterations": length, "chains": chains.n_chains},
        _remarks(diagnostics, chains),
    )


def _unstructured(base: BaseModel) -> None:
    if base.outcomes.roles.covariance != "us":
        refusal = Refusal(
            "route bayes", f"covariance {base.outcomes.roles.covariance}", "us",
            "Use the route approxbayes, which takes any covariance.",
        )  # fmt: skip
        raise ImputationError("This covariance has no Bayesian draws.", [refusal])


def _proper(batch: Batch, base: BaseModel) -> None:
    grams = batch.grams
    for kind in range(grams.n_kinds):
        count, needed = int(grams.count[grams.kind == kind].sum()), grams.n_visits + grams.width
        if count <= needed:
            found = f"{counted(count)} with outcomes"
            raise NotEstimableError(
                "The posterior distribution is not proper.",
                [
                    Refusal(
                        f"covariance group {base.fit.model.groups[kind]}".strip(),
                        found,
                        f"more than {needed}",
                    )
                ],
            )


def _sampled(
    sampler: Sampler, start: Array, chains: Chains, length: int, progress: Progress
) -> tuple[Array, Array]:
    """Every iteration after the burn-in: coefficients (length, C, p), covariances (length, C, K, T, T)."""
    sigma = np.repeat(start[None], chains.n_chains, axis=0)
    betas, sigmas = [], []
    for iteration in range(chains.burn_in + length):
        beta, sigma = sampler.step(sigma)
        if iteration >= chains.burn_in:
            betas.append(beta)
            sigmas.append(sigma)
        progress(iteration + 1, chains.burn_in + length)
    return np.stack(betas), np.stack(sigmas)


def mixing(beta: Array, sigma: Array) -> dict[str, float]:
    """The largest R-hat and the smallest effective sample size over coefficients and covariances, by arviz."""
    from arviz_stats.base import array_stats  # type: ignore[attr-defined]

    rows = np.tril_indices(sigma.shape[-1])
    flat = sigma[..., *rows].reshape(*sigma.shape[:2], -1)
    every = np.concatenate([beta, flat], axis=-1).transpose(2, 1, 0)
    return {
        "rhat": max(float(array_stats.rhat(one)) for one in every),  # type: ignore[no-untyped-call]
        "ess": min(float(array_stats.ess(one)) for one in every),  # type: ignore[no-untyped-call]
    }


def _remarks(diagnostics: Mapping[str, float], chains: Chains) -> tuple[str, ...]:
    rhat, ess = diagnostics["rhat"], diagnostics["ess"]
    poor = rhat > RHAT_LIMIT or ess < ESS_PER_CHAIN * chains.n_chains
    return (
        (f"the chains have not mixed well: R-hat {rhat:.3f}, effective sample size {ess:.0f}",)
        if poor
        else ()
    )
