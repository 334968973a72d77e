"""Sandwich covariances, robust to a wrong covariance structure: CR0, and CR2 and CR3 corrected for small samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.errors import MeaninglessRequestError
from analysis.mixed.gram import Pattern
from analysis.mixed.inference.fitted import Fitted
from analysis.mixed.inference.method import FTest
from analysis.mixed.inference.quadratic import combined_df, independent_rows, wald

Adjustment = Callable[[Array], Array]  # hat matrices (n, m, m) -> what whitened residuals are multiplied by


def _unadjusted(hat: Array) -> Array:
    return np.broadcast_to(np.eye(hat.shape[-1]), hat.shape)


def _bias_reduced(hat: Array) -> Array:
    values, vectors = np.linalg.eigh(np.eye(hat.shape[-1]) - hat)
    with np.errstate(divide="ignore"):
        roots = np.where(values > 1e-10, 1.0 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
    adjusted: Array = (vectors * roots[:, None, :]) @ vectors.swapaxes(-1, -2)
    return adjusted


def _jackknife(hat: Array) -> Array:
    return np.asarray(np.linalg.pinv(np.eye(hat.shape[-1]) - hat, hermitian=True), dtype=float)


ADJUSTMENTS: dict[str, Adjustment] = {"CR0": _unadjusted, "CR2": _bias_reduced, "CR3": _jackknife}


@dataclass(frozen=True, slots=True, eq=False)
class Sandwich:
    """Phi (sum_i s_i s_i') Phi with adjusted scores s_i  [MMRM-18]; df of Bell and McCaffrey  [MMRM-19]."""

    fitted: Fitted
    covariance: Array  # (p, p)
    weighted: list[Array]  # per pattern (n, m, p): A_i W x_i, so that s_i = weighted' W r_i
    design: list[Array]  # per pattern (n, m, p): W x_i

    def df(self, rows: Array) -> Array:
        """Each contrast's own."""
        return self._bell_mccaffrey(self.fitted.turned(rows))

    def f_test(self, rows: Array) -> FTest:
        """Uncorrelated contrasts, their df combined."""
        turned = self.fitted.turned(rows)
        single = self._bell_mccaffrey(independent_rows(turned, self.covariance))
        return FTest(wald(self.fitted, self.covariance, rows), len(turned), combined_df(single))

    def _bell_mccaffrey(self, turned: Array) -> Array:
        return np.array([self._one_df(self.fitted.phi @ row) for row in turned])

    def _one_df(self, phi_row: Array) -> float:
        """tr(Psi)² / tr(Psi²), Psi the covariance of the participants' terms under the model  [MMRM-19]."""
        own, leverage = [], []
        for weighted, design in zip(self.weighted, self.design, strict=True):
            a = weighted @ phi_row
            own.append((a * a).sum(1))
            leverage.append(np.einsum("nm,nmp->np", a, design))
        d, b = np.concatenate(own), np.concatenate(leverage)
        phi = self.fitted.phi
        shared = np.einsum("np,pr,nr->n", b, phi, b)
        cross = phi @ (b.T @ b)
        squares = float((d * d).sum() - 2.0 * (d * shared).sum() + np.trace(cross @ cross))
        return float((d.sum() - shared.sum()) ** 2) / squares


def sandwich(fitted: Fitted, kind: str) -> Sandwich:
    """The sandwich of this kind at the fitted model."""
    rows = fitted.rows_needed_for(f"robust='{kind}'")
    if rows.turned is not None or fitted.likelihood.grams.width > fitted.optimum.state.rank + 1:
        raise MeaninglessRequestError(
            f"robust='{kind}' takes participants as independent, but random effects that participants share make them"
            " dependent: leave random= or robust= out"
        )
    state = fitted.optimum.state
    p = state.rank
    meat = np.zeros((p, p))
    all_weighted, all_design = [], []
    for pattern in rows.patterns:
        whitened = _whitener(fitted, pattern) @ rows.of(pattern)
        design, residuals = whitened[..., :p], whitened @ state.direction
        hat = design @ state.phi @ design.swapaxes(-1, -2)
        weighted = ADJUSTMENTS[kind](hat) @ design
        scores = np.einsum("nmp,nm->np", weighted, residuals)
        meat += scores.T @ scores
        all_weighted.append(weighted)
        all_design.append(design)
    return Sandwich(fitted, state.phi @ meat @ state.phi, all_weighted, all_design)


def _whitener(fitted: Fitted, pattern: Pattern) -> Array:
    sigma = fitted.optimum.state.residual.covariance.value[pattern.kind]
    return np.linalg.inv(np.linalg.cholesky(sigma[np.ix_(pattern.visits, pattern.visits)]))
