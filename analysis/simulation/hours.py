"""Hours of structured activity: skewed at baseline, zero-inflated and gamma later. Not here: who attends."""

import numpy as np
from scipy.special import betaincinv, gammaincinv, ndtr

from analysis.simulation import constants as c


def draw_hours(
    rng: np.random.Generator, in_therapy: c.Flags, therapist: c.Integers, effect: tuple[float, float, float]
) -> c.Array:
    """Return hours a week at baseline and at each follow-up, in quarters of an hour.

    Args:
        rng: The random numbers.
        in_therapy: (n,) who is in the therapy arm.
        therapist: (n,) the number of each person's therapist; read in the therapy arm only.
        effect: What therapy adds to the mean at each follow-up, hours a week.

    Returns:
        (n, 4) hours a week.
    """
    latent = rng.multivariate_normal(np.zeros(4), _correlation(), size=len(in_therapy), method="cholesky")
    shared = rng.standard_normal(therapist.max() + 1)[therapist]
    clustered = np.sqrt(1 - c.THERAPIST_ICC) * latent[:, 1:] + np.sqrt(c.THERAPIST_ICC) * shared[:, None]
    follow_up = np.where(in_therapy[:, None], clustered, latent[:, 1:])
    means = np.asarray(c.USUAL_CARE_MEANS) + np.asarray(effect) * in_therapy[:, None]
    hours = np.column_stack([_baseline(ndtr(latent[:, 0])), _follow_up(ndtr(follow_up), means)])
    return np.asarray(np.round(4 * hours) / 4)


def split_hours(rng: np.random.Generator, hours: c.Array) -> c.Array:
    """Return each total divided over the kinds of activity; a row's parts add up to its total exactly.

    Args:
        rng: The random numbers.
        hours: (m,) totals, in quarters of an hour.

    Returns:
        (m, 6) hours a week, in quarters of an hour.
    """
    shares = rng.dirichlet(list(c.PARTS.values()), size=len(hours))
    quarters = np.floor(shares * (4 * hours)[:, None])
    largest = shares.argmax(axis=1)
    quarters[np.arange(len(hours)), largest] += 4 * hours - quarters.sum(axis=1)
    return np.asarray(quarters / 4)


def _correlation() -> c.Array:
    correlation = np.full((4, 4), c.LATENT_FOLLOW_UP_CORRELATION)
    correlation[0, 1:] = correlation[1:, 0] = c.LATENT_BASELINE_CORRELATION
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _baseline(u: c.Array) -> c.Array:
    """Return the quantiles of a beta on [0, 30) with the published mean and SD."""
    mean, variance = c.BASELINE_MEAN / c.BASELINE_CAP, (c.BASELINE_SD / c.BASELINE_CAP) ** 2
    weight = mean * (1 - mean) / variance - 1
    hours = c.BASELINE_CAP * betaincinv(mean * weight, (1 - mean) * weight, u)
    return np.asarray(np.minimum(hours, c.BASELINE_CAP - 0.25))  # eligible is below 30


def _follow_up(u: c.Array, means: c.Array) -> c.Array:
    """Return the quantiles of a gamma with a lump at zero, with these means and SDs that rise with them."""
    sd = np.clip(c.SD_AT_18 + c.SD_PER_HOUR * (means - 18), *c.SD_LIMITS)
    mean_above = means / (1 - c.SHARE_ZERO)
    variance_above = (sd**2 + means**2) / (1 - c.SHARE_ZERO) - mean_above**2
    shape = mean_above**2 / variance_above
    above = np.clip((u - c.SHARE_ZERO) / (1 - c.SHARE_ZERO), 0, 1 - 1e-12)
    return np.asarray(np.minimum(gammaincinv(shape, above) * mean_above / shape, c.WEEK))
