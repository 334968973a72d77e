"""Compound symmetry: one variance, one covariance."""

import numpy as np

from analysis.mixed.covariance.linear import Linear


def compound_symmetry(n_visits: int) -> Linear:
    """Two parameters; one where there is a single visit."""
    same = np.eye(n_visits)
    basis = np.stack([same, 1.0 - same])
    labels = [(0,), (-1, -1)]
    return Linear("cs", basis, labels) if n_visits > 1 else Linear("cs", basis[:1], labels[:1])
