"""A structure over real times: participants of a kind share group and times, parameters belong to groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.covariance.by_group import GroupedDerivatives
from analysis.mixed.covariance.sp_exp import SpatialExponential


@dataclass(frozen=True, slots=True, eq=False)
class ByKind:
    """As ByGroup, evaluated for every kind: the covariance of a participant depends on his or her own times."""

    structure: SpatialExponential  # distance (K, T, T)
    groups: Sequence[str]
    group_of_kind: Codes  # (K,)

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""
        return np.tile(np.asarray(self.structure.is_scale), len(self.groups))

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """The structure's names, prefixed by the group where there is more than one."""
        own = self.structure.parameter_names(visits)
        return [f"{group} {name}".strip() for group in self.groups for name in own]

    def start(self, moments: Array) -> Array:
        """Each group's start from its own moments (groups, T, T)."""
        return np.concatenate([self.structure.start(own) for own in moments])

    def other_starts(self, moments: Array) -> list[Array]:
        """The structure's further starts, taken in all groups at once."""
        by_group = [self.structure.other_starts(own) for own in moments]
        return [np.concatenate(starts) for starts in zip(*by_group, strict=True)]

    def shown(self, theta: Array) -> Array:
        """Covariances of the groups at the visits' mean times (groups, T, T)."""
        typical = self.structure.typically()
        return np.stack([typical.evaluate(own).value for own in theta.reshape(len(self.groups), -1)])

    def evaluate(self, theta: Array) -> GroupedDerivatives:
        """All kinds' covariances (K, T, T) and their derivatives."""
        parts = theta.reshape(len(self.groups), -1)
        q, size = parts.shape[1], self.structure.n_visits
        value = np.zeros((len(self.group_of_kind), size, size))
        first = np.zeros((len(theta), *value.shape))
        second = np.zeros((len(theta), len(theta), *value.shape))
        for group, own in enumerate(parts):
            members = np.flatnonzero(self.group_of_kind == group)
            place = slice(group * q, (group + 1) * q)
            times = SpatialExponential(self.structure.distance[members], self.structure.typical)
            here = times.evaluate(own)
            value[members], first[place, members] = here.value, here.first
            second[place, place, members] = here.second
        return GroupedDerivatives(value, first, second)
