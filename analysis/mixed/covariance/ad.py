"""Ante-dependence of order one: one variance, a correlation per pair of neighbouring visits."""

from analysis.mixed.covariance.products import neighbour_products
from analysis.mixed.covariance.scaled import Scaled, one_variance


def ante_dependence(n_visits: int) -> Scaled:
    """T parameters."""
    return one_variance("ad", neighbour_products(n_visits))
