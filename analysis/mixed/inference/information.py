"""Observed and expected information of theta: the two choices for Kenward-Roger's W."""

from collections.abc import Callable

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.fit import Optimum
from analysis.mixed.likelihood import AnyLikelihood, trace_products


def observed(likelihood: AnyLikelihood, optimum: Optimum) -> Array:
    """Half the Hessian of -2 log-likelihood by the free parameters, as SAS  [KR-2]."""
    del likelihood
    chart = optimum.chart
    return 0.5 * (chart.T @ optimum.slopes.hessian @ chart + optimum.bend)


def expected(likelihood: AnyLikelihood, optimum: Optimum) -> Array:
    """Half tr(Q V_i Q V_j), Q the residual projection of V⁻¹, as pbkrtest  [KR-4]."""
    slopes, phi = optimum.slopes, optimum.state.phi
    weight = np.pad(phi, (0, 1))
    mixed = likelihood.quadratics(optimum.state, slopes, weight)
    by_theta = 0.5 * (slopes.traces - 2.0 * mixed + trace_products(phi @ slopes.precision_slopes))
    return optimum.chart.T @ by_theta @ optimum.chart


INFORMATION: dict[str, Callable[[AnyLikelihood, Optimum], Array]] = {
    "observed": observed,
    "expected": expected,
}
