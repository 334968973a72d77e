"""The largest random factor absorbed: its levels' rows turned, so that only the first of each depend on it  [RE-14]."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.covariance.covariance import ParticipantEffects
from analysis.mixed.gram import GramSum, Pattern, RowCodes, sum_grams
from analysis.mixed.random.spec import Component

DIGITS = 12  # to which two levels' turned coefficients must agree to be of one kind


@dataclass(frozen=True, slots=True, eq=False)
class Absorbed:
    """The turned rows, and how the levels' covariance reads in them."""

    total: GramSum
    columns: Array  # (M, w) rows that depend on the factor, at most k for each level
    patterns: list[Pattern]
    component: Component  # by turned rows
    group_of_kind: Codes
    effects: ParticipantEffects


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Levels with equally many rows."""

    level: Codes  # (n,)
    group: Codes  # (n,)
    z: Array  # (n, j, k) upper triangular
    between: Array  # (n, j, w)
    within: Array  # (n, m, w) what the first rows leave over; of rank m - j


def absorbable(components: Sequence[Component], codes: RowCodes) -> Component | None:
    """The component with most columns, if its levels' residual variance is one and its key is asked for once."""
    keys = [one.term.key for one in components]
    found = [one for one in components if keys.count(one.term.key) == 1 and _one_group(one.level, codes.kind)]
    return max(found, key=lambda one: len(one.levels) * one.block.size, default=None)


def _one_group(level: Codes, group: Codes) -> bool:
    acts = level >= 0
    first = np.zeros(level.max() + 1, dtype=np.intp)
    first[level[acts]] = group[acts]
    return bool((first[level[acts]] == group[acts]).all())


def absorb(columns: Array, component: Component, roots: Array | None, codes: RowCodes) -> Absorbed:
    """Turn every level's rows by the orthogonal factor of its coefficients; the residuals stay independent.

    A level's variance of 1e8 residual variances then stands in rows of its own, and costs no digits.
    """
    z = component.z if roots is None else component.z * roots[:, None]
    parts = list(_parts(columns, z, component.level, codes.kind))
    depth = max(part.z.shape[1] for part in parts)
    kinds, plans = _kinds(parts, depth, codes.n_kinds)
    group_of_kind = np.arange(len(plans))
    group_of_kind[np.concatenate(kinds)] = np.concatenate([part.group for part in parts])
    patterns, turned_z, end = [], [], 0
    for part, kind in zip(parts, kinds, strict=True):
        n, j, _ = part.z.shape
        rows = end + np.arange(n * j).reshape(n, j)
        patterns += [Pattern(int(one), np.arange(j), rows[kind == one]) for one in np.unique(kind)]
        turned_z.append(part.z.reshape(n * j, -1))
        end += n * j
    turned = np.concatenate([part.between.reshape(-1, columns.shape[1]) for part in parts])
    level = np.concatenate([np.repeat(part.level, part.z.shape[1]) for part in parts])
    shape = depth, len(plans)
    total = sum_grams(turned, patterns, *shape) + _within(columns, component, codes.kind, parts, shape)
    return Absorbed(
        total,
        turned,
        patterns,
        replace(component, level=level, z=np.concatenate(turned_z)),
        group_of_kind,
        ParticipantEffects([component.block], [plans]),
    )


def _parts(columns: Array, z: Array, level: Codes, group: Codes) -> Iterator[_Part]:
    """By number of rows; a level's rows in order of their coefficients, so that equal plans turn alike."""
    order = np.lexsort((*z.T, level))
    order = order[level[order] >= 0]
    count = np.bincount(level[order])
    first = np.cumsum(count) - count
    for m in np.unique(count[count > 0]):
        own = np.flatnonzero(count == m)
        rows = order[first[own][:, None] + np.arange(m)]
        q, triangle = np.linalg.qr(z[rows])
        sign = np.where(np.diagonal(triangle, axis1=1, axis2=2) < 0, -1.0, 1.0)
        q = q * sign[:, None, :]
        between = q.swapaxes(1, 2) @ columns[rows]
        yield _Part(own, group[rows[:, 0]], triangle * sign[:, :, None], between, columns[rows] - q @ between)


def _kinds(parts: Sequence[_Part], depth: int, n_groups: int) -> tuple[list[Codes], Array]:
    """Each level's kind, and each kind's coefficients (K, depth, k); the first kinds are rows without any."""
    padded = np.concatenate(
        [np.pad(part.z, [(0, 0), (0, depth - part.z.shape[1]), (0, 0)]) for part in parts]
    )
    group = np.concatenate([part.group for part in parts])
    size = np.concatenate([np.full(len(part.z), part.z.shape[1]) for part in parts])
    rounded = np.round(padded / np.abs(padded).max(), DIGITS).reshape(len(padded), -1)
    _, first, kind = np.unique(
        np.column_stack([group, size, rounded]), axis=0, return_index=True, return_inverse=True
    )
    plans = np.concatenate([np.zeros((n_groups, *padded.shape[1:])), padded[first]])
    edges = np.cumsum([len(part.z) for part in parts])[:-1]
    return np.split(kind.reshape(-1).astype(np.intp) + n_groups, edges), plans


def _within(
    columns: Array, component: Component, group: Codes, parts: Sequence[_Part], shape: tuple[int, int]
) -> GramSum:
    """Rows free of the factor: what levels leave over, and where it does not act; by group, as single visits."""
    counts: dict[tuple[int, tuple[int, ...]], int] = {}
    sums: dict[tuple[int, tuple[int, ...]], Array] = {}
    for one in np.unique(group):
        outside = columns[(component.level < 0) & (group == one)]
        count, gram = len(outside), outside.T @ outside
        for part in parts:
            own = part.within[part.group == one]
            count += len(own) * (own.shape[1] - part.z.shape[1])
            if own.shape[1] > part.z.shape[1]:
                flat = own.reshape(-1, columns.shape[1])
                gram = gram + flat.T @ flat
        if count:
            counts[int(one), (0,)], sums[int(one), (0,)] = count, gram
    return GramSum(columns.shape[1], *shape, counts, sums)
