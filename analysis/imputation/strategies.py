"""What an unobserved outcome is assumed to follow: own distribution and reference's in, the assumed one out.

Each function takes leading axes as they come (draws, participants). Not here: conditioning on what was observed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.imputation.errors import ImputationError, Refusal
from analysis.mixed.arrays import Array, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """A multivariate normal distribution over visits."""

    mean: Array  # (..., T)
    covariance: Array  # (..., T, T), its leading axes broadcast against the mean's


Strategy = Callable[[Normal, Normal, Mask], Normal]


def missing_at_random(own: Normal, reference: Normal, is_mar: Mask) -> Normal:
    """The participant's own arm goes on  [RBI-4]."""
    del reference, is_mar
    return own


def jump_to_reference(own: Normal, reference: Normal, is_mar: Mask) -> Normal:
    """From the event on the mean is the reference arm's  [RBI-5]."""
    return Normal(np.where(is_mar, own.mean, reference.mean), _spliced(own, reference, is_mar))


def copy_reference(own: Normal, reference: Normal, is_mar: Mask) -> Normal:
    """The participant is taken to have been in the reference arm all along  [RBI-6]."""
    return own if is_mar.all() else reference


def copy_increments(own: Normal, reference: Normal, is_mar: Mask) -> Normal:
    """From the event on the mean changes as the reference arm's does, from where it stood  [RBI-7]."""
    if not is_mar.any():
        return reference
    last = _last_before(is_mar)
    step = own.mean[..., [last]] - reference.mean[..., [last]]
    return Normal(np.where(is_mar, own.mean, reference.mean + step), _spliced(own, reference, is_mar))


def last_mean_carried_forward(own: Normal, reference: Normal, is_mar: Mask) -> Normal:
    """From the event on the mean stays where it stood  [RBI-8]."""
    del reference
    if not is_mar.any():
        raise ImputationError("The last mean can't be carried forward.", [_no_mean()])
    last = _last_before(is_mar)
    return Normal(np.where(is_mar, own.mean, own.mean[..., [last]]), own.covariance)


def _no_mean() -> Refusal:
    return Refusal(
        "strategy lmcf",
        "participants whose event is at the first visit",
        "a visit before the event, whose mean is carried forward",
        "Give them another strategy in the file of events.",
    )


def _last_before(is_mar: Mask) -> int:
    """The visit before the event, the first visit's where there is no event."""
    return int(np.argmin(is_mar)) - 1 if not is_mar.all() else len(is_mar) - 1


def _spliced(own: Normal, reference: Normal, is_mar: Mask) -> Array:
    """Own covariance before the event, the reference's regression on it after  [RBI-9]."""
    if is_mar.all() or own.covariance is reference.covariance:
        return own.covariance
    if not is_mar.any():
        return reference.covariance
    before, after = np.flatnonzero(is_mar), np.flatnonzero(~is_mar)
    r_aa, r_ab, r_bb = (_part(reference.covariance, *at) for at in _pairs(before, after))
    slope = np.linalg.solve(r_bb, r_ab.swapaxes(-1, -2)).swapaxes(-1, -2)
    own_bb = _part(own.covariance, before, before)
    covariance = np.empty(np.broadcast_shapes(own.covariance.shape, reference.covariance.shape))
    covariance[..., before[:, None], before] = own_bb
    covariance[..., after[:, None], before] = slope @ own_bb
    covariance[..., before[:, None], after] = (slope @ own_bb).swapaxes(-1, -2)
    covariance[..., after[:, None], after] = r_aa - slope @ (r_bb - own_bb) @ slope.swapaxes(-1, -2)
    return covariance


def _pairs(before: np.ndarray, after: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(after, after), (after, before), (before, before)]


def _part(matrix: Array, rows: np.ndarray, columns: np.ndarray) -> Array:
    return matrix[..., rows[:, None], columns]


STRATEGIES: Mapping[str, Strategy] = {
    "mar": missing_at_random,
    "j2r": jump_to_reference,
    "cr": copy_reference,
    "cir": copy_increments,
    "lmcf": last_mean_carried_forward,
}
ALIASES: Mapping[str, str] = {"jr": "j2r", "jtr": "j2r"}
TITLES: Mapping[str, str] = {
    "mar": "missing at random",
    "j2r": "jump to reference",
    "cr": "copy reference",
    "cir": "copy increments in reference",
    "lmcf": "last mean carried forward",
}


def strategy_name(text: str) -> str:
    """Return the name of a strategy, whatever its case; `JR` is `j2r`.

    Raises:
        ImputationError: there is no such strategy.
    """
    name = ALIASES.get(text.strip().casefold(), text.strip().casefold())
    if name in STRATEGIES:
        return name
    refusal = Refusal("strategy", repr(text), f"one of {', '.join(STRATEGIES)}")
    raise ImputationError(f"There is no strategy {text!r}.", [refusal])
