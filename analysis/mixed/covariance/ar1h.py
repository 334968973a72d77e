"""Heterogeneous first-order autoregressive: a variance per visit, correlation rho to the power of the lag."""

from analysis.mixed.covariance.linear import lags
from analysis.mixed.covariance.power import Power
from analysis.mixed.covariance.scaled import Scaled, variance_per_visit


def heterogeneous_autoregressive(n_visits: int) -> Scaled:
    """T + 1 parameters."""
    return variance_per_visit("ar1h", Power(lags(n_visits)))
