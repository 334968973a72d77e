"""Profile likelihood intervals of covariance parameters: hold one, maximise over the others. No fit is changed.

The limits are where the (restricted) deviance has risen by the chi-squared quantile on 1 degree of freedom  [MMRM-26].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtri

from analysis.mixed.arrays import Array
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.fit import FOUND
from analysis.mixed.likelihood import AnyLikelihood, Slopes
from analysis.mixed.newton import newton

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit

MOST_STRIDES = 200
SHORTEST = 1e-4  # stride in standard errors below which the allowed parameters have ended
PRECISION = 1e-10  # of a limit, relative


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The likelihood as a function of all parameters but one."""

    likelihood: AnyLikelihood
    parameter: int
    value: float

    @property
    def lower_bounds(self) -> Array:
        """(q - 1,)."""
        return np.delete(self.likelihood.lower_bounds, self.parameter)

    def at(self, position: Array) -> Any:
        """The state with the parameter held."""
        return self.likelihood.at(np.insert(position, self.parameter, self.value))

    def slopes(self, state: Any) -> Slopes:
        """By the other parameters."""
        full, others = self.likelihood.slopes(state), np.arange(len(state.theta)) != self.parameter
        square = np.ix_(others, others)
        return Slopes(
            full.gradient[others], full.hessian[square], full.traces[square], full.precision_slopes[others]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The profile at one value of the parameter."""

    value: float
    rise: float  # of the deviance above its minimum
    others: Array  # (q - 1,) the others' best values


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One parameter's profile deviance."""

    likelihood: AnyLikelihood
    parameter: int
    minimum: float
    tangent: Array  # (q - 1,) change of the others per unit of the parameter, near the optimum

    def at(self, value: float, near: Point) -> Point | None:
        """Maximise over the others from a near point; None where that fails."""
        held = Held(self.likelihood, self.parameter, value)
        for start in (near.others + self.tangent * (value - near.value), near.others):
            found = newton(held, np.maximum(start, held.lower_bounds))
            if found is not None and found.status in FOUND:
                return Point(value, found.state.value - self.minimum, found.position)
        return None

    def limit(self, best: Point, stride: float, critical: float) -> float:
        """Where the deviance has risen to the critical value; the bound where it never does; NaN if lost."""
        bound, inner, smallest = self.likelihood.lower_bounds[self.parameter], best, SHORTEST * abs(stride)
        for _ in range(MOST_STRIDES):
            value = max(inner.value + stride, bound)
            outer = self.at(value, inner)
            if outer is None:
                stride *= 0.5
                if abs(stride) < smallest:
                    return float("nan")
            elif outer.rise >= critical:
                return self._between(inner, outer, critical)
            elif value == bound:
                return float(bound)
            else:
                inner, stride = outer, stride * 1.5
        return float("nan")

    def _between(self, inner: Point, outer: Point, critical: float) -> float:
        known = {inner.value: inner, outer.value: outer}

        def above(value: float) -> float:
            near = known[min(known, key=lambda one: abs(one - value))]
            point = self.at(value, near)
            if point is None:
                return float("nan")
            known[value] = point
            return float(np.sqrt(max(point.rise, 0.0)) - np.sqrt(critical))

        try:
            smallest = PRECISION * max(abs(inner.value), abs(outer.value))
            return float(brentq(above, inner.value, outer.value, xtol=smallest))
        except ValueError:
            return float("nan")


def profile_intervals(fit: "MMRMFit", names: Sequence[str] | None, alpha: float) -> pd.DataFrame:
    """A row per parameter: estimate, lower, upper; for variances their roots as well."""
    _must_be_searched(fit)
    every = list(fit.theta.index)
    wanted = every if names is None else list(names)
    unknown = [name for name in wanted if name not in every]
    if unknown:
        raise BadDataError(
            f"{unknown[0]!r} is no covariance parameter; the parameters are {', '.join(every)}"
        )
    critical = float(chdtri(1, alpha))
    limits = [_interval(fit, every.index(name), critical) for name in wanted]
    frame = pd.DataFrame(limits, index=wanted, columns=["lower", "upper"])
    frame.insert(0, "estimate", fit.theta[wanted])
    roots = frame.where(frame >= 0.0) ** 0.5
    roots.loc[[" variance" not in f" {name}" for name in wanted]] = np.nan
    return frame.join(roots.set_axis(["sd", "sd_lower", "sd_upper"], axis=1))


def _must_be_searched(fit: "MMRMFit") -> None:
    status = fit.fitted.optimum.convergence.status
    if status not in FOUND:
        raise MeaninglessRequestError(
            f"the fit's status is {status!r}: a profile needs a maximum of the likelihood to start from"
        )


def _interval(fit: "MMRMFit", parameter: int, critical: float) -> tuple[float, float]:
    optimum, likelihood = fit.fitted.optimum, fit.fitted.likelihood
    theta, spread = optimum.state.theta, fit.fitted.theta_covariance[parameter]
    others = np.delete(theta, parameter)
    step = float(np.sqrt(max(spread[parameter], 0.0))) or _expected_error(fit, parameter)
    tangent = np.delete(spread, parameter) / step**2
    profile = Profile(likelihood, parameter, optimum.state.value, tangent)
    best = Point(float(theta[parameter]), 0.0, others)
    unit = fit.fitted.unit**2 if likelihood.is_scale[parameter] else 1.0
    if theta[parameter] <= likelihood.lower_bounds[parameter]:
        return float(theta[parameter]) * unit, profile.limit(best, step, critical) * unit
    lower = profile.limit(best, -step, critical)
    return lower * unit, profile.limit(best, step, critical) * unit


def _expected_error(fit: "MMRMFit", parameter: int) -> float:
    """A standard error for a parameter at its bound, from the expected curvature there."""
    return float(1.0 / np.sqrt(0.5 * fit.fitted.optimum.slopes.traces[parameter, parameter]))
