"""Toeplitz: one variance, one covariance per lag."""

import numpy as np

from analysis.mixed.covariance.linear import Linear, lags


def toeplitz(n_visits: int) -> Linear:
    """T parameters."""
    lag = lags(n_visits)
    basis = np.stack([(lag == step).astype(float) for step in range(n_visits)])
    return Linear("toep", basis, [(step,) for step in range(n_visits)])
