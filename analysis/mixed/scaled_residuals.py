"""Residuals beyond y - X beta: given the random effects, and scaled to independence. Nothing here changes a fit."""

from typing import TYPE_CHECKING

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.diagnostics import residuals
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.random.spec import component

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit


def residuals_of_kind(fit: "MMRMFit", kind: str) -> Array:
    """(N,) in the outcome's units; scaled ones in standard deviations."""
    if kind not in KINDS:
        raise BadDataError(f"kind={kind!r} is unknown: choose from {', '.join(KINDS)}")
    return KINDS[kind](fit)


def _marginal(fit: "MMRMFit") -> Array:
    return residuals(fit.fitted)


def _conditional(fit: "MMRMFit") -> Array:
    """Y - X beta - Z b, b the predictions of all random effects."""
    left = residuals(fit.fitted).copy()
    table = fit.blups().set_index(["component", "level", "coefficient"])["estimate"]
    for one in fit.model.data.components:
        own = component(one.term, fit.model.frame)
        for number, name in enumerate(own.block.coefficients):
            keys = [(one.term.key, level, name) for level in own.levels]
            left -= table.reindex(keys).to_numpy()[own.level] * own.z[:, number]
    return left


def _scaled(fit: "MMRMFit") -> Array:
    """L⁻¹ (y - X beta) by participant, L the Cholesky factor of the marginal covariance  [MMRM-28]."""
    rows, state = fit.fitted.rows_needed_for("scaled residuals"), fit.fitted.optimum.state
    if rows.turned is not None or fit.fitted.likelihood.grams.width > state.rank + 1:
        raise MeaninglessRequestError(
            "scaled residuals are by independent participants, but random effects they share make them dependent:"
            " use kind='conditional'"
        )
    found = np.zeros(len(rows.subject))
    for pattern in rows.patterns:
        sigma = state.residual.covariance.value[pattern.kind][np.ix_(pattern.visits, pattern.visits)]
        left = rows.of(pattern) @ state.direction
        found[pattern.rows] = np.linalg.solve(np.linalg.cholesky(sigma), left.T).T
    return found


KINDS = {"marginal": _marginal, "conditional": _conditional, "scaled": _scaled}
