"""Weights of participants for resampling: leave units out, or draw them again. Not here: fitting, pooling.

A unit is a cluster (a therapist, a site), or a participant who is in none.
"""

import numpy as np

from analysis.imputation.outcomes import Outcomes
from analysis.mixed.arrays import Array, Codes


def leave_out_weights(outcomes: Outcomes) -> Array:
    """Zero for the members of each unit in turn, else one: (units, n)."""
    units = outcomes.units
    weights: Array = (np.arange(units.max() + 1)[:, None] != units).astype(float)
    return weights


def bootstrap_weights(outcomes: Outcomes, rng: np.random.Generator) -> Array:
    """How often each participant is drawn, units drawn with replacement within strata: (n,)."""
    times = np.zeros(int(outcomes.units.max()) + 1)
    for members in strata(outcomes):
        drawn = rng.integers(0, len(members), len(members))
        times[members] = np.bincount(drawn, minlength=len(members))
    return times[outcomes.units]


def strata(outcomes: Outcomes) -> list[Codes]:
    """Units by arm, arms that share a unit together; strata in the order of their first participant.

    A therapist of one arm is drawn among that arm's; where sites have all arms, sites are drawn among all.
    """
    member = np.zeros((int(outcomes.units.max()) + 1, len(outcomes.arms)), dtype=bool)
    member[outcomes.units, outcomes.arm] = True
    together = member.T @ member
    for _ in outcomes.arms:  # arms that are linked through others too
        together = together @ together
    label = np.argmax(together, axis=1)[np.argmax(member, axis=1)]
    found, first = np.unique(label, return_index=True)
    return [np.flatnonzero(label == one) for one in found[np.argsort(first)]]
