"""Best linear unbiased predictions of random effects, with their prediction standard errors  [RE-13]."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array
from analysis.mixed.gram import Pattern
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.random.block import Block
from analysis.mixed.random.henderson import MixedState
from analysis.mixed.random.spec import Component

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit


def predicted_effects(fit: "MMRMFit") -> pd.DataFrame:
    """All random effects of a fit: those of participants first."""
    components, subject = fit.model.data.components, fit.model.data.absorbed or fit.model.data.subject
    shared = shared_effects(fit.fitted, [one for one in components if one.term.key != subject])
    own = [one for one in components if one.term.key == subject]
    placed = fit.fitted.likelihood.covariance.placed_blocks()
    frames = [
        own_effects(fit.fitted, block, component, where)
        for (block, where), component in zip(placed, own, strict=True)
    ]
    return pd.concat([one for one in (*frames, shared) if len(one)] or [shared], ignore_index=True)


def shared_effects(fitted: Fitted, components: list[Component]) -> pd.DataFrame:
    """Of levels participants share: component, level, coefficient, estimate, se."""
    state = fitted.optimum.state
    if not isinstance(state, MixedState):
        return _table([], np.zeros(0), np.zeros(0))
    crossed = fitted.likelihood.crossed  # type: ignore[attr-defined]
    root = crossed.root(state.theta[-crossed.n_parameters :])
    G, F, H = root @ root.T, state.absorbed.F, state.absorbed.H
    estimate = G @ F @ state.direction * fitted.unit
    own = G @ F[:, :-1]
    variance = np.diag(G - G @ H @ G + own @ fitted.phi @ own.T) * fitted.unit**2
    labels = [
        (one.term.key, level, coefficient)
        for one in components
        for level in one.levels
        for coefficient in one.block.coefficients
    ]
    return _table(labels, estimate, variance)


def own_effects(fitted: Fitted, block: Block, component: Component, position: slice) -> pd.DataFrame:
    """Of the participants themselves, in the order of the component's levels."""
    rows = fitted.rows_needed_for("BLUPs of participants")
    G0 = block.matrix(fitted.optimum.state.theta[position])
    found: dict[int, tuple[Array, Array]] = {}
    for pattern in rows.patterns:
        estimates, variances = _of_pattern(fitted, G0, rows.of(pattern), component.z[pattern.rows], pattern)
        levels = component.level[pattern.rows[:, 0]]
        found |= {int(n): (b, v) for n, b, v in zip(levels, estimates, variances, strict=True)}
    acting = [number for number in range(len(component.levels)) if number in found]
    labels = [(component.term.key, component.levels[n], name) for n in acting for name in block.coefficients]
    estimate = np.concatenate([found[n][0] for n in acting]) * fitted.unit
    variance = np.concatenate([np.diag(found[n][1]) for n in acting]) * fitted.unit**2
    return _table(labels, estimate, variance)


def _of_pattern(fitted: Fitted, G0: Array, columns: Array, z: Array, pattern: Pattern) -> tuple[Array, Array]:
    """Estimates (n, k) and prediction variances (n, k, k): V⁻¹ reaches through the shared effects."""
    state = fitted.optimum.state
    sigma = state.residual.covariance.value[pattern.kind][np.ix_(pattern.visits, pattern.visits)]
    gain = G0 @ np.linalg.solve(sigma, z).swapaxes(1, 2)
    inside = gain @ z @ G0
    if isinstance(state, MixedState):
        shared = gain @ columns[..., state.rank : -1]
        inside = inside - shared @ state.absorbed.K @ shared.swapaxes(1, 2)
        columns = columns @ state.absorbed.turn
    estimates = np.einsum("nkm,nm->nk", gain, columns @ state.direction)
    through = gain @ columns[..., : state.rank]
    return estimates, G0 - inside + through @ fitted.phi @ through.swapaxes(1, 2)


def _table(labels: list[tuple[str, str, str]], estimate: Array, variance: Array) -> pd.DataFrame:
    frame = pd.DataFrame(labels, columns=["component", "level", "coefficient"])
    return frame.assign(estimate=estimate, se=np.sqrt(np.maximum(variance, 0.0)))
