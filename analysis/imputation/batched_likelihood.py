"""The engine's likelihood at many sets of weights at once: value, gradient, Hessian, a leading axis for the sets.

The equations are the engine's ([MMRM-6] to [MMRM-9], docs/methods/mmrm.md). Where a set's covariance is not positive
definite its value is infinite. Not here: the search (batched_newton).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.imputation.weighted_grams import Batch
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.covariance.covariance import Covariance


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """Covariances of all sets and their derivatives; a leading axis of one where they are the same for all."""

    value: Array  # (B, K, T, T)
    first: Array  # (B or 1, q, K, T, T)
    second: Array | None  # (B, q, q, K, T, T)


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """The model at one theta for each set."""

    theta: Array  # (B, q)
    value: Array  # (B,) -2 log-likelihood, no constant; infinite where not allowed
    covariance: Evaluated
    whitener: Array  # (B, G, T, T)
    precision: Array  # (B, G, T, T)
    beta: Array  # (B, p)
    phi: Array  # (B, p, p)

    def part(self, which: Mask | Codes) -> "States":
        """Some of the sets."""
        old = self.covariance
        new = Evaluated(
            old.value[which], _own(old.first, which), None if old.second is None else old.second[which]
        )
        arrays = (self.theta, self.value, self.whitener, self.precision, self.beta, self.phi)
        theta, value, whitener, precision, beta, phi = (array[which] for array in arrays)
        return States(theta, value, new, whitener, precision, beta, phi)


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Derivatives by theta of each set's -2 log-likelihood."""

    gradient: Array  # (B, q)
    hessian: Array  # (B, q, q)
    traces: Array  # (B, q, q) expected curvature


def _own(first: Array, which: Mask | Codes) -> Array:
    return first if len(first) == 1 else first[which]


def evaluated(covariance: Covariance, theta: Array) -> Evaluated:
    """All sets' covariances; a linear structure's in one product."""
    one = covariance.evaluate(theta[0])
    if one.second is None:
        return Evaluated(np.tensordot(theta, one.first, 1), one.first[None], None)
    every = [covariance.evaluate(own) for own in theta]
    return Evaluated(
        np.stack([each.value for each in every]),
        np.stack([each.first for each in every]),
        np.stack([np.asarray(each.second) for each in every]),
    )


def states_at(batch: Batch, covariance: Covariance, theta: Array, *, reml: bool) -> States:
    """The states at theta (B, q)  [MMRM-6], [MMRM-7]."""
    with np.errstate(all="ignore"):
        here, grams = evaluated(covariance, theta), batch.grams
        both = grams.has[:, :, None] & grams.has[:, None, :]
        padded = np.where(both, here.value[:, grams.kind], np.eye(grams.n_visits))
        lower = cholesky(padded)
        whitener = np.where(both, inverse(lower), 0.0)
        precision = whitener.swapaxes(-1, -2) @ whitener
        log_det = 2.0 * np.einsum("bg,bgt->b", batch.count, np.log(np.diagonal(lower, axis1=-2, axis2=-1)))
        log_det[np.isnan(cholesky(here.value)).any((1, 2, 3))] = np.nan
        moments = _combined(batch, precision[:, None])[:, 0]
        root = cholesky(moments[:, :-1, :-1])
        inverse_root = inverse(root)
        half = np.einsum("bij,bj->bi", inverse_root, moments[:, :-1, -1])
        value = log_det + moments[:, -1, -1] - (half**2).sum(1)
        if reml:
            value += 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        beta = np.einsum("bij,bi->bj", inverse_root, half)
        phi = inverse_root.swapaxes(1, 2) @ inverse_root
    value = np.where(np.isfinite(value), value, np.inf)
    return States(theta, value, here, whitener, precision, beta, phi)


def cholesky(matrices: Array) -> Array:
    """Lower factors; NaN for a matrix that is not positive definite."""
    try:
        lower = np.asarray(np.linalg.cholesky(matrices), dtype=float)
    except np.linalg.LinAlgError:
        flat = matrices.reshape(-1, *matrices.shape[-2:])
        lower = np.stack([_factor(one) for one in flat]).reshape(matrices.shape)
    return lower


def _factor(matrix: Array) -> Array:
    try:
        lower = np.asarray(np.linalg.cholesky(matrix), dtype=float)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)
    return lower


def inverse(lower: Array) -> Array:
    """Inverses of triangular factors; NaN stays NaN."""
    bad = np.isnan(lower).any((-1, -2), keepdims=True)
    inverted: Array = np.where(bad, np.nan, np.linalg.inv(np.where(bad, np.eye(lower.shape[-1]), lower)))
    return inverted


def slopes_at(batch: Batch, states: States, *, reml: bool) -> Slopes:
    """[MMRM-8], [MMRM-9]."""
    grams, here, p = batch.grams, states.covariance, states.beta.shape[1]
    W, P = states.whitener, states.precision
    Wt = W.swapaxes(-1, -2)
    whitened = W[:, None] @ here.first[:, :, grams.kind] @ Wt[:, None]
    moment_slopes = -_combined(batch, Wt[:, None] @ whitened @ W[:, None])
    direction = np.concatenate([-states.beta, np.ones((len(states.beta), 1))], axis=1)
    weight = direction[:, :, None] * direction[:, None, :]
    if reml:
        weight[:, :p, :p] += states.phi
    products = contracted(batch, weight)
    score = batch.count[:, :, None, None] * P - P @ products @ P
    per_kind = _by_kind(score, grams.kind, grams.n_kinds)
    traces = _inner(whitened * batch.count[:, None, :, None, None], whitened)
    quadratic = _inner(whitened @ (W @ products @ Wt)[:, None], whitened)
    hessian = quadratic + quadratic.swapaxes(1, 2) - traces
    if here.second is not None:
        hessian += np.einsum("bijkst,bkst->bij", here.second, per_kind)
    hessian -= _through_beta(moment_slopes, direction, states.phi, reml=reml)
    gradient = np.einsum(
        "bikst,bkst->bi", np.broadcast_to(here.first, (len(batch), *here.first.shape[1:])), per_kind
    )
    return Slopes(gradient, hessian, traces)


def _through_beta(moment_slopes: Array, direction: Array, phi: Array, *, reml: bool) -> Array:
    p = phi.shape[1]
    by_beta = np.einsum("bqij,bj->bqi", moment_slopes[:, :, :p], direction)
    loss: Array = 2.0 * by_beta @ phi @ by_beta.swapaxes(1, 2)
    if reml:
        both = phi[:, None] @ moment_slopes[:, :, :p, :p]
        loss += _inner(both, both.swapaxes(2, 3))
    return loss


def _inner(one: Array, other: Array) -> Array:
    """Sums of products of elements: (B, i, ...), (B, j, ...) -> (B, i, j)."""
    size, rows = one.shape[:2]
    product: Array = one.reshape(size, rows, -1) @ other.reshape(size, rows, -1).swapaxes(1, 2)
    return product


def _by_kind(per_pattern: Array, kind: Codes, n_kinds: int) -> Array:
    member = (np.arange(n_kinds)[:, None] == kind).astype(float)
    summed: Array = np.einsum("kg,bgst->bkst", member, per_pattern)
    return summed


def _combined(batch: Batch, weights: Array) -> Array:
    """Sum over patterns and pairs of weights (B, i, G, T, T) times Grams: (B, i, w, w)."""
    packed = weights[:, :, *batch.grams.pair] @ batch.blocks
    width = batch.grams.width
    rows, columns = np.triu_indices(width)
    whole = np.empty((*packed.shape[:2], width, width))
    whole[..., rows, columns] = whole[..., columns, rows] = packed
    return whole


def designs(batch: Batch) -> Array:
    """X'X of every set: (B, p, p)."""
    grams = batch.grams
    ones = np.broadcast_to(
        np.eye(grams.n_visits) * grams.has[:, :, None], (1, 1, len(grams.kind), *[grams.n_visits] * 2)
    )
    moments: Array = _combined(batch, ones)[:, 0, :-1, :-1]
    return moments


def contracted(batch: Batch, weight: Array) -> Array:
    """Symmetric part of the sum over columns of weight (B, w, w) times Grams: (B, G, T, T)."""
    grams: Any = batch.grams
    rows, columns = np.triu_indices(grams.width)
    packed = weight[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)
    per_pair = np.einsum("blk,bk->bl", batch.blocks, packed)
    pattern, a, b = grams.pair
    total = np.zeros((len(batch), len(grams.kind), grams.n_visits, grams.n_visits))
    total[:, pattern, a, b] = total[:, pattern, b, a] = np.where(a == b, per_pair, 0.5 * per_pair)
    return total
