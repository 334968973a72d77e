"""First-order autoregressive: one variance, correlation rho to the power of the lag."""

from analysis.mixed.covariance.linear import lags
from analysis.mixed.covariance.power import Power
from analysis.mixed.covariance.scaled import Scaled, one_variance


def autoregressive(n_visits: int) -> Scaled:
    """Two parameters."""
    return one_variance("ar1", Power(lags(n_visits)))
