"""Fit theta: choose starts, run Newton from each that is needed, keep the best optimum."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.convergence import Convergence
from analysis.mixed.likelihood import AnyLikelihood, Slopes, State
from analysis.mixed.newton import Attempt, newton
from analysis.mixed.random.singular import has_singular_block, singular_blocks

SAME_OPTIMUM = 1e-6  # difference of -2 log-likelihood
SUSPICIOUS_STEPS = 15
FOUND = ("converged", "rounding")


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The fitted parameters in the engine's own units, and how they were found."""

    state: State
    slopes: Slopes  # by theta
    chart: Array  # (q, m) d theta / d the m parameters that are free at the optimum
    bend: Array  # (m, m) sum_i gradient_i d² theta_i, zero unless theta is curved in the free parameters
    convergence: Convergence
    at_boundary: Mask  # (q,) parameters at a bound


def fit_theta(likelihood: AnyLikelihood, starts: Sequence[Array]) -> Optimum | None:
    """The best optimum found; None where no start is possible at all."""
    first = newton(likelihood, starts[0])
    if first is not None and first.status not in FOUND and has_singular_block(likelihood, first.state):
        return _on_boundary(likelihood, first, _record(first, "moments", 1, ()))
    attempts = {"moments": first}
    if _needs_more_starts(first):
        attempts |= {
            f"start {number}": newton(likelihood, start) for number, start in enumerate(starts[1:], 2)
        }
    best = _best({name: attempt for name, attempt in attempts.items() if attempt is not None})
    if best is None:
        return None
    attempt, convergence = best
    if not convergence.ok and has_singular_block(likelihood, attempt.state):
        return _on_boundary(likelihood, attempt, convergence)
    return _where_it_ended(attempt, convergence)


def _where_it_ended(attempt: Attempt, convergence: Convergence) -> Optimum:
    free = attempt.local.free
    chart = np.eye(len(free))[:, free]
    return Optimum(attempt.state, attempt.slopes, chart, np.zeros((free.sum(),) * 2), convergence, ~free)


def _on_boundary(likelihood: AnyLikelihood, attempt: Attempt, convergence: Convergence) -> Optimum:
    """Search again among the singular covariance matrices; where that fails, say so, with the first search's end."""
    try:
        with np.errstate(all="ignore"):  # a slope that overflows ends as a LinAlgError
            return _singular_optimum(likelihood, attempt, convergence)
    except np.linalg.LinAlgError:
        return _where_it_ended(attempt, replace(convergence, status="stalled"))


def _singular_optimum(likelihood: AnyLikelihood, attempt: Attempt, convergence: Convergence) -> Optimum:
    """Search again among the singular covariance matrices of the random effects  [RE-12]."""
    reduced, start = singular_blocks(likelihood, attempt.state)
    again = newton(reduced, start)
    if again is None:
        raise np.linalg.LinAlgError
    record = _record(again, f"{convergence.start}, singular", convergence.starts_tried + 1, ())
    slopes = likelihood.slopes(again.state.inner)
    jacobian, bend = reduced.chart(again.position, slopes.gradient)
    free = again.local.free
    return Optimum(
        again.state.inner, slopes, jacobian[:, free], bend[np.ix_(free, free)], record, reduced.is_singular
    )


def _needs_more_starts(first: Attempt | None) -> bool:
    """A curved family may have several optima; a linear one is tried again where the search was not smooth."""
    if first is None or first.status != "converged" or first.steps > SUSPICIOUS_STEPS:
        return True
    return first.state.residual.covariance.second is not None or not first.local.free.all()


def _best(attempts: dict[str, Attempt]) -> tuple[Attempt, Convergence] | None:
    """Among the converged, else among all, the lowest deviance; of equals, the first."""
    if not attempts:
        return None
    converged = {name: attempt for name, attempt in attempts.items() if attempt.status in FOUND}
    candidates = converged or attempts
    lowest = min(attempt.state.value for attempt in candidates.values())
    name = next(name for name, attempt in candidates.items() if attempt.state.value < lowest + SAME_OPTIMUM)
    worse = {round(a.state.value, 6) for a in converged.values() if a.state.value > lowest + SAME_OPTIMUM}
    best = candidates[name]
    return best, _record(best, name, len(attempts), tuple(sorted(worse)))


def _record(attempt: Attempt, start: str, tried: int, others: tuple[float, ...]) -> Convergence:
    local = attempt.local
    return Convergence(attempt.status, local.size, local.smallest, attempt.steps, start, tried, others)


def fixed_theta(likelihood: AnyLikelihood, theta: Array) -> Optimum | None:
    """The model at parameters given by the user: nothing is searched."""
    state = likelihood.at(theta)
    if state is None:
        return None
    given = Convergence("fixed", float("nan"), float("nan"), 0, "given")
    q, nowhere = len(theta), np.zeros(len(theta), dtype=bool)
    return Optimum(state, likelihood.slopes(state), np.eye(q), np.zeros((q, q)), given, nowhere)
