"""Where the search begins: moment estimates of the covariance from least-squares residuals."""

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.gram import PatternGrams

SMALLEST_EIGENVALUE = 0.05  # of the starting correlation matrix


def moment_covariances(grams: PatternGrams, group_of_kind: Codes) -> Array:
    """Pairwise-complete covariances of the outcome column by group, made positive definite: (groups, T, T)."""
    outcome = np.zeros((grams.width, grams.width))
    outcome[-1, -1] = 1.0
    products = grams.contract(outcome)
    pairs = (grams.has[:, :, None] & grams.has[:, None, :]) * grams.count[:, None, None]
    members = group_of_kind[grams.kind] == np.arange(group_of_kind.max() + 1)[:, None]
    return np.stack([_positive(products[own].sum(0), pairs[own].sum(0)) for own in members])


def _positive(products: Array, pairs: Array) -> Array:
    """Products over counts as a correlation matrix with its eigenvalues bounded below, scaled back."""
    covariance = products / np.maximum(pairs, 1.0)
    variance = np.diag(covariance)
    variance = np.where(variance > 1e-8 * variance.max(), variance, max(variance.max(), 1e-300))
    sd = np.sqrt(variance)
    correlation = np.clip(covariance / np.outer(sd, sd), -0.95, 0.95)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    bounded = (vectors * np.maximum(values, SMALLEST_EIGENVALUE)) @ vectors.T
    unit = np.sqrt(np.diag(bounded))
    positive: Array = bounded * np.outer(sd / unit, sd / unit)
    return positive
