"""Newton's method from one start for many sets of weights at once. Not here: what is done with those that fail."""

from dataclasses import dataclass

import numpy as np

from analysis.imputation.batched_likelihood import Slopes, States, slopes_at, states_at
from analysis.imputation.weighted_grams import Batch
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.covariance.covariance import Covariance
from analysis.mixed.newton import CONVERGED, FLATTEST, TARGET

MOST_STEPS = 30
MOST_HALVINGS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Where the searches ended."""

    theta: Array  # (B, q)
    beta: Array  # (B, p)
    covariance: Array  # (B, K, T, T)
    is_found: Mask  # (B,) a gradient of zero and a positive definite Hessian


def batched_newton(batch: Batch, covariance: Covariance, start: Array, *, reml: bool) -> Found:
    """Search from `start` (q,) in every set; a set that needs care is left to the engine's own search."""
    states = states_at(batch, covariance, np.tile(start, (len(batch), 1)), reml=reml)
    found = Found(
        states.theta.copy(), states.beta.copy(), states.covariance.value.copy(), np.zeros(len(batch), bool)
    )
    open_ = np.flatnonzero(np.isfinite(states.value))
    states, batch, size = (
        states.part(open_),
        batch.part(_mask(open_, len(batch))),
        np.full(len(open_), np.inf),
    )
    for _ in range(MOST_STEPS):
        if len(open_) == 0:
            break
        slopes = slopes_at(batch, states, reml=reml)
        step, new_size, is_minimum = _newton_step(slopes)
        is_done = (new_size < TARGET) | ((new_size < CONVERGED) & (new_size > 0.1 * size))
        _record(found, open_[is_done], states.part(is_done), is_minimum[is_done])
        moved, has_moved = _searched(batch, covariance, states, step, slopes.gradient, reml=reml)
        goes_on = ~is_done & has_moved
        open_, size = open_[goes_on], new_size[goes_on]
        states, batch = moved.part(goes_on), batch.part(goes_on)
    return found


def _mask(numbers: Codes, size: int) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[numbers] = True
    return mask


def _record(found: Found, at: Codes, states: States, is_minimum: Mask) -> None:
    found.theta[at], found.beta[at] = states.theta, states.beta
    found.covariance[at], found.is_found[at] = states.covariance.value, is_minimum


def _newton_step(slopes: Slopes) -> tuple[Array, Array, Mask]:
    """The steps, the norms of the scaled gradients, and whether the Hessians are positive definite."""
    scale = 1.0 / np.sqrt(np.diagonal(slopes.traces, axis1=1, axis2=2))
    unit = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(slopes.hessian * unit)
    is_minimum = values[:, 0] > FLATTEST
    if not is_minimum.all():
        expected, turned = np.linalg.eigh(slopes.traces[~is_minimum] * unit[~is_minimum])
        values[~is_minimum], vectors[~is_minimum] = np.maximum(expected, 1e-10), turned
    gradient = scale * slopes.gradient
    inner = np.einsum("bji,bj->bi", vectors, gradient) / values
    return -scale * np.einsum("bij,bj->bi", vectors, inner), np.linalg.norm(gradient, axis=1), is_minimum


def _searched(  # noqa: PLR0913
    batch: Batch, covariance: Covariance, states: States, step: Array, gradient: Array, *, reml: bool
) -> tuple[States, Mask]:
    """The longest of the steps 1, 1/2, 1/4 ... that lowers each deviance, and where there was one."""
    length = np.ones(len(batch))
    fall = 1e-4 * np.minimum(np.einsum("bi,bi->b", gradient, step), 0.0)
    rounding = 1e-12 * (1.0 + np.abs(states.value))
    moved = states_at(batch, covariance, states.theta + step, reml=reml)
    for _ in range(MOST_HALVINGS):
        bad = ~(moved.value <= states.value + length * fall + rounding)
        if not bad.any():
            break
        length[bad] *= 0.5
        trial = states.theta[bad] + length[bad, None] * step[bad]
        moved = _replaced(moved, bad, states_at(batch.part(bad), covariance, trial, reml=reml))
    return moved, moved.value <= states.value + length * fall + rounding


def _replaced(states: States, which: Mask, new: States) -> States:
    """The states with some of them exchanged."""
    old = states.covariance
    pairs = [
        (states.theta, new.theta), (states.value, new.value), (states.whitener, new.whitener),
        (states.precision, new.precision), (states.beta, new.beta), (states.phi, new.phi),
        (old.value, new.covariance.value),
    ]  # fmt: skip
    for array, own in pairs:
        array[which] = own
    if old.second is not None and new.covariance.second is not None:
        old.first[which], old.second[which] = new.covariance.first, new.covariance.second
    return states
