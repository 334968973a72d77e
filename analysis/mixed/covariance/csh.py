"""Heterogeneous compound symmetry: a variance per visit, one correlation."""

import numpy as np

from analysis.mixed.covariance.bands import Bands
from analysis.mixed.covariance.scaled import Scaled, variance_per_visit


def heterogeneous_compound_symmetry(n_visits: int) -> Scaled:
    """T + 1 parameters."""
    return variance_per_visit("csh", Bands(1.0 - np.eye(n_visits)[None], ["correlation"]))
