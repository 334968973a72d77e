"""Random effects of the participants themselves: no columns, but a part of their own covariance over visits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.covariance.covariance import ParticipantEffects
from analysis.mixed.gram import RowCodes
from analysis.mixed.random.spec import Component


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Participants by kind, and what those of a kind share."""

    codes: RowCodes
    group_of_kind: Codes
    effects: ParticipantEffects | None
    times: Array | None  # (K, T, c + 1) at each visit; the last column is 1 where there is a time


def with_participant_effects(
    components: Sequence[Component], codes: RowCodes, times: Array | None = None
) -> Kinds:
    """Rows coded by kind instead of covariance group, each kind's group, and the effects' designs by kind  [RE-1].

    Participants are of one kind when they share the group, and the coefficients' values and the times at every
    visit. Where these depend on the visit alone there is one kind per group; with times of one's own, one per
    participant.
    """
    if not components and times is None:
        return Kinds(codes, np.arange(codes.n_kinds), None, None)
    timed = [] if times is None else [times, np.ones((len(times), 1))]
    z = np.concatenate([*(component.z for component in components), *timed], axis=1)
    group_of_subject = np.zeros(codes.n_subjects, dtype=np.intp)
    group_of_subject[codes.subject] = codes.kind
    plans, kind_of_subject = _by_visit(z, codes), group_of_subject
    if plans is None:
        plans, kind_of_subject = _by_participant(z, codes, group_of_subject)
    group_of_kind = np.arange(len(plans))
    group_of_kind[kind_of_subject] = group_of_subject
    *own, timing = np.split(plans, _edges(components), axis=2)
    effects = ParticipantEffects([one.block for one in components], own) if components else None
    coded = replace(codes, kind=kind_of_subject[codes.subject], n_kinds=len(plans))
    return Kinds(coded, group_of_kind, effects, None if times is None else timing)


def _edges(components: Sequence[Component]) -> Codes:
    """Where each component's coefficients end."""
    return np.cumsum([component.block.size for component in components]).astype(np.intp)


def _by_visit(z: Array, codes: RowCodes) -> Array | None:
    """(groups, T, k) where the coefficients depend on group and visit alone; else None."""
    plans = np.zeros((codes.n_kinds, codes.n_visits, z.shape[1]))
    plans[codes.kind, codes.visit] = z
    return plans if np.array_equal(plans[codes.kind, codes.visit], z) else None


def _by_participant(z: Array, codes: RowCodes, group_of_subject: Codes) -> tuple[Array, Codes]:
    own = np.zeros((codes.n_subjects, codes.n_visits, z.shape[1]))
    own[codes.subject, codes.visit] = z
    flat = np.column_stack([group_of_subject, own.reshape(codes.n_subjects, -1)])
    _, first, kind = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    return own[first], kind.reshape(-1).astype(np.intp)
