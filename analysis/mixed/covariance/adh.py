"""Heterogeneous ante-dependence of order one: a variance per visit, a correlation per pair of neighbours."""

from analysis.mixed.covariance.products import neighbour_products
from analysis.mixed.covariance.scaled import Scaled, variance_per_visit


def heterogeneous_ante_dependence(n_visits: int) -> Scaled:
    """2T - 1 parameters."""
    return variance_per_visit("adh", neighbour_products(n_visits))
