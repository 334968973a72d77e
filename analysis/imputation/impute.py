"""Impute: the assumed distribution of each participant, conditioned on what was observed. Not here: parameters.

Participants with the same missing visits, event and strategy are one matrix product.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.imputation.base_model import BaseModel, Parameters
from analysis.imputation.batched_likelihood import cholesky
from analysis.imputation.completed import Completed
from analysis.imputation.strategies import STRATEGIES, Normal
from analysis.mixed.arrays import Array, Codes, Mask

REPLACES_THE_PAST = ("cr",)  # strategies whose distribution before the event is not the own arm's


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Participants who miss the same visits under the same assumption."""

    members: Codes  # (k,)
    missing: Mask  # (T,)
    is_mar: Mask  # (T,)
    strategy: str
    kind: int
    reference_kind: int


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """Missing outcomes given the observed ones, for participants who are alike."""

    members: Codes  # (k,)
    visits: Codes  # (m,) missing
    mean: Array  # (B, k, m)
    covariance: Array  # (B, m, m)


def alike(base: BaseModel) -> list[Alike]:
    """The participants with a missing outcome, grouped; the strategy counts where it is used."""
    missing, is_mar = base.outcomes.is_missing, base.events.is_mar
    groups: dict[tuple[bytes, bytes, str, int, int], list[int]] = {}
    for number in np.flatnonzero(missing.any(1)):
        name = "mar" if is_mar[number].all() else base.events.strategies[number]
        kinds = int(base.kind[number]), int(base.reference_kind[number])
        groups.setdefault((missing[number].tobytes(), is_mar[number].tobytes(), name, *kinds), []).append(
            int(number)
        )
    return [
        Alike(np.array(members), missing[members[0]], is_mar[members[0]], name, kind, reference_kind)
        for (_, _, name, kind, reference_kind), members in groups.items()
    ]


def conditionals(base: BaseModel, parameters: Parameters) -> Iterator[Conditional]:
    """The distribution of every missing outcome under each set of parameters  [RBI-3], [RBI-10]."""
    for group in alike(base):
        own, assumed = _assumed(base, parameters, group)
        y = base.outcomes.y[group.members]
        has_gaps = bool((group.missing & group.is_mar).any())
        if group.strategy in REPLACES_THE_PAST and has_gaps:
            yield _gaps_first(own, assumed, group, y)
        else:
            yield _given_observed(assumed, group, y)


def _assumed(base: BaseModel, parameters: Parameters, group: Alike) -> tuple[Normal, Normal]:
    """Own distribution over all visits, and the one the strategy makes of own and reference: means (B, k, T)."""
    own_covariance = parameters.covariance[:, group.kind]
    same = group.kind == group.reference_kind
    reference_covariance = own_covariance if same else parameters.covariance[:, group.reference_kind]
    own = Normal(_means(base.own, base.own_offset, parameters, group.members), own_covariance)
    if group.strategy == "mar":
        return own, own
    means = _means(base.reference, base.reference_offset, parameters, group.members)
    return own, STRATEGIES[group.strategy](own, Normal(means, reference_covariance), group.is_mar)


def _means(rows: Array, offset: Array, parameters: Parameters, members: Codes) -> Array:
    X = rows[members]
    flat = parameters.b @ X.reshape(-1, X.shape[-1]).T
    return flat.reshape(len(parameters), *X.shape[:2]) + offset[members]


def _given_observed(assumed: Normal, group: Alike, y: Array) -> Conditional:
    gone, seen = np.flatnonzero(group.missing), np.flatnonzero(~group.missing)
    slope, left = _regression(assumed.covariance, gone, seen)
    residual = y[:, seen] - assumed.mean[..., seen]
    return Conditional(group.members, gone, assumed.mean[..., gone] + residual @ _turned(slope), left)


def _gaps_first(own: Normal, assumed: Normal, group: Alike, y: Array) -> Conditional:
    """Gaps before the event from the own arm, given what was seen before it; then they count as seen  [RBI-11]."""
    gaps, later = np.flatnonzero(group.missing & group.is_mar), np.flatnonzero(group.missing & ~group.is_mar)
    before, seen = np.flatnonzero(~group.missing & group.is_mar), np.flatnonzero(~group.missing)
    slope, gap_covariance = _regression(own.covariance, gaps, before)
    gap_mean = own.mean[..., gaps] + (y[:, before] - own.mean[..., before]) @ _turned(slope)
    slope, left = _regression(assumed.covariance, later, np.concatenate([seen, gaps]))
    of_seen, of_gaps = slope[..., : len(seen)], slope[..., len(seen) :]
    later_mean = (
        assumed.mean[..., later]
        + (y[:, seen] - assumed.mean[..., seen]) @ _turned(of_seen)
        + (gap_mean - assumed.mean[..., gaps]) @ _turned(of_gaps)
    )
    across = of_gaps @ gap_covariance
    covariance = np.block(
        [[gap_covariance, _turned(across)], [across, left + across @ _turned(of_gaps)]],
    )
    mean = np.concatenate([gap_mean, later_mean], axis=-1)
    return Conditional(group.members, np.concatenate([gaps, later]), mean, covariance)


def _regression(covariance: Array, gone: Codes, seen: Codes) -> tuple[Array, Array]:
    """Slopes (B, m, o) of visits on others, and the covariance (B, m, m) they leave."""
    across = covariance[..., gone[:, None], seen]
    solved = np.linalg.solve(covariance[..., seen[:, None], seen], _turned(across))
    slope: Array = np.asarray(solved, dtype=float).swapaxes(-1, -2)
    return slope, covariance[..., gone[:, None], gone] - slope @ _turned(across)


def _turned(matrices: Array) -> Array:
    return matrices.swapaxes(-1, -2)


def conditional_means(base: BaseModel, parameters: Parameters) -> Completed:
    """Every missing outcome at its expected value: a set per set of parameters."""
    return _completed(base, parameters, None)


def draws(base: BaseModel, parameters: Parameters, noise: Array) -> Completed:
    """Every missing outcome drawn from its distribution, from standard normal noise (B, c), cells row by row."""
    return _completed(base, parameters, noise)


def n_missing(base: BaseModel) -> int:
    """Cells to impute, c."""
    return int(base.outcomes.is_missing.sum())


def _completed(base: BaseModel, parameters: Parameters, noise: Array | None) -> Completed:
    missing = base.outcomes.is_missing
    rows, visits = np.nonzero(missing)
    place = np.full(missing.shape, -1, dtype=np.intp)
    place[rows, visits] = np.arange(len(rows))
    values = np.empty((len(parameters), len(rows)))
    for one in conditionals(base, parameters):
        at = place[one.members[:, None], one.visits]
        drawn = one.mean
        if noise is not None:
            drawn = drawn + noise[:, at] @ cholesky(one.covariance).swapaxes(-1, -2)
        values[:, at] = drawn
    return Completed(base.outcomes, rows, visits, values)
