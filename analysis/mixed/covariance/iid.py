"""Independent residuals of one variance: what random effects are added to."""

import numpy as np

from analysis.mixed.covariance.linear import Linear


def independent(n_visits: int) -> Linear:
    """One parameter."""
    return Linear("iid", np.eye(n_visits)[None], [(0,)])
