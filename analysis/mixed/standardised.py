"""Standardised effects: contrasts over a named standard deviation, by the delta method  [MMRM-27]."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis.mixed.arrays import Array
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.lsmeans import SUBJECT

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit

RESIDUAL = "residual"


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """The standard deviation of each row of a table of contrasts."""

    sd: Array  # (k,)
    log_variance: Array  # (k,) variance of its logarithm, zero where it is given
    names: list[str]  # (k,)


def standardised(fit: "MMRMFit", table: pd.DataFrame, sd: str | float, alpha: float) -> pd.DataFrame:
    """A table of contrasts divided by the SD: se and limits count that the SD is estimated."""
    by = _yardstick(fit, table, sd)
    d = table["estimate"] / by.sd
    se = np.sqrt((table["se"] / by.sd) ** 2 + d**2 * by.log_variance)
    reach = stdtrit(table["df"], 1.0 - alpha / 2.0) * se
    labels = table.drop(columns=["estimate", "se", "df", "lower", "upper", "t", "p"])
    return labels.assign(
        estimate=d, se=se, df=table["df"], lower=d - reach, upper=d + reach, sd=by.sd, sd_name=by.names
    )


def _yardstick(fit: "MMRMFit", table: pd.DataFrame, sd: str | float) -> Yardstick:
    if not isinstance(sd, str):
        if not (np.isfinite(sd) and sd > 0):
            raise BadDataError(f"sd={sd!r}: a standard deviation is a positive number")
        return _same(float(sd), 0.0, f"given: {float(sd):g}", len(table))
    return _residual(fit, table) if sd == RESIDUAL else _baseline(fit, sd, len(table))


def _same(sd: float, log_variance: float, name: str, size: int) -> Yardstick:
    return Yardstick(np.full(size, sd), np.full(size, log_variance), [name] * size)


def _baseline(fit: "MMRMFit", column: str, size: int) -> Yardstick:
    """The SD of a covariate over the participants analysed; normal theory for its error."""
    frame = fit.model.frame
    if column not in frame.columns or not pd.api.types.is_numeric_dtype(frame[column]):
        raise BadDataError(
            f"sd={column!r} is neither {RESIDUAL!r}, a number, nor a numeric column of the analysed rows:"
            " a baseline must be in the formula"
        )
    fit.fitted.rows_needed_for(f"sd={column!r}")
    by_participant = frame.groupby(SUBJECT)[column]
    if (by_participant.min() != by_participant.max()).any():
        raise BadDataError(f"sd={column!r} changes within participants: a baseline has one value each")
    values = frame.loc[~frame[SUBJECT].duplicated(), column].to_numpy(dtype=float)
    return _same(float(values.std(ddof=1)), 0.5 / (len(values) - 1), f"baseline {column}", size)


def _residual(fit: "MMRMFit", table: pd.DataFrame) -> Yardstick:
    """The residual SD at each row's visit; with several covariance groups the root of their mean variance."""
    visits, position = list(fit.model.visits), _positions(fit, table)
    within = fit.fitted.likelihood.covariance
    theta, q = fit.fitted.optimum.state.theta, within.n_residual
    W = fit.fitted.theta_covariance[:q, :q]
    variance = _variances(fit, theta[:q])[position]
    slopes = _variance_slopes(fit, theta[:q])[:, position]
    log_variance = np.einsum("ik,ij,jk->k", slopes, W, slopes) / (4.0 * variance**2)
    pooled = ", groups pooled" if len(fit.model.groups) > 1 else ""
    names = [f"residual at visit {visits[number]}{pooled}" for number in position]
    return Yardstick(np.sqrt(variance) * fit.fitted.unit, log_variance, names)


def _positions(fit: "MMRMFit", table: pd.DataFrame) -> list[int]:
    visit, visits = fit.model.data.visit, list(fit.model.visits)
    if len(visits) == 1:
        return [0] * len(table)
    if visit is None or visit not in table.columns:
        raise MeaninglessRequestError(
            f"sd={RESIDUAL!r} is the SD at a visit, but the contrasts are not by visit: give by={visit!r},"
            " a baseline column or a number"
        )
    return [visits.index(one) for one in table[visit]]


def _variances(fit: "MMRMFit", theta: Array) -> Array:
    """Residual variance at each visit (T,), mean over covariance groups."""
    within = fit.fitted.likelihood.covariance.residual
    variances: Array = np.diagonal(within.shown(theta), axis1=1, axis2=2).mean(0)
    return variances


def _variance_slopes(fit: "MMRMFit", theta: Array) -> Array:
    """Their derivatives (q, T): a diagonal holds variances alone, to which it is linear."""
    at = [_variances(fit, theta + step) - _variances(fit, theta - step) for step in np.diag(1e-3 * theta)]
    width = 2e-3 * np.where(theta == 0.0, 1.0, theta)
    return np.array(at) / width[:, None]
