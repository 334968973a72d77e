"""Pattern Grams: rows grouped by which visits a participant has, summed once. Not here: what is done with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from analysis.mixed.arrays import Array, Codes, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Participants of one kind who have exactly the same visits."""

    kind: int
    visits: Codes  # (m,) ascending
    rows: Codes  # (n, m) row of each participant at each of these visits

    @property
    def key(self) -> tuple[int, tuple[int, ...]]:
        """What makes two patterns the same."""
        return self.kind, tuple(self.visits.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class RowCodes:
    """Who and when a row is, and of which kind: participants of a kind share the covariance over visits."""

    subject: Codes  # (N,) 0..n-1
    visit: Codes  # (N,) 0..T-1
    kind: Codes  # (N,) 0..K-1, the same in all rows of a participant
    n_subjects: int
    n_visits: int
    n_kinds: int


def patterns(codes: RowCodes) -> list[Pattern]:
    """Group the participants of the same kind who have the same visits."""
    order, first, length = _by_participant(codes)
    label, representative = _pattern_labels(codes, order, first, length)
    by_pattern = np.argsort(label, kind="stable")
    edges = np.cumsum(np.bincount(label))[:-1]
    return [
        _pattern(codes, order, first[members], int(length[one]))
        for one, members in zip(representative, np.split(by_pattern, edges), strict=True)
    ]


def _pattern(codes: RowCodes, order: Codes, first: Codes, n_visits: int) -> Pattern:
    rows = order[first[:, None] + np.arange(n_visits)]
    return Pattern(int(codes.kind[rows[0, 0]]), codes.visit[rows[0]], rows)


def _by_participant(codes: RowCodes) -> tuple[Codes, Codes, Codes]:
    """Row order by participant and visit; where each participant starts, and how many rows there are."""
    position = codes.subject * codes.n_visits + codes.visit
    is_sorted = bool((position[1:] > position[:-1]).all())
    order = np.arange(len(position)) if is_sorted else np.argsort(position, kind="stable")
    length = np.bincount(codes.subject, minlength=codes.n_subjects)
    has_rows = length > 0
    first = np.cumsum(length) - length
    return order, first[has_rows], length[has_rows]


def _pattern_labels(codes: RowCodes, order: Codes, first: Codes, length: Codes) -> tuple[Codes, Codes]:
    """Pattern number of each participant, and one participant of each pattern."""
    key = codes.kind[order[first]].astype(np.int64)
    owner = np.repeat(np.arange(len(first)), length)
    visit = codes.visit[order]
    for block in range(
        0, codes.n_visits, 32
    ):  # bits of up to 32 visits at a time, renumbered before the next
        inside = (visit >= block) & (visit < block + 32)
        bits = np.ldexp(1.0, np.where(inside, visit - block, 0)) * inside
        seen = np.bincount(owner, weights=bits, minlength=len(first)).astype(np.int64)
        key = np.unique(key * (1 << 32) + seen, return_inverse=True)[1].astype(np.int64)
    _, representative, label = np.unique(key, return_index=True, return_inverse=True)
    return label, representative


@dataclass(frozen=True, slots=True, eq=False)
class GramSum:
    """Sums of z zᵀ by pattern; additive over participants, so files and workers can share the work [MMRM-4]."""

    width: int  # w
    n_visits: int
    n_kinds: int
    counts: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)
    sums: dict[tuple[int, tuple[int, ...]], Array] = field(default_factory=dict)  # (m w, m w) each

    def __add__(self, other: "GramSum") -> "GramSum":
        return self._combined(other, 1)

    def __sub__(self, other: "GramSum") -> "GramSum":
        return self._combined(other, -1)

    def _combined(self, other: "GramSum", sign: int) -> "GramSum":
        counts, sums = dict(self.counts), dict(self.sums)
        for key, count in other.counts.items():
            counts[key] = counts.get(key, 0) + sign * count
            sums[key] = sums[key] + sign * other.sums[key] if key in sums else sign * other.sums[key]
        kept = [key for key, count in counts.items() if count > 0]
        return GramSum(
            self.width, self.n_visits, self.n_kinds, {k: counts[k] for k in kept}, {k: sums[k] for k in kept}
        )

    def over_rows(self) -> Array:
        """Sum of z zᵀ over all rows: (w, w)."""
        total = np.zeros((self.width, self.width))
        for (_, visits), own in self.sums.items():
            blocks = own.reshape(len(visits), self.width, len(visits), self.width)
            total += np.einsum("acad->cd", blocks)
        return total

    def transformed(self, change: Array) -> "GramSum":
        """The sums for columns z · change (w, w')."""
        sums = {key: _congruent(total, change, len(key[1])) for key, total in self.sums.items()}
        return GramSum(change.shape[1], self.n_visits, self.n_kinds, dict(self.counts), sums)


def _congruent(total: Array, change: Array, n_visits: int) -> Array:
    old, new = change.shape
    blocks = total.reshape(n_visits, old, n_visits, old)
    both: Array = np.einsum("ci,acbd,dj->aibj", change, blocks, change, optimize=True)
    return both.reshape(n_visits * new, n_visits * new)


def sum_grams(columns: Array, found: list[Pattern], n_visits: int, n_kinds: int) -> GramSum:
    """One matrix product per pattern over the rows of columns (N, w)."""
    width = columns.shape[1]
    counts, sums = {}, {}
    for pattern in found:
        wide = columns[pattern.rows].reshape(len(pattern.rows), -1)
        counts[pattern.key], sums[pattern.key] = len(wide), wide.T @ wide
    return GramSum(width, n_visits, n_kinds, counts, sums)


@dataclass(frozen=True, slots=True, eq=False)
class PatternGrams:
    """A GramSum packed for evaluation: one row per pattern and pair of visits a <= b, one matrix product for all."""

    n_visits: int
    n_kinds: int
    width: int
    has: Mask  # (G, T) visits of each pattern
    kind: Codes  # (G,)
    count: Array  # (G,) participants
    pair: tuple[Codes, Codes, Codes]  # pattern, a, b of each row (L,)
    blocks: Array  # (L, w(w+1)/2) S_ab + S_ba, or S_aa, packed

    @property
    def n_rows(self) -> int:
        """N."""
        return int((self.has.sum(1) * self.count).sum())

    @property
    def n_subjects(self) -> int:
        """N."""
        return int(self.count.sum())

    def combine(self, weights: Array) -> Array:
        """Sum over patterns and visit pairs of weights[..., g, a, b] S_g[a, b]: (..., G, T, T) -> (..., w, w)."""
        packed = weights[..., *self.pair] @ self.blocks
        return packed[..., _unpacking(self.width)]

    def contract(self, omega: Array) -> Array:
        """Symmetric part of sum_cd omega_cd S_g[a, b]_cd: (w, w) -> (G, T, T)."""
        rows, columns = np.triu_indices(self.width)
        per_pair = self.blocks @ (omega[rows, columns] * np.where(rows == columns, 1.0, 2.0))
        pattern, a, b = self.pair
        total = np.zeros((len(self.kind), self.n_visits, self.n_visits))
        total[pattern, a, b] = total[pattern, b, a] = np.where(a == b, per_pair, 0.5 * per_pair)
        return total


def _unpacking(width: int) -> Codes:
    """Where element (c, d) of a symmetric matrix lies in its packed upper triangle."""
    rows, columns = np.triu_indices(width)
    index = np.zeros((width, width), dtype=np.intp)
    index[rows, columns] = index[columns, rows] = np.arange(len(rows))
    return index


def pack(total: GramSum) -> PatternGrams:
    """Lay a GramSum out for evaluation."""
    keys = sorted(total.counts)
    has = np.zeros((len(keys), total.n_visits), dtype=bool)
    for row, (_, visits) in zip(has, keys, strict=True):
        row[list(visits)] = True
    parts = list(_packed_pairs(total, keys))
    return PatternGrams(
        n_visits=total.n_visits,
        n_kinds=total.n_kinds,
        width=total.width,
        has=has,
        kind=np.array([kind for kind, _ in keys], dtype=np.intp),
        count=np.array([total.counts[key] for key in keys], dtype=float),
        pair=tuple(np.concatenate(index) for index in zip(*(pair for pair, _ in parts), strict=True)),  # type: ignore[arg-type]
        blocks=np.concatenate([blocks for _, blocks in parts]),
    )


def _packed_pairs(
    total: GramSum, keys: list[tuple[int, tuple[int, ...]]]
) -> Iterator[tuple[tuple[Codes, Codes, Codes], Array]]:
    rows, columns = np.triu_indices(total.width)
    for number, key in enumerate(keys):
        visits = np.array(key[1], dtype=np.intp)
        a, b = np.triu_indices(len(visits))
        block = total.sums[key].reshape(len(visits), total.width, len(visits), total.width)[a, :, b, :]
        both = block[:, rows, columns] + block[:, columns, rows]
        both[a == b] *= 0.5
        yield (np.full(len(a), number), visits[a], visits[b]), both
