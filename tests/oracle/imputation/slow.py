"""Reference-based imputation the slow and obvious way: a participant at a time, models fitted again from frames.

Written from Carpenter, Roger and Kenward (2013), not from the package: loops, inverses, explicit joint distributions.
"""

import numpy as np
import pandas as pd

from analysis.mixed import MMRM


def simulated(seed=11, n=44, gaps=0.08, arms=("UC", "SRT"), n_visits=4):
    """A trial with dropout, gaps and two covariates; rows of missing outcomes are blank."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "id": [f"P{k}" for k in range(n)], "arm": rng.permutation(np.resize(arms, n)),
            "base": rng.normal(20, 5, n), "site": rng.permutation(np.resize(["x", "y", "z"], n)),
        }
    )  # fmt: skip
    level = rng.normal(0, 3, n)
    visits = np.arange(n_visits)
    noise = rng.normal(0, 2, (n, n_visits)) * (1 + 0.2 * visits)
    effect = (people["arm"] != arms[0]).to_numpy()[:, None] * visits * 1.5
    y = people["base"].to_numpy()[:, None] * 0.6 + level[:, None] + visits * 2 + effect + noise
    leaves = np.where(rng.random(n) < 0.4, rng.integers(1, n_visits, n), n_visits)
    y[(visits >= leaves[:, None]) | (rng.random(y.shape) < gaps)] = np.nan
    long = people.loc[people.index.repeat(n_visits)].reset_index(drop=True)
    return long.assign(visit=np.tile([f"v{k}" for k in visits], n), hours=y.ravel())


def matrix(frame, value="hours"):
    """Participants in order of first appearance by visit."""
    wide = frame.set_index(["id", "visit"])[value].unstack()  # noqa: PD010  there are no duplicates
    return wide.loc[sorted(wide.index, key=lambda name: int(name[1:]))].to_numpy(dtype=float, copy=True)


def fitted(frame, formula, group=None, covariance="us"):
    """Fit the imputation model to the observed rows."""
    observed = frame[frame["hours"].notna()].reset_index(drop=True)
    return MMRM.from_formula(
        formula, observed, subject="id", visit="visit", covariance=covariance, group=group
    ).fit(df="residual")  # fmt: skip


def means(fit, frame, arm=None):
    """Means of every participant at every visit, in an arm or in their own."""
    cells = frame if arm is None else frame.assign(arm=arm)
    for name in ("arm", "visit", "site"):
        levels = fit.model.design.factors.get(name)
        if levels is not None:
            cells = cells.assign(**{name: pd.Categorical(cells[name], levels)})
    rows = fit.model.design.rows(cells)
    return matrix(frame.assign(mean=rows @ fit.params.to_numpy()), "mean")


def joint(strategy, own_mean, own_v, ref_mean, ref_v, first):  # noqa: PLR0917
    """Mean and covariance over all visits, the event at visit number `first`."""
    size = len(own_mean)
    if first >= size or strategy == "mar":
        return own_mean, own_v
    if strategy == "cr":
        return ref_mean, ref_v
    mean = own_mean.copy()
    for visit in range(first, size):
        if strategy == "lmcf":
            mean[visit] = own_mean[first - 1]
        elif strategy == "j2r" or first == 0:
            mean[visit] = ref_mean[visit]
        elif strategy == "cir":
            mean[visit] = own_mean[first - 1] + ref_mean[visit] - ref_mean[first - 1]
    if strategy == "lmcf":
        return mean, own_v
    if first == 0:
        return mean, ref_v
    # before the event own covariance; after it the reference's regression on, and residual given, the past
    past, after = slice(0, first), slice(first, size)
    slope = ref_v[after, past] @ np.linalg.inv(ref_v[past, past])
    left = ref_v[after, after] - slope @ ref_v[past, after]
    v = np.zeros((size, size))
    v[past, past] = own_v[past, past]
    v[after, past] = slope @ own_v[past, past]
    v[past, after] = v[after, past].T
    v[after, after] = left + slope @ own_v[past, past] @ slope.T
    return mean, v


def conditional(mean, v, y):
    """Mean and covariance of the missing given the observed."""
    gone, seen = np.isnan(y), ~np.isnan(y)
    if not seen.any():
        return mean, v
    slope = v[np.ix_(gone, seen)] @ np.linalg.inv(v[np.ix_(seen, seen)])
    return mean[gone] + slope @ (y[seen] - mean[seen]), v[np.ix_(gone, gone)] - slope @ v[np.ix_(seen, gone)]


def completed_row(y, strategy, own_mean, own_v, ref_mean, ref_v, first):  # noqa: PLR0917
    """One participant's outcomes with conditional means for the missing ones."""
    y = y.copy()
    if strategy == "cr" and first < len(y):
        past = np.arange(len(y)) < first
        if np.isnan(y[past]).any():
            y[np.flatnonzero(past)[np.isnan(y[past])]] = conditional(
                own_mean[past], own_v[np.ix_(past, past)], y[past]
            )[0]
    if np.isnan(y).any():
        mean, v = joint(strategy, own_mean, own_v, ref_mean, ref_v, first)
        y[np.isnan(y)] = conditional(mean, v, y)[0]
    return y


def ols(y, X, rows):
    """Contrasts of a least-squares fit with their standard errors."""
    beta, *_ = np.linalg.lstsq(X, y, rcond=None)
    left = y - X @ beta
    s2 = left @ left / (len(y) - X.shape[1])
    cov = s2 * np.linalg.inv(X.T @ X)
    return rows @ beta, np.sqrt(np.diag(rows @ cov @ rows.T))
