"""The pre-specified order of simpler covariances, tried where one does not converge."""

from collections.abc import Sequence

from analysis.mixed.covariance import STRUCTURES

LADDER = ("us", "toeph", "ar1h", "csh", "cs")
Fallback = Sequence[str] | str | bool


def rungs_below(covariance: str, fallback: Fallback, n_visits: int) -> tuple[str, ...]:
    """Structures to try after this one: those listed, or with True or "ladder" the ladder's lower rungs.

    A structure that is not on the ladder goes on to the rungs with fewer parameters than its own.
    """
    if fallback is False:
        return ()
    if isinstance(fallback, str) and fallback != "ladder":
        return (fallback,)
    if not isinstance(fallback, str | bool):
        return tuple(fallback)
    if covariance in LADDER:
        return LADDER[LADDER.index(covariance) + 1 :]
    own = _size(covariance, n_visits)
    return tuple(name for name in LADDER if _size(name, n_visits) < own)


def _size(covariance: str, n_visits: int) -> int:
    return len(STRUCTURES[covariance](n_visits).is_scale)
