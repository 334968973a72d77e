"""The same structure in several groups, each with its own parameters. One group is the ordinary case."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Mask
from analysis.mixed.covariance.structure import Structure


@dataclass(frozen=True, slots=True, eq=False)
class GroupedDerivatives:
    """Covariances of all groups and their derivatives by all parameters."""

    value: Array  # (K, T, T)
    first: Array  # (q, K, T, T), zero outside a parameter's own group
    second: Array | None  # (q, q, K, T, T)


@dataclass(frozen=True, slots=True, eq=False)
class ByGroup:
    """K copies of a structure; parameters group after group."""

    structure: Structure
    groups: Sequence[str]  # (K,) names; a single empty name where nothing is grouped

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""
        return np.tile(np.asarray(self.structure.is_scale), len(self.groups))

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """The structure's names, prefixed by the group where there is more than one."""
        own = self.structure.parameter_names(visits)
        return [f"{group} {name}".strip() for group in self.groups for name in own]

    def split(self, theta: Array) -> Array:
        """(q,) -> (K, q / K)."""
        return theta.reshape(len(self.groups), -1)

    def start(self, moments: Array) -> Array:
        """Each group's start from its own moments (K, T, T)."""
        return np.concatenate([self.structure.start(own) for own in moments])

    def other_starts(self, moments: Array) -> list[Array]:
        """The structure's further starts, taken in all groups at once."""
        by_group = [self.structure.other_starts(own) for own in moments]
        return [np.concatenate(starts) for starts in zip(*by_group, strict=True)]

    def shown(self, theta: Array) -> Array:
        """Covariances of the groups (groups, T, T)."""
        return self.evaluate(theta).value

    def evaluate(self, theta: Array) -> GroupedDerivatives:
        """All groups' covariances with their derivatives placed in blocks."""
        parts = [self.structure.evaluate(own) for own in self.split(theta)]
        return GroupedDerivatives(
            value=np.stack([part.value for part in parts]),
            first=_blocks([part.first for part in parts]),
            second=_double_blocks([part.second for part in parts]),
        )


def _blocks(firsts: Sequence[Array]) -> Array:
    """Every parameter moves its own group's covariance alone."""
    q, n_groups, shape = len(firsts[0]), len(firsts), firsts[0].shape[1:]
    total = np.zeros((q * n_groups, n_groups, *shape))
    for group, first in enumerate(firsts):
        total[group * q : (group + 1) * q, group] = first
    return total


def _double_blocks(seconds: Sequence[Array | None]) -> Array | None:
    given = [second for second in seconds if second is not None]
    if not given:
        return None
    q, n_groups, shape = len(given[0]), len(given), given[0].shape[2:]
    total = np.zeros((q * n_groups, q * n_groups, n_groups, *shape))
    for group, second in enumerate(given):
        own = slice(group * q, (group + 1) * q)
        total[own, own, group] = second
    return total
