"""Independent residuals with a variance per visit."""

import numpy as np

from analysis.mixed.covariance.linear import Linear


def diagonal(n_visits: int) -> Linear:
    """T parameters."""
    own = np.eye(n_visits)
    return Linear("diag", own[:, :, None] * own[:, None, :], [(visit, visit) for visit in range(n_visits)])
