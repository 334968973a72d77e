"""Heterogeneous Toeplitz: a variance per visit, one correlation per lag."""

import numpy as np

from analysis.mixed.covariance.bands import Bands
from analysis.mixed.covariance.linear import lags
from analysis.mixed.covariance.scaled import Scaled, variance_per_visit


def heterogeneous_toeplitz(n_visits: int) -> Scaled:
    """2T - 1 parameters."""
    steps = range(1, n_visits)
    masks = np.stack([(lags(n_visits) == step).astype(float) for step in steps])
    return variance_per_visit("toeph", Bands(masks, [f"correlation(lag {step})" for step in steps]))
