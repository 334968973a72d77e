"""Structures of the form sqrt(v_a v_b) C_ab(rho): variances, one or one per visit, and a correlation matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.structure import Derivatives


class Correlation(Protocol):
    """A correlation matrix over visits and its derivatives by rho."""

    @property
    def n_visits(self) -> int:
        """T."""

    @property
    def n_parameters(self) -> int:
        """Number of correlations."""

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """One name per correlation."""

    def start(self, correlations: Array) -> Array:
        """Parameters near the given correlation matrix (T, T)."""

    def evaluate(self, rho: Array) -> Derivatives:
        """Value, first and second derivatives by rho."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Sigma_ab = sqrt(v_a v_b) C_ab(rho)  [MMRM-12]."""

    name: str
    correlation: Correlation
    incidence: Array  # (k, T, T) half the number of times v_i enters sqrt(v_a v_b)

    @property
    def n_visits(self) -> int:
        """T."""
        return self.correlation.n_visits

    @property
    def n_variances(self) -> int:
        """1, or T for a heterogeneous structure."""
        return len(self.incidence)

    @property
    def is_scale(self) -> Sequence[bool]:
        """Variances first, then correlations."""
        return (True,) * self.n_variances + (False,) * self.correlation.n_parameters

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """Variances by visit, then correlations."""
        own = ["variance"] if self.n_variances == 1 else [f"variance({visit})" for visit in visits]
        return own + self.correlation.parameter_names(visits)

    def start(self, moments: Array) -> Array:
        """The moments' variances and the correlations nearest to them."""
        variances = np.diag(moments)
        sd = np.sqrt(variances)
        return np.concatenate([self._pooled(variances), self.correlation.start(moments / np.outer(sd, sd))])

    def other_starts(self, moments: Array) -> list[Array]:
        """Independence, and moderate correlations of both signs."""
        variances = self._pooled(np.diag(moments))
        size = self.correlation.n_parameters
        levels = [np.zeros(size), np.full(size, 0.3), 0.3 * (-1.0) ** np.arange(1, size + 1)]
        return [np.concatenate([variances, level]) for level in levels]

    def _pooled(self, variances: Array) -> Array:
        return variances if self.n_variances > 1 else variances.mean(keepdims=True)

    def evaluate(self, theta: Array) -> Derivatives:
        """[MMRM-13]: derivatives by log scale, chained to the variances."""
        variances, rho = theta[: self.n_variances], theta[self.n_variances :]
        root = np.exp(np.tensordot(np.log(variances), self.incidence, 1))
        correlation = self.correlation.evaluate(rho)
        value = root * correlation.value
        first = np.concatenate([self._by_log(variances) * value, root * correlation.first])
        by_rho_twice = 0.0 if correlation.second is None else root * correlation.second
        return Derivatives(value, first, self._second(variances, first, by_rho_twice))

    def _by_log(self, variances: Array) -> Array:
        """How much each log element grows with each variance: (k, T, T)."""
        share: Array = self.incidence / variances[:, None, None]
        return share

    def _second(self, variances: Array, first: Array, by_rho_twice: Array | float) -> Array:
        k, by_log = self.n_variances, self._by_log(variances)
        second = np.zeros((len(first), *first.shape))
        second[:k] = by_log[:, None] * first
        second[np.arange(k), np.arange(k)] -= first[:k] / variances[:, None, None]
        second[k:, :k] = second[:k, k:].swapaxes(0, 1)
        second[k:, k:] = by_rho_twice
        return second


def one_variance(name: str, correlation: Correlation) -> Scaled:
    """The homogeneous structure on a correlation matrix."""
    shape = (1, correlation.n_visits, correlation.n_visits)
    return Scaled(name, correlation, np.ones(shape))


def variance_per_visit(name: str, correlation: Correlation) -> Scaled:
    """The heterogeneous structure on a correlation matrix."""
    own = np.eye(correlation.n_visits)
    return Scaled(name, correlation, 0.5 * (own[:, :, None] + own[:, None, :]))
