"""Fit by the first covariance that the data can carry, and say why others were left; random effects as asked.

Not here: which model a trial declares (mmrm) or a command line asks for (adhoc_fit).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from data_contracts.random_effect import RandomEffect

if TYPE_CHECKING:
    from analysis.mixed import MMRMFit

SINGULAR = "the covariance, or the information of its parameters, is singular"
COVARIANCES: Mapping[str, str] = {
    "us": "unstructured",
    "cs": "compound symmetry",
    "csh": "heterogeneous compound symmetry",
    "ar1": "autoregressive",
    "ar1h": "heterogeneous autoregressive",
    "toep": "Toeplitz",
    "toeph": "heterogeneous Toeplitz",
    "ad": "ante-dependence",
    "adh": "heterogeneous ante-dependence",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A mixed model as the engine is asked for it."""

    formula: str
    subject: str | None
    visit: str | None
    covariances: Sequence[str]  # in the order they are tried
    group: str | None = None
    random: Mapping[str, Sequence[str]] | None = None
    weights: str | None = None
    method: Literal["reml", "ml"] = "reml"
    df: str = "kenward-roger"
    information: str = "observed"


@dataclass(frozen=True, slots=True, eq=False)
class LadderFit:
    """A fit that converged, and the covariances that were tried before it."""

    fit: "MMRMFit"
    left: Mapping[str, str]  # covariance -> why it was left


class NoCovarianceError(Exception):
    """No covariance that was asked for could be fitted."""

    def __init__(self, left: Mapping[str, str], *, is_too_little: bool) -> None:
        self.left = left  # covariance -> why it was left
        self.is_too_little = is_too_little  # data, for each of them; else none converged
        super().__init__(left)

    def __str__(self) -> str:
        """Return why, naming the covariances where they failed for different reasons."""
        reasons = dict.fromkeys(self.left.values())
        named = {why: ", ".join(name for name, own in self.left.items() if own == why) for why in reasons}
        return (
            "; ".join(f"{names}: {why}" for why, names in named.items()) if len(named) > 1 else "".join(named)
        )


def fit_ladder(data: pd.DataFrame, request: Request) -> LadderFit:
    """Return the fit of the first covariance that has enough data and converges.

    Raises:
        NoCovarianceError: none has, or does.
        MixedModelError: the request means nothing, or the data are refused whatever the covariance.
    """
    from analysis.mixed import TooLittleDataError

    left: dict[str, str] = {}
    is_too_little = True
    for name in request.covariances:
        try:
            fit = _fit(data, request, name)
        except TooLittleDataError as error:
            left[name] = str(error)
            continue
        except np.linalg.LinAlgError:
            left[name] = SINGULAR
        else:
            if fit.convergence.ok:
                return LadderFit(fit, left)
            left[name] = fit.convergence.reason
        is_too_little = False
    raise NoCovarianceError(left, is_too_little=is_too_little)


def _fit(data: pd.DataFrame, request: Request, covariance: str) -> "MMRMFit":
    from analysis.mixed import MMRM

    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # a parameter no data speak of: told as not converged
        model = MMRM.from_formula(
            request.formula,
            data,
            subject=request.subject,
            visit=request.visit,
            covariance=covariance,
            group=request.group,
            random=request.random,
            weights=request.weights,
        )
        return model.fit(request.method, request.df, request.information)


def engine_random(
    effects: Sequence[RandomEffect], conditions: Sequence[str]
) -> Mapping[str, Sequence[str]] | None:
    """Return random effects as the engine takes them.

    Args:
        effects: As they were written.
        conditions: For each an expression of the rows it acts on; empty for all.
    """
    found: dict[str, list[str]] = {}
    for effect, condition in zip(effects, conditions, strict=True):
        request = f"{effect.coefficients} | {condition}" if condition else effect.coefficients
        found.setdefault(effect.name, []).append(request)
    return found or None


def frames_by_group(covariance: Any) -> Mapping[str, pd.DataFrame]:
    """Return the covariances over visits by group; one with an empty name when there are no groups."""
    return {str(k): v for k, v in covariance.items()} if isinstance(covariance, dict) else {"": covariance}
