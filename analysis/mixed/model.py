"""The model: a formula, a frame and a covariance in; a fit out. The interface others call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.arrays import Array
from analysis.mixed.covariance import STRUCTURES
from analysis.mixed.covariance.by_group import ByGroup
from analysis.mixed.covariance.covariance import Covariance
from analysis.mixed.design import Design
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.fit import Optimum, fit_theta, fixed_theta
from analysis.mixed.inference import ADJUSTMENTS, INFORMATION, METHODS, Fitted, inference
from analysis.mixed.likelihood import AnyLikelihood, Likelihood
from analysis.mixed.prepare import Prepared, Roles, prepare
from analysis.mixed.problem import Problem
from analysis.mixed.random.henderson import MixedLikelihood
from analysis.mixed.random.spec import Random
from analysis.mixed.results import MMRMFit
from analysis.mixed.start import moment_covariances

LADDER = ("us", "toeph", "ar1h", "csh", "cs")
SHARES = (0.2, 0.02, 1.0)  # of the outcome's variance, for random effects at the start


@dataclass(frozen=True, slots=True, eq=False)
class MMRM:
    """A mixed model for repeated measures, ready to fit."""

    formula: str
    covariance: str
    data: Prepared

    @classmethod
    def from_formula(  # noqa: PLR0913
        cls,
        formula: str,
        data: pd.DataFrame,
        *,
        subject: str | None = None,
        visit: str | None = None,
        covariance: str = "us",
        group: str | None = None,
        random: Random = None,
        weights: str | None = None,
    ) -> "MMRM":
        """Read the model off a formula; rows with a missing value are left out and counted in `notes`.

        `random` is a list of factors, or a mapping of a factor to the condition under which it acts
        ("arm == 'SRT'"), to its coefficients ("1 + month"), or to both ("1 + month | arm == 'SRT'").

        Raises:
            BadDataError: a name, type, duplicate or infinity in the data.
            TooLittleDataError: too few participants, visits or observations.
        """
        _known(covariance, STRUCTURES, "covariance")
        prepared = prepare(formula, data, Roles(subject, visit, group, weights).checked(), random)
        model = cls(formula, covariance, prepared)
        model.check(covariance)
        return model

    @classmethod
    def from_roles(  # noqa: PLR0913
        cls,
        data: pd.DataFrame,
        *,
        outcome: str,
        arm: str,
        visit: str,
        subject: str,
        covariates: Sequence[str] = (),
        covariates_by_visit: Sequence[str] = (),
        **options: Any,
    ) -> "MMRM":
        """The usual trial model: arm by visit, covariates, and covariates by visit."""
        by_visit = [f"{_quoted(name)} * {_quoted(visit)}" for name in covariates_by_visit]
        terms = [*by_visit, *map(_quoted, covariates), f"{_quoted(arm)} * {_quoted(visit)}"]
        formula = f"{_quoted(outcome)} ~ {' + '.join(terms)}"
        return cls.from_formula(formula, data, subject=subject, visit=visit, **options)

    @property
    def design(self) -> Design:
        """The fixed effects."""
        return self.data.design

    @property
    def problem(self) -> Problem:
        """The Grams."""
        return self.data.problem

    @property
    def frame(self) -> pd.DataFrame:
        """The analysed rows."""
        return self.data.frame

    @property
    def visits(self) -> tuple[Any, ...]:
        """In order."""
        return self.data.visits

    @property
    def groups(self) -> tuple[Any, ...]:
        """Levels of the covariance group; a single empty name without one."""
        return self.data.groups

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the analysis, and why."""
        return self.data.notes

    def check(self, covariance: str) -> None:
        """Refuse a structure with parameters no participant says anything about."""
        data = self.data
        checks.identified(data.problem.grams, data.group_of_kind, covariance, data.visits, data.groups)

    def fit(  # noqa: PLR0913
        self,
        method: Literal["reml", "ml"] = "reml",
        df: str = "kenward-roger",
        information: str = "observed",
        *,
        robust: str | None = None,
        theta: Array | None = None,
        fallback: Sequence[str] = (),
    ) -> MMRMFit:
        """Estimate; `fallback` lists structures to try in turn where this one does not converge.

        Raises:
            MeaninglessRequestError: a combination of options that has no meaning.
        """
        _known(method, ("reml", "ml"), "method")
        _known(df, METHODS, "df")
        _known(information, INFORMATION, "information")
        if robust is not None:
            _known(robust, ADJUSTMENTS, "robust")
        attempts: dict[str, str] = {}
        for name in (self.covariance, *fallback):
            likelihood, optimum = self._optimum(name, reml=method == "reml", theta=theta)
            if optimum is not None and optimum.convergence.ok:
                break
            attempts[name] = "no starting covariance" if optimum is None else optimum.convergence.reason
        if optimum is None:
            raise MeaninglessRequestError("the covariance given is not positive definite at every visit")
        return self._result(likelihood, optimum, name, attempts, (df, information, robust))

    def _optimum(self, name: str, *, reml: bool, theta: Array | None) -> tuple[AnyLikelihood, Optimum | None]:
        self.check(name)
        likelihood, starts = self._likelihood(name, reml=reml)
        checks.enough_rows(self.problem.grams.n_rows, self.problem.rank, len(likelihood.is_scale))
        if theta is None:
            return likelihood, fit_theta(likelihood, starts)
        scale = np.where(likelihood.is_scale, self.problem.unit**2, 1.0)
        return likelihood, fixed_theta(likelihood, np.asarray(theta, dtype=float) / scale)

    def _likelihood(self, name: str, *, reml: bool) -> tuple[AnyLikelihood, list[Array]]:
        data, grams = self.data, self.problem.grams
        by_group = ByGroup(STRUCTURES[name](len(data.visits)), [str(group) for group in data.groups])
        covariance = Covariance(by_group, data.group_of_kind, data.effects)
        starts = covariance.starts(moment_covariances(grams, data.group_of_kind))
        crossed = data.crossed
        if crossed is None:
            return Likelihood(grams, covariance, reml), starts
        with_random = [np.concatenate([start, crossed.start(share)]) for share in SHARES for start in starts]
        return MixedLikelihood(grams, covariance, crossed, reml), with_random

    def _result(
        self,
        likelihood: AnyLikelihood,
        optimum: Optimum,
        covariance: str,
        attempts: dict[str, str],
        options: tuple[str, str, str | None],
    ) -> MMRMFit:
        problem, (df, information, robust) = self.problem, options
        fitted = Fitted(
            likelihood=likelihood,
            optimum=optimum,
            back=problem.rotation.back,
            unit=problem.unit,
            b=problem.least_squares + problem.unit * optimum.state.beta,
            offset=problem.offset,
            information=information,
            observations=problem.observations,
        )
        method = inference(fitted, df, robust)
        return MMRMFit(self, fitted, method, covariance, df, robust, attempts)


def _known(value: str, choices: Any, option: str) -> None:
    if value not in choices:
        raise BadDataError(f"{option}={value!r} is unknown: choose from {', '.join(choices)}")


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
