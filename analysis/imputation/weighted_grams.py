"""Pattern Grams of the same participants under many sets of weights at once. Not here: what is fitted to them."""

from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.gram import PatternGrams
from analysis.mixed.problem import Problem

FEW = 0.5  # share of participants whose weight is not one, below which only those are summed
FLOATS = 4_000_000  # of a batch's largest array


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Grams of B sets of weights; pattern and pairs of visits as in PatternGrams."""

    grams: PatternGrams  # of all participants once: patterns, kinds and pairs
    count: Array  # (B, G) participants, weighted
    blocks: Array  # (B, L, K) S_ab + S_ba, or S_aa, packed

    def __len__(self) -> int:
        return len(self.count)

    def part(self, which: Mask) -> "Batch":
        """Some of the sets."""
        return self if which.all() else Batch(self.grams, self.count[which], self.blocks[which])

    def alone(self, number: int) -> PatternGrams:
        """One set's Grams, as the engine takes them; patterns without participants are left out."""
        whole, pattern = self.grams, self.grams.pair[0]
        kept = self.count[number] > 0
        rows = kept[pattern]
        renumbered = np.cumsum(kept) - 1
        return PatternGrams(
            whole.n_visits, whole.n_kinds, whole.width, whole.has[kept], whole.kind[kept], self.count[number, kept],
            (renumbered[pattern[rows]], whole.pair[1][rows], whole.pair[2][rows]), self.blocks[number, rows],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ParticipantGrams:
    """Each participant's own packed Gram, by pattern."""

    grams: PatternGrams
    members: tuple[Codes, ...]  # by pattern, numbers of participants
    own: tuple[Array, ...]  # by pattern (members, rows of the pattern, K)

    @property
    def batch_size(self) -> int:
        """Sets of weights that fit into the processor's reach together."""
        return int(np.clip(FLOATS // self.grams.blocks.size, 8, 128))

    def weighted(self, weights: Array) -> Batch:
        """Sums under weights (B, n)  [RBI-12]."""
        counts, blocks = [], []
        edges = np.searchsorted(self.grams.pair[0], np.arange(len(self.members) + 1))
        for number, (members, own) in enumerate(zip(self.members, self.own, strict=True)):
            total = self.grams.blocks[edges[number] : edges[number + 1]]
            counts.append(weights[:, members].sum(1))
            blocks.append(_summed(weights[:, members], own, total))
        return Batch(self.grams, np.stack(counts, axis=1), np.concatenate(blocks, axis=1))


def _summed(weights: Array, own: Array, total: Array) -> Array:
    """Weighted sum over participants: their total, and what the weights that are not one change."""
    touched = (weights != 1.0).any(0)
    if touched.mean() > FEW:
        return np.tensordot(weights, own, 1)
    return total + np.tensordot(weights[:, touched] - 1.0, own[touched], 1)


def participant_grams(problem: Problem, participants: Codes) -> ParticipantGrams:
    """Keep every participant's Gram; `participants` (N,) numbers the participant of each row."""
    if problem.observations is None:
        message = "participants' Grams need the rows of the model"
        raise ValueError(message)
    grams = problem.grams
    by_key = {pattern.key: pattern for pattern in problem.observations.patterns}
    members, own = [], []
    for kind, has in zip(grams.kind, grams.has, strict=True):
        pattern = by_key[int(kind), tuple(np.flatnonzero(has).tolist())]
        members.append(participants[pattern.rows[:, 0]])
        own.append(_packed(problem.observations.of(pattern)))
    return ParticipantGrams(grams, tuple(members), tuple(own))


def _packed(columns: Array) -> Array:
    """(n, m, w) -> (n, pairs of visits, w (w + 1) / 2)."""
    a, b = np.triu_indices(columns.shape[1])
    rows, across = np.triu_indices(columns.shape[2])
    one, other = columns[:, a], columns[:, b]
    packed: Array = one[..., rows] * other[..., across] + one[..., across] * other[..., rows]
    packed[:, a == b] *= 0.5
    return packed
