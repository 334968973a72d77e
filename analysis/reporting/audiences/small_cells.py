"""Which counts must be hidden so that no small one can be had from the others. Not here: which counts add up (counted).

Primary suppression hides each count from 1 to t - 1. Secondary (complementary) suppression hides others until an
intruder who knows every published number, every relation between the counts, and what the signs in place of the
hidden ones say, can narrow no small count further. What such an intruder can find is the solution of an integer
programme, so that it is asked of one: Fischetti and Salazar-González, Management Science 47 (2001) 1008-1027.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_contracts.errors import ContractError, Problem

Sign = Literal["small", "large", "withheld", "unseen"]  # 1 to t - 1; t or more; 1 or more; no table has it
Signs = dict[str, Sign]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known of counts before any is published: weights times counts is 0, or at most 0."""

    weights: Mapping[str, int]
    is_sum: bool = True  # else at most 0

    def holds(self, counts: Mapping[str, int]) -> bool:
        """Whether it is true of these counts."""
        found = sum(weight * counts[name] for name, weight in self.weights.items())
        return found == 0 if self.is_sum else found <= 0


def adds_up(whole: str, parts: Iterable[str]) -> Relation:
    """Return that the parts are the whole; a part that is named twice counts twice."""
    weights = {whole: -1}
    for part in parts:
        weights[part] = weights.get(part, 0) + 1
    return Relation(weights)


def at_most(less: str, more: Iterable[str]) -> Relation:
    """Return that a count is not above the sum of others."""
    return Relation({less: 1, **dict.fromkeys(more, -1)}, is_sum=False)


def protect(  # noqa: PLR0913, PLR0917 - what is published and what is not
    counts: Mapping[str, int],
    relations: Iterable[Relation],
    threshold: int,
    fixed: Collection[str] = (),
    spared: Collection[str] = (),
    unseen: Collection[str] = (),
) -> Signs:
    """Return the counts to hide, and the sign each is shown by.

    Args:
        counts: By name; 0 and numbers from the threshold on may be published.
        relations: What an intruder may know; one that doesn't hold of the counts is passed over.
        threshold: Counts from 1 to one less are small; 0 and 1 hide nothing.
        fixed: Counts that are published whatever they are.
        spared: Counts that are hidden for the sake of others only where hiding no other helps.
        unseen: Counts that no table has a place for, and that must not follow from those that one has.

    Returns:
        Signs such that the range of each count shown as small, and of each small one that is unseen, given all that
        is published, holds 1 to threshold - 1; and that of each small count shown as withheld reaches to the
        threshold at least.
    """
    small = {name for name, n in counts.items() if 1 <= n < threshold} - set(fixed)
    signs: Signs = {**dict.fromkeys(sorted(small), "small"), **dict.fromkeys(unseen, "unseen")}
    known = [relation for relation in relations if relation.holds(counts)]
    safe = set[frozenset[tuple[str, Sign]]]()
    while True:
        unsafe = [part for part in _parts(signs, known) if frozenset((n, signs[n]) for n in part) not in safe]
        if not unsafe:
            return signs
        for part in unsafe:
            exposed = _first_exposed(part, counts, signs, known, threshold)
            if exposed is None:
                safe.add(frozenset((n, signs[n]) for n in part))
            else:
                signs |= _one_more(exposed, part, counts, signs, known, fixed, spared)


def is_kept(
    counts: Mapping[str, int], relations: Sequence[Relation], threshold: int, signs: Mapping[str, Sign]
) -> bool:
    """Return whether these signs keep what `protect` promises."""
    parts = _parts(signs, relations)
    return all(_first_exposed(part, counts, signs, relations, threshold) is None for part in parts)


def floors(
    names: Collection[str],
    counts: Mapping[str, int],
    relations: Sequence[Relation],
    threshold: int,
    signs: Mapping[str, Sign],
) -> dict[str, int]:
    """Return the least that each of these counts can be for all that anybody may know."""
    known = {name: counts[name] for name in names if name not in signs}
    for part in _parts(signs, relations):
        if hidden := set(names).intersection(part):
            programme = _Programme(part, counts, signs, relations, threshold)
            known |= {name: int(programme.range_of(name)[0]) for name in sorted(hidden)}
    return known


def _parts(signs: Mapping[str, Sign], relations: Iterable[Relation]) -> list[tuple[str, ...]]:
    """Return the hidden counts in groups that no relation joins."""
    group = {name: {name} for name in signs}
    for relation in relations:
        hidden = [name for name in relation.weights if name in signs]
        joined = set[str]().union(*(group[name] for name in hidden))
        group |= dict.fromkeys(joined, joined)
    return list(dict.fromkeys(tuple(sorted(names)) for names in group.values()))


def _first_exposed(
    part: tuple[str, ...],
    counts: Mapping[str, int],
    signs: Mapping[str, Sign],
    relations: Sequence[Relation],
    threshold: int,
) -> str | None:
    programme = _Programme(part, counts, signs, relations, threshold)
    for name in part:
        if not 1 <= counts[name] < threshold:
            continue
        low, high = programme.range_of(name)
        if not (high >= threshold if signs[name] == "withheld" else low <= 1 and high >= threshold - 1):
            return name
    return None


def _one_more(  # noqa: PLR0913, PLR0917 - the whole state of the search
    exposed: str,
    part: tuple[str, ...],
    counts: Mapping[str, int],
    signs: Mapping[str, Sign],
    relations: Sequence[Relation],
    fixed: Collection[str],
    spared: Collection[str],
) -> Signs:
    """Return the count to hide next: the smallest beside the exposed one, else beside its group.

    Where all beside it are hidden already it is their signs that tell: the largest count's says nothing then.

    Raises:
        ContractError: the fixed counts alone tell a small one.
    """
    beside = {n for r in relations if not r.weights.keys().isdisjoint(part) for n in r.weights}
    published = {n for n in beside if n not in signs and counts[n] > 0 and n not in fixed}
    nearest = {n for r in relations if exposed in r.weights for n in r.weights}
    cheap = published - set(spared)
    for free in (cheap & nearest, cheap, published & nearest, published):
        if free:
            return {min(free, key=lambda n: (counts[n], n)): "large"}
    telling = [n for n in part if signs[n] not in {"withheld", "unseen"}]
    if not telling:
        problem = Problem("small counts", "one that follows from counts that are always published", "none")
        raise ContractError("A small count can't be hidden; the open report was not made.", [problem])
    return {max(telling, key=lambda n: (counts[n], n)): "withheld"}


class _Programme:
    """The integer programme of one group of hidden counts: all else is known."""

    def __init__(
        self,
        part: tuple[str, ...],
        counts: Mapping[str, int],
        signs: Mapping[str, Sign],
        relations: Sequence[Relation],
        threshold: int,
    ) -> None:
        self.part = part
        self.rows = list(_rows(part, counts, relations))
        most = sum(counts.values()) + threshold * len(part)  # beyond what any count can be
        limits = {
            "small": (1, threshold - 1), "large": (threshold, most), "withheld": (1, most), "unseen": (0, most),
        }  # fmt: skip
        self.low, self.high = np.array([limits[signs[name]] for name in part], dtype=float).T

    def range_of(self, name: str) -> Range:
        """Return the least and the greatest value of a count."""
        at = self.part.index(name)
        if not self.rows:
            return float(self.low[at]), float(self.high[at])
        return self._end(at, 1), self._end(at, -1)

    def _end(self, at: int, direction: int) -> float:
        from scipy.optimize import Bounds, LinearConstraint, milp

        weights, low, high = (np.array(column, dtype=float) for column in zip(*self.rows, strict=True))
        aim = np.zeros(len(self.part))
        aim[at] = direction
        found = milp(
            aim,
            constraints=LinearConstraint(weights, low, high),
            bounds=Bounds(self.low, self.high),
            integrality=np.ones(len(self.part)),
        )
        return float(np.round(found.x[at]))


def _rows(
    part: tuple[str, ...], counts: Mapping[str, int], relations: Sequence[Relation]
) -> Iterator[tuple[list[int], float, float]]:
    """Yield weights of the hidden counts with the limits of their sum, once the known ones are taken over."""
    for relation in relations:
        if relation.weights.keys().isdisjoint(part):
            continue
        known = sum(w * counts[name] for name, w in relation.weights.items() if name not in part)
        row = [relation.weights.get(name, 0) for name in part]
        yield row, (-known if relation.is_sum else -np.inf), -known
