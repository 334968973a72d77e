"""The covariance within participants: a structure over visits by group, plus participants' own random effects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.covariance.by_group import ByGroup, GroupedDerivatives
from analysis.mixed.covariance.by_kind import ByKind
from analysis.mixed.random.block import Block, placed


@dataclass(frozen=True, slots=True, eq=False)
class ParticipantEffects:
    """Random intercepts and slopes of participants, marginally: V gains z G0 z' at each kind of visit plan."""

    blocks: Sequence[Block]
    z: Sequence[Array]  # per block (K, T, k): a kind's values at each visit


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """V of a participant by kind: the pair of covariance group and design of participant effects  [RE-1]."""

    residual: ByGroup | ByKind
    group_of_kind: Codes  # (K,) which of the residual's covariances is a kind's
    effects: ParticipantEffects | None

    @property
    def blocks(self) -> Sequence[Block]:
        """Those of the participants' effects."""
        return () if self.effects is None else self.effects.blocks

    @property
    def n_residual(self) -> int:
        """Parameters of the structure; those of the participants' effects follow."""
        return len(self.residual.is_scale)

    @property
    def is_scale(self) -> Mask:
        """(q,) whether each parameter is in squared units of the outcome."""
        own = [np.ones(len(block.lower_bounds), dtype=bool) for block in self.blocks]
        return np.concatenate([self.residual.is_scale, *own])

    @property
    def lower_bounds(self) -> Array:
        """(q,) zero for variances of random effects."""
        free = np.full(self.n_residual, -np.inf)
        return np.concatenate([free, *(block.lower_bounds for block in self.blocks)])

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """One name per parameter."""
        own = [name for block in self.blocks for name in block.parameter_names]
        return self.residual.parameter_names(visits) + own

    def starts(self, moments: Array) -> list[Array]:
        """The first from the moments (groups, T, T); the others in case the likelihood has several optima."""
        if self.effects is None:
            return [self.residual.start(moments), *self.residual.other_starts(moments)]
        shares = ((0.5, 0.3), (0.9, 0.05), (0.2, 0.8))
        return [
            np.concatenate(
                [self.residual.start(own * moments), *(block.start(share) for block in self.blocks)]
            )
            for own, share in shares
        ]

    def evaluate(self, theta: Array) -> GroupedDerivatives:
        """Covariances of all kinds and their derivatives."""
        own = self.residual.evaluate(theta[: self.n_residual])
        value, first = own.value[self.group_of_kind], own.first[:, self.group_of_kind]
        second = None if own.second is None else own.second[:, :, self.group_of_kind]
        if self.effects is None:
            return GroupedDerivatives(value, first, second)
        basis = self._basis(theta)
        value = value + np.tensordot(theta[self.n_residual :], basis, 1)
        return GroupedDerivatives(value, np.concatenate([first, basis]), _padded(second, len(basis)))

    def _basis(self, theta: Array) -> Array:
        """Z E z' of every parameter of the effects: (s, K, T, T); refuses an indefinite G0."""
        designs = () if self.effects is None else self.effects.z
        found = []
        for (block, where), z in zip(self.placed_blocks(), designs, strict=True):
            block.matrix(theta[where])
            found.append(z @ block.basis[:, None] @ z.swapaxes(-1, -2))
        return np.concatenate(found)

    def placed_blocks(self) -> list[tuple[Block, slice]]:
        """The effects' blocks, and where their parameters stand in theta."""
        return placed(self.blocks, self.n_residual)


def _padded(second: Array | None, more: int) -> Array | None:
    if second is None:
        return None
    widths = [(0, more), (0, more)] + [(0, 0)] * (second.ndim - 2)
    return np.pad(second, widths)
