"""Likelihood of a linear mixed model by orthogonal transformations, and its maximum; NumPy and SciPy only.

Not here: statsmodels, units of the data (everything arrives scaled). The relative covariance of the random
effects, omega = cov_random / residual variance, is held as a factor: omega = L L'. Participant i has
V_i = I + Z_i omega Z_i' and

    [LL-1]  -2 l = nu (log 2 pi s2 + 1) + sum log|V_i| + [REML] log|X' V^-1 X|,    s2 = r' V^-1 r / nu

with nu = n - p (REML) or n (ML). Nothing is squared: the QR of [Z_i X_i y_i] splits each participant into q
rows that the random effects reach and rows they do not; the first are whitened by the root of I + R_i omega
R_i', and beta is a least-squares fit of all. A variance ratio of 1e10 costs no digits, and omega = 0 is
ordinary least squares. With W_i = V_i^-1 and C = (X' V^-1 X)^-1 the slope is

    [LL-2]  G = d(-2 l) / d omega = sum Z_i' (W_i - W_i r_i r_i' W_i / s2 - [REML] W_i X_i C X_i' W_i) Z_i

Among covariances, omega is a maximum when G has no negative direction and G omega = 0.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from analysis.estimators.random_effects_data import Array, Scaled, rows_by_size

STATIONARY = 1e-5  # largest change of -2 l per relative change of omega that passes for a maximum
NEGATIVE = 1e-6  # slope of -2 l per row, below zero, at which a direction out of the boundary is followed
NOT_IN_SPAN = 1e-9  # singular value, per root of rows, below which random effects do not reach a row
BOUNDARY_COST = 1e-10  # log-likelihood at most lost when a boundary matrix stands for an interior one
RATIOS = np.logspace(-8, 22, 61)  # variance ratios tried along a ray, half a decade apart
ROUNDS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """What the likelihood needs of the data, after rotations that leave it unchanged."""

    roots: Array  # (g, q, q) random design
    reached: Array  # (g, q, p + 1) rows of design and outcome the random effects reach
    unreached: Array  # (at most p + 1, p + 1) all other rows, triangular
    n: int
    reml: bool
    residual_df: int  # n - rank [X Z]
    residual_sd: float  # about the regression on X and Z, 0 without degrees of freedom


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The likelihood at one omega, beta and residual variance at their best for it."""

    factor: Array  # (q, k) omega = factor @ factor.T
    beta: Array  # (p,)
    root: Array  # (p, p) triangular: X' V^-1 X = root' root
    residual_variance: float
    log_likelihood: float
    gradient: Array  # (q, q) [LL-2]

    @property
    def cov_beta(self) -> Array:
        """Covariance of beta by generalised least squares, (p, p)."""
        inverse = linalg.solve_triangular(self.root, np.eye(self.beta.size))
        covariance: Array = self.residual_variance * inverse @ inverse.T
        return covariance

    @property
    def omega(self) -> Array:
        """Covariance of the random effects over the residual variance, (q, q)."""
        return self.factor @ self.factor.T


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """The best profile found, and whether it satisfies the conditions of a maximum."""

    profile: Profile
    verified: bool
    rank: int  # of omega; below q on the boundary


def reduce_groups(scaled: Scaled, *, reml: bool) -> Reduced:
    """Rotate each group so that only its first q rows meet the random effects."""
    n, q = scaled.random.shape
    whole = np.column_stack([scaled.random, scaled.design, scaled.outcome])
    blocks = [_rotate(whole[rows], q) for rows in rows_by_size(scaled.codes)]
    roots, reached, rest = (np.concatenate(part) for part in zip(*blocks, strict=True))
    free = np.linalg.norm(roots, axis=2) <= NOT_IN_SPAN * np.sqrt(n)
    within = np.concatenate([rest, reached[free]])
    df, sd = _residual(within, n - int((~free).sum()), n)
    return Reduced(roots, reached, _triangle(rest), n, reml, df, sd)


def _triangle(rows: Array) -> Array:
    """Return the R of a QR decomposition, of one matrix or a stack."""
    return np.asarray(np.linalg.qr(rows, mode="r"))


def _rotate(block: Array, q: int) -> tuple[Array, Array, Array]:
    """Split [Z X y] of groups of one size into roots, reached rows and unreached rows."""
    padded = np.pad(block, ((0, 0), (0, max(q - block.shape[1], 0)), (0, 0)))
    R = _triangle(padded)
    U, s, Vt = np.linalg.svd(R[:, :q, :q])
    return (
        s[:, :, None] * Vt,
        U.transpose(0, 2, 1) @ R[:, :q, q:],
        R[:, q:, q:].reshape(-1, block.shape[2] - q),
    )


def _residual(within: Array, rows: int, n: int) -> tuple[int, float]:
    """Return degrees of freedom and standard deviation of the outcome about the design, inside groups."""
    U, s, _ = np.linalg.svd(within[:, :-1], full_matrices=False)
    U = U[:, s > NOT_IN_SPAN * np.sqrt(n)]
    df = rows - U.shape[1]
    left = within[:, -1] - U @ (U.T @ within[:, -1])
    return df, float(np.linalg.norm(left)) / np.sqrt(df) if df > 0 else 0.0


def profile(reduced: Reduced, factor: Array) -> Profile:
    """Return the likelihood [LL-1] and its gradient [LL-2] at omega = factor factor'."""
    p = reduced.reached.shape[2] - 1
    nu = reduced.n - p if reduced.reml else reduced.n
    log_det, A, rows = _whiten(reduced, factor)
    R = _triangle(np.concatenate([rows.reshape(-1, p + 1), reduced.unreached]))
    inverse = linalg.solve_triangular(R[:p, :p], np.eye(p))
    beta = inverse @ R[:p, p]
    s2 = float(R[p, p]) ** 2 / nu
    log_det += 2 * float(np.log(np.abs(np.diag(R[:p, :p]))).sum()) if reduced.reml else 0.0
    reach = (rows[:, :, p] - rows[:, :, :p] @ beta)[:, :, None] / np.sqrt(s2)
    if reduced.reml:
        reach = np.concatenate([reach, rows[:, :, :p] @ inverse], axis=2)
    across = np.matmul(A.transpose(0, 2, 1), reach)
    gradient = np.einsum("gki,gkj->ij", A, A) - np.einsum("gik,gjk->ij", across, across)
    log_likelihood = -0.5 * (nu * (np.log(2 * np.pi * s2) + 1) + log_det)
    return Profile(factor, beta, R[:p, :p], s2, float(log_likelihood), gradient)


def _whiten(reduced: Reduced, factor: Array) -> tuple[float, Array, Array]:
    """Return sum log|V_i|, and roots and reached rows divided by the root of I + R_i omega R_i'."""
    scaled = reduced.roots @ factor
    if scaled.shape[1] == 1:
        root = np.sqrt(1 + (scaled**2).sum(axis=2, keepdims=True))
        return 2 * float(np.log(root).sum()), reduced.roots / root, reduced.reached / root
    identity = np.broadcast_to(np.eye(scaled.shape[1]), reduced.roots.shape)
    upper = _triangle(np.concatenate([scaled.transpose(0, 2, 1), identity], axis=1))
    lower = upper.transpose(0, 2, 1)
    log_det = 2 * float(np.log(np.abs(np.diagonal(upper, axis1=1, axis2=2))).sum())
    q = reduced.roots.shape[2]
    rows: Array = np.linalg.solve(lower, np.concatenate([reduced.roots, reduced.reached], axis=2))
    return log_det, rows[:, :, :q], rows[:, :, q:]


def maximise(reduced: Reduced, start: Array | None = None) -> Maximum:
    """Find the maximum over all covariances, leaving the boundary wherever the likelihood rises.

    From `start` (q, k) if given, otherwise from the best multiple of the identity over 30 decades.
    """
    q = reduced.roots.shape[1]
    best = profile(reduced, np.zeros((q, 1)) if start is None else _square(start))
    best = _along_ray(reduced, best, np.eye(q)) if start is None else best
    for _ in range(ROUNDS):
        best = best if _is_stationary(best) and q == 1 else _polish(reduced, best)
        further = _out_of_boundary(reduced, best)
        if further.log_likelihood <= best.log_likelihood + BOUNDARY_COST:
            return _on_boundary_if_equal(reduced, best)
        best = further
    return Maximum(best, verified=False, rank=q)


def _along_ray(reduced: Reduced, base: Profile, direction: Array) -> Profile:
    """Return the best of omega + t direction direction' for t = 0 and every local maximum in t."""

    def at(log_t: float) -> Profile:
        return profile(reduced, _square(np.hstack([base.factor, np.exp(log_t / 2) * direction])))

    def slope(log_t: float) -> float:
        return float(np.exp(log_t) * np.einsum("ik,ij,jk->", direction, at(log_t).gradient, direction))

    logs = np.log(RATIOS)
    slopes = np.array([slope(log_t) for log_t in logs])
    minima = np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0))
    found = [at(optimize.brentq(slope, logs[k], logs[k + 1], xtol=1e-13, rtol=1e-13)) for k in minima]
    return max([base, *found], key=lambda one: one.log_likelihood)


def _square(factor: Array) -> Array:
    """Return the lower triangular factor (q, at most q) of the same omega."""
    return np.ascontiguousarray(_triangle(factor.T).T)


def _polish(reduced: Reduced, start: Profile) -> Profile:
    """Climb from a start in the entries of the triangular factor, where the boundary is an ordinary point."""
    q = start.factor.shape[0]
    lower = np.tril_indices(q)

    def factor(entries: Array) -> Array:
        L = np.zeros((q, q))
        L[lower] = entries
        return L

    def deviance(entries: Array) -> tuple[float, Array]:
        here = profile(reduced, factor(entries))
        return -2 * here.log_likelihood, 2 * (here.gradient @ here.factor)[lower]

    padded = np.pad(start.factor, ((0, 0), (0, q - start.factor.shape[1])))
    answer = optimize.minimize(deviance, padded[lower], jac=True, method="BFGS", options={"gtol": 1e-8})
    end = profile(reduced, factor(answer.x))
    return max(start, end, key=lambda one: one.log_likelihood)


def _out_of_boundary(reduced: Reduced, at: Profile) -> Profile:
    """Return the best point in the direction where the likelihood rises most steeply, or the same point."""
    slopes, directions = np.linalg.eigh(at.gradient)
    return _along_ray(reduced, at, directions[:, :1]) if slopes[0] < -NEGATIVE * reduced.n else at


def _is_stationary(at: Profile) -> bool:
    return bool(np.abs(at.factor.T @ at.gradient @ at.factor).max() <= STATIONARY)


def _on_boundary_if_equal(reduced: Reduced, best: Profile) -> Maximum:
    """Replace omega by one of lower rank where that costs no likelihood."""
    q = best.factor.shape[0]
    U, s, _ = np.linalg.svd(np.pad(best.factor, ((0, 0), (0, q - best.factor.shape[1]))))
    for rank in range(q):
        lower = profile(reduced, _square(U * s * (np.arange(q) < rank)))
        if lower.log_likelihood >= best.log_likelihood - BOUNDARY_COST:
            return Maximum(lower, _is_stationary(best), rank)
    return Maximum(best, _is_stationary(best), q)
