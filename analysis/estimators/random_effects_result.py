"""What a random-effects fit says: status, estimates, attempts. Not here: how they are computed."""

import enum
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.estimators.random_effects_data import Array, Rows

Method = Literal["reml", "ml"]


class FitStatus(enum.StrEnum):
    """Whether a fit can be used."""

    OK = "ok"
    BOUNDARY = "boundary"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One optimiser of statsmodels."""

    optimiser: str
    log_likelihood: float  # at the covariance where it stopped; NaN if skipped or nothing came back
    converged: bool  # what statsmodels says
    message: str
    discrepancy: float  # largest |beta - beta_GLS| / SE at that covariance


@dataclass(frozen=True, slots=True, eq=False)
class RandomEffectsFit:
    """A fitted linear mixed model in the units of the data; estimates are NaN unless `ok`."""

    status: FitStatus
    reason: str  # a sentence for a statistician, empty when OK
    method: Method
    columns: tuple[str, ...]  # (c,) the design as given
    terms: tuple[str, ...]  # (p,) columns that can be estimated, in design order
    dropped: tuple[str, ...]  # (d,) combinations of earlier columns
    aliases: Array  # (d, p) dropped columns as combinations of the terms
    random_terms: tuple[str, ...]  # (q,)
    beta: Array  # (p,)
    cov_beta: Array  # (p, p)
    cov_random: Array  # (q, q)
    residual_variance: float
    log_likelihood: float
    n_observations: int
    n_groups: int
    n_dropped: int  # rows with a missing outcome, covariate or group
    optimiser: str = ""  # of statsmodels, that reached the maximum; or INDEPENDENT
    attempts: tuple[Attempt, ...] = ()
    gls_discrepancy: float = np.nan  # largest |beta - beta of Henderson's equations| / SE, of any combination
    se_discrepancy: float = np.nan  # largest |SE ratio - 1| of the same
    log_likelihood_discrepancy: float = np.nan

    @property
    def ok(self) -> bool:
        """Whether the estimates can be used."""
        return self.status in (FitStatus.OK, FitStatus.BOUNDARY)


def without_estimates(
    status: FitStatus, reason: str, design: pd.DataFrame, method: Method, rows: Rows | None = None
) -> RandomEffectsFit:
    """Return a fit that says what was analysed and estimates nothing."""
    p, q = (len(rows.terms), len(rows.random_terms)) if rows else (0, 0)
    return RandomEffectsFit(
        status=status,
        reason=reason,
        method=method,
        columns=tuple(map(str, design.columns)),
        terms=rows.terms if rows else (),
        dropped=rows.dropped if rows else (),
        aliases=read_only(rows.aliases if rows else np.zeros((0, 0))),
        random_terms=rows.random_terms if rows else (),
        beta=read_only(np.full(p, np.nan)),
        cov_beta=read_only(np.full((p, p), np.nan)),
        cov_random=read_only(np.full((q, q), np.nan)),
        residual_variance=np.nan,
        log_likelihood=np.nan,
        n_observations=rows.outcome.size if rows else 0,
        n_groups=rows.n_groups if rows else 0,
        n_dropped=rows.n_dropped if rows else 0,
    )


def read_only(values: Array) -> Array:
    """Return the array, closed to writing."""
    values.setflags(write=False)
    return values
