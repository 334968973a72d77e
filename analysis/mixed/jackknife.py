"""Leave each participant out and fit again, from the Grams less theirs. Not here: influence with theta kept."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.arrays import Array
from analysis.mixed.errors import MeaninglessRequestError, MixedModelError, TooLittleDataError
from analysis.mixed.fit import Optimum, fit_theta, fixed_theta
from analysis.mixed.gram import GramSum, PatternGrams, pack
from analysis.mixed.likelihood import Likelihood
from analysis.mixed.problem import Observations
from analysis.mixed.start import moment_covariances

if TYPE_CHECKING:
    from analysis.mixed.results import MMRMFit

LOST = 1e-10  # smallest over largest eigenvalue of X'X, in columns that were orthogonal: a column is a combination


def leave_one_out(fit: "MMRMFit") -> pd.DataFrame:
    """A row per participant: coefficients and theta fitted without them, and how that ended  [MMRM-30].

    Raises:
        MeaninglessRequestError: participants are not independent, or their rows were not kept.
    """
    observations = _independent(fit)
    coefficients, theta = list(fit.model.design.names), list(fit.theta.index)
    at, values, status = [], [], []
    for row, rest, design in _without_each(fit, observations):
        found = _fitted_again(fit, rest, design)
        at.append(row)
        values.append(np.full(len(coefficients) + len(theta), np.nan) if isinstance(found, str) else found[0])
        status.append(found if isinstance(found, str) else found[1])
    frame = pd.DataFrame(np.array(values), index=at, columns=[*coefficients, *theta])
    frame = frame.assign(status=status).sort_index()
    subject = str(fit.model.data.subject)
    people = fit.model.frame[subject].iloc[frame.index].to_numpy()
    return frame.set_axis(people).rename_axis(subject)


def jackknife(fit: "MMRMFit") -> pd.DataFrame:
    """By coefficient: estimate, bias and se over the refits that succeeded, how many, and how many failed."""
    refits = leave_one_out(fit)[list(fit.model.design.names)]
    refits = refits.loc[:, fit.params.notna().to_numpy()]
    whole = refits.dropna()
    n, mean = len(whole), whole.mean()
    variance = (n - 1) / n * ((whole - mean) ** 2).sum() if n > 1 else mean * np.nan
    estimate = fit.params[refits.columns]
    table = pd.DataFrame({"estimate": estimate, "bias": (n - 1) * (mean - estimate), "se": np.sqrt(variance)})
    return table.reindex(fit.params.index).assign(n=n, n_failed=len(refits) - n)


def _independent(fit: "MMRMFit") -> Observations:
    """The rows; refused where a participant is not independent of the others."""
    data = fit.model.data
    if data.subject is None:
        raise MeaninglessRequestError(
            "leave_one_out leaves participants out, but this model has none: name their column with subject="
        )
    if data.crossed is not None:
        raise MeaninglessRequestError(
            "leave_one_out leaves independent participants out, but random effects they share make them dependent:"
            " leave a level of the shared factor out of the data and fit again"
        )
    return fit.fitted.rows_needed_for("leave_one_out")


def _without_each(fit: "MMRMFit", observations: Observations) -> Iterator[tuple[int, GramSum, Array]]:
    """Of each participant the first row, and the Grams and X'X (p, p) of all the others."""
    total, p = fit.model.problem.total, fit.model.problem.rank
    design = total.over_rows()[:p, :p]
    for pattern in observations.patterns:
        for row, columns in zip(pattern.rows[:, 0].tolist(), observations.of(pattern), strict=True):
            wide, X = columns.ravel(), columns[:, :p]
            own = replace(total, counts={pattern.key: 1}, sums={pattern.key: np.outer(wide, wide)})
            yield row, total - own, design - X.T @ X


def _fitted_again(fit: "MMRMFit", rest: GramSum, design: Array) -> tuple[Array, str] | str:
    """Coefficients and theta in the outcome's units, and the status; or why there are none."""
    try:
        grams = pack(rest) if rest.counts else fit.model.problem.grams
        _check(fit, rest, grams, design)
        optimum = _optimum(fit, grams)
    except (MixedModelError, np.linalg.LinAlgError) as error:
        return str(error) or "no covariance is positive definite"
    if optimum is None:
        return "no starting covariance is positive definite"
    if not optimum.convergence.ok:
        return optimum.convergence.reason
    return _in_own_units(fit, optimum), optimum.convergence.status


def _check(fit: "MMRMFit", rest: GramSum, grams: PatternGrams, design: Array) -> None:
    """What the model asks of its data, asked of the others' data."""
    data = fit.model.data
    checks.enough_participants(sum(rest.counts.values()))
    checks.identified(grams, data.group_of_kind, fit.covariance_structure, data.visits, data.groups)
    checks.enough_rows(grams.n_rows, len(design), fit.n_covariance_parameters)
    sizes = np.linalg.eigvalsh(design)
    if sizes[0] < LOST * sizes[-1]:
        raise TooLittleDataError(
            "not estimable: without this participant a column of the fixed effects is a combination of others"
        )


def _optimum(fit: "MMRMFit", grams: PatternGrams) -> Optimum | None:
    """Newton from the full fit's theta; from the moments where that does not converge."""
    full = fit.fitted.optimum
    likelihood = Likelihood(grams, fit.fitted.likelihood.covariance, fit.fitted.likelihood.reml)
    if full.convergence.status == "fixed":
        return fixed_theta(likelihood, full.state.theta)
    near = fit_theta(likelihood, [full.state.theta])
    if near is not None and near.convergence.ok:
        return near
    moments = moment_covariances(grams, fit.model.data.group_of_kind)
    return fit_theta(likelihood, likelihood.covariance.starts(moments))


def _in_own_units(fit: "MMRMFit", optimum: Optimum) -> Array:
    """Coefficients, NaN for a dropped column, then theta: (P + q,)."""
    fitted, problem = fit.fitted, fit.model.problem
    coefficients = np.full(len(fit.model.design.names), np.nan)
    b = problem.least_squares + fitted.unit * optimum.state.beta
    coefficients[problem.rotation.kept] = fitted.back @ b + fitted.offset
    scale = np.where(fitted.likelihood.is_scale, fitted.unit**2, 1.0)
    return np.concatenate([coefficients, optimum.state.theta * scale])
