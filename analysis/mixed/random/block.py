"""The covariance of one random component's coefficients: a variance, or a matrix for intercept and slopes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array

INDEFINITE = -1e-12  # smallest eigenvalue, relative to the largest, taken for zero


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """G0 = sum_i theta_i E_i: the lower triangle of an unstructured k x k matrix  [RE-2]."""

    name: str
    coefficients: Sequence[str]  # (k,)
    mean_squares: Array  # (k,) of the coefficients' columns; the unit starting values are in

    @property
    def size(self) -> int:
        """Coefficients per level."""
        return len(self.coefficients)

    @property
    def basis(self) -> Array:
        """(k(k+1)/2, k, k)."""
        rows, columns = np.tril_indices(self.size)
        parameter = np.arange(len(rows))
        basis = np.zeros((len(rows), self.size, self.size))
        basis[parameter, rows, columns] = basis[parameter, columns, rows] = 1.0
        return basis

    @property
    def lower_bounds(self) -> Array:
        """Zero for variances, none for covariances."""
        rows, columns = np.tril_indices(self.size)
        return np.where(rows == columns, 0.0, -np.inf)

    @property
    def parameter_names(self) -> list[str]:
        """Variances and covariances of the coefficients."""
        names = self.coefficients
        return [
            self._name(names[row], names[column]) for row in range(self.size) for column in range(row + 1)
        ]

    def _name(self, one: str, other: str) -> str:
        if self.size == 1 and one == "1":
            return f"{self.name} variance"
        return f"{self.name} variance({one})" if one == other else f"{self.name} covariance({other},{one})"

    def matrix(self, theta: Array) -> Array:
        """G0 (k, k); raises LinAlgError where it is not positive semi-definite."""
        matrix: Array = np.tensordot(theta, self.basis, 1)
        values = np.linalg.eigvalsh(matrix)
        if values[0] < INDEFINITE * max(values[-1], 1e-300):
            raise np.linalg.LinAlgError
        return matrix

    def root(self, theta: Array) -> Array:
        """Gamma with Gamma Gamma' = G0."""
        values, vectors = np.linalg.eigh(self.matrix(theta))
        root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
        return root

    def start(self, share: float) -> Array:
        """Independent coefficients of this variance."""
        rows, columns = np.tril_indices(self.size)
        return np.where(rows == columns, share / self.mean_squares[rows], 0.0)


def placed(blocks: Sequence[Block], position: int) -> list[tuple[Block, slice]]:
    """Blocks with where their parameters stand in theta, the first at this position."""
    found = []
    for block in blocks:
        size = len(block.lower_bounds)
        found.append((block, slice(position, position + size)))
        position += size
    return found
