"""Random effects of levels that participants share, such as sites and therapists: columns Z and their covariance G."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.random.block import Block


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Components side by side; a component's columns are level after level, coefficients within a level."""

    blocks: Sequence[Block]
    levels: Sequence[Sequence[str]]  # of each component

    @property
    def n_columns(self) -> int:
        """R."""
        return sum(block.size * len(levels) for block, levels in zip(self.blocks, self.levels, strict=True))

    @property
    def n_parameters(self) -> int:
        """S."""
        return sum(len(block.lower_bounds) for block in self.blocks)

    @property
    def lower_bounds(self) -> Array:
        """(s,)."""
        return np.concatenate([block.lower_bounds for block in self.blocks])

    @property
    def parameter_names(self) -> list[str]:
        """(s,)."""
        return [name for block in self.blocks for name in block.parameter_names]

    def start(self, share: float) -> Array:
        """The same variance for every component."""
        return np.concatenate([block.start(share) for block in self.blocks])

    def root(self, theta: Array) -> Array:
        """Gamma (r, r) with Gamma Gamma' = G; raises LinAlgError where G is not positive semi-definite."""
        return self._assembled(
            [block.root(own) for block, own in zip(self.blocks, self._split(theta), strict=True)]
        )

    def first(self) -> Array:
        """dG/dtheta_i = I x E_i: (s, r, r)."""
        zero = [np.zeros((block.size, block.size)) for block in self.blocks]
        found = []
        for number, block in enumerate(self.blocks):
            found += [self._assembled([*zero[:number], own, *zero[number + 1 :]]) for own in block.basis]
        return np.stack(found)

    def _split(self, theta: Array) -> list[Array]:
        sizes = [len(block.lower_bounds) for block in self.blocks]
        return np.split(theta, np.cumsum(sizes)[:-1])

    def _assembled(self, small: Sequence[Array]) -> Array:
        """Block diagonal of I x small."""
        total, position = np.zeros((self.n_columns, self.n_columns)), 0
        for own, levels in zip(small, self.levels, strict=True):
            size = len(own) * len(levels)
            total[position : position + size, position : position + size] = np.kron(np.eye(len(levels)), own)
            position += size
        return total
