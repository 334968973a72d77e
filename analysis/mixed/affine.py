"""Centre and scale the numbers in a design without changing what it spans: X = X* B, exactly  [MMRM-5].

Only where the design holds, for each product of a shifted number, the products without it, is the number centred;
elsewhere it is scaled alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.design import Coding

MOST_CELLS = 5_000  # combinations of levels that are looked at for a combination of columns
SPANNED = 1e-10
Inner = dict[tuple[int, frozenset[str]], Array]  # column, numbers taken out -> the rest from other columns


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Numbers x = centre + scale x*, and what that does to the columns of a design."""

    centre: Mapping[str, float]
    scale: Mapping[str, float]
    inner: Inner
    codings: tuple[Coding, ...]

    def columns(self) -> Array:
        """B (p, p) with X = X* B."""
        return self._expanded(self.centre, self.scale)

    def inverse(self) -> Array:
        """B⁻¹, by the inverse change of the numbers rather than of the matrix."""
        scale = {name: 1.0 / value for name, value in self.scale.items()}
        return self._expanded({name: -value * scale[name] for name, value in self.centre.items()}, scale)

    def _expanded(self, centre: Mapping[str, float], scale: Mapping[str, float]) -> Array:
        matrix = np.zeros((len(self.codings), len(self.codings)))
        for number, coding in enumerate(self.codings):
            matrix[number, number] = np.prod([scale[name] for name in coding.numeric])
        for (number, out), rest in self.inner.items():
            left = self.codings[number].numeric - out
            factor = np.prod([centre[name] for name in out]) * np.prod([scale[name] for name in left])
            matrix[:, number] += factor * rest
        return matrix


def affine(codings: tuple[Coding, ...], centre: Mapping[str, float], scale: Mapping[str, float]) -> Affine:
    """Centre every number that can be, scale all."""
    allowed = frozenset(name for coding in codings for name in coding.numeric)
    while True:
        inner, failed = _inner(codings, allowed)
        if not failed:
            break
        allowed -= failed
    kept = {name: value if name in allowed else 0.0 for name, value in centre.items()}
    return Affine(kept, scale, inner, codings)


def _inner(codings: tuple[Coding, ...], allowed: frozenset[str]) -> tuple[Inner, frozenset[str]]:
    found: Inner = {}
    for number, coding in enumerate(codings):
        for out in _subsets(coding.numeric & allowed):
            rest = combination(codings, Coding(coding.numeric - out, coding.levels))
            if rest is None:
                return {}, out
            found[number, out] = rest
    return found, frozenset()


def _subsets(names: frozenset[str]) -> Iterator[frozenset[str]]:
    ordered = sorted(names)
    every = chain.from_iterable(combinations(ordered, size) for size in range(1, len(ordered) + 1))
    return map(frozenset, every)


def combination(codings: Sequence[Coding], wanted: Coding) -> Array | None:
    """Weights (p,) with which the design's columns make another column; None where they cannot."""
    weights = np.zeros(len(codings))
    like = [number for number, coding in enumerate(codings) if coding.numeric == wanted.numeric]
    for number in like:
        if _same(codings[number], wanted):
            weights[number] = 1.0
            return weights
    sizes = {n: len(v) for one in [wanted, *(codings[i] for i in like)] for n, v in one.levels.items()}
    if not like or np.prod(list(sizes.values()), dtype=float) > MOST_CELLS:
        return None
    columns = np.column_stack([_over_cells(codings[number], sizes) for number in like])
    target = _over_cells(wanted, sizes)
    solution = np.linalg.lstsq(columns, target, rcond=None)[0]
    if np.abs(columns @ solution - target).max() > SPANNED:
        return None
    near = np.round(solution)
    weights[like] = np.where(np.abs(solution - near) < SPANNED, near, solution)
    return weights


def _same(one: Coding, other: Coding) -> bool:
    return one.levels.keys() == other.levels.keys() and all(
        np.array_equal(values, other.levels[name]) for name, values in one.levels.items()
    )


def _over_cells(coding: Coding, sizes: Mapping[str, int]) -> Array:
    cells = np.array(list(product(*(range(size) for size in sizes.values()))), dtype=np.intp)
    values = np.ones(len(cells))
    for number, name in enumerate(sizes):
        if name in coding.levels:
            values *= coding.levels[name][cells[:, number]]
    return values
