"""A structure over real times: participants of a kind share group and times, parameters belong to groups."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.covariance.by_group import ByGroup, GroupedDerivatives
from analysis.mixed.covariance.sp_exp import SpatialExponential


@dataclass(frozen=True, slots=True, eq=False)
class ByKind(ByGroup):
    """As ByGroup, evaluated for every kind: the covariance of a participant depends on his or her own times."""

    structure: SpatialExponential  # distance (K, T, T)
    group_of_kind: Codes  # (K,)

    def shown(self, theta: Array) -> Array:
        """Covariances of the groups at the visits' mean times (groups, T, T)."""
        typical = self.structure.typically()
        return np.stack([typical.evaluate(own).value for own in self.split(theta)])

    def evaluate(self, theta: Array) -> GroupedDerivatives:
        """All kinds' covariances (K, T, T) and their derivatives."""
        parts = self.split(theta)
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
