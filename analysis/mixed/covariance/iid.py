"""Independent residuals of one variance: what random effects are added to."""

import numpy as np

from analysis.mixed.covariance.linear import Linear
from analysis.mixed.covariance.structure import Structure


def independent(n_visits: int) -> Linear:
    """One parameter."""
    return Linear("iid", np.eye(n_visits)[None], [(0,)])


def repeated(one: Structure, n_rows: int) -> Linear:
    """Independent rows of a structure over a single visit, under its name for the variance."""
    labels = [(0,)] if one.name == "iid" else [(0, 0)]
    return Linear(one.name, np.eye(n_rows)[None], labels)
