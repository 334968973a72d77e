"""Random effects of the participants themselves: no columns, but a part of their own covariance over visits."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.covariance.covariance import ParticipantEffects
from analysis.mixed.gram import RowCodes
from analysis.mixed.random.spec import Component


def with_participant_effects(
    components: Sequence[Component], codes: RowCodes
) -> tuple[RowCodes, Codes, ParticipantEffects | None]:
    """Rows coded by kind instead of covariance group, each kind's group, and the effects' designs by kind  [RE-1].

    Participants are of one kind when they share the group and the values of the coefficients at every visit. Where
    values depend on the visit alone there is one kind per group; with times of one's own, one per participant.
    """
    if not components:
        return codes, np.arange(codes.n_kinds), None
    z = np.concatenate([component.z for component in components], axis=1)
    group_of_subject = np.zeros(codes.n_subjects, dtype=np.intp)
    group_of_subject[codes.subject] = codes.kind
    plans, kind_of_subject = _by_visit(z, codes), group_of_subject
    if plans is None:
        plans, kind_of_subject = _by_participant(z, codes, group_of_subject)
    group_of_kind = np.arange(len(plans))
    group_of_kind[kind_of_subject] = group_of_subject
    edges = np.cumsum([component.block.size for component in components])[:-1]
    effects = ParticipantEffects([one.block for one in components], np.split(plans, edges, axis=2))
    return replace(codes, kind=kind_of_subject[codes.subject], n_kinds=len(plans)), group_of_kind, effects


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
