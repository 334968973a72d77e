"""Unstructured: every variance and covariance its own parameter."""

import numpy as np

from analysis.mixed.covariance.linear import Linear


def unstructured(n_visits: int) -> Linear:
    """T(T+1)/2 parameters, the lower triangle row by row."""
    rows, columns = np.tril_indices(n_visits)
    parameter = np.arange(len(rows))
    basis = np.zeros((len(rows), n_visits, n_visits))
    basis[parameter, rows, columns] = 1.0
    basis[parameter, columns, rows] = 1.0
    return Linear("us", basis, [(int(b), int(a)) for a, b in zip(rows, columns, strict=True)])
