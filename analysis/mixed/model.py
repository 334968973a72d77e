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
from analysis.mixed.covariance.by_kind import ByKind
from analysis.mixed.covariance.covariance import Covariance
from analysis.mixed.covariance.iid import repeated
from analysis.mixed.covariance.sp_exp import SpatialExponential
from analysis.mixed.design import Design
from analysis.mixed.errors import BadDataError, MeaninglessRequestError, TooLittleDataError
from analysis.mixed.fit import Optimum, fit_theta, fixed_theta
from analysis.mixed.from_sums import prepare_sums
from analysis.mixed.gram_sum import GramSum
from analysis.mixed.inference import ADJUSTMENTS, INFORMATION, METHODS, Fitted, inference
from analysis.mixed.ladder import Fallback, rungs_below
from analysis.mixed.likelihood import AnyLikelihood, Likelihood
from analysis.mixed.prepare import Prepared, Roles, prepare
from analysis.mixed.problem import Problem
from analysis.mixed.random.henderson import MixedLikelihood
from analysis.mixed.random.spec import Random, terms
from analysis.mixed.results import MMRMFit
from analysis.mixed.start import moment_covariances
from analysis.mixed.stream import BATCH_ROWS, Paths, layout_of_parquet, read_sums
from analysis.mixed.times import Times, of_visits, time_columns

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
        covariance: str | None = None,
        group: str | None = None,
        random: Random = None,
        weights: str | None = None,
        times: Times = None,
    ) -> "MMRM":
        """Read the model off a formula; rows with a missing value are left out and counted in `notes`.

        `covariance` is unstructured unless given; with random effects of the participant, which an unstructured
        covariance holds already, it is `iid` unless given.

        `random` is a list of factors, or a mapping of a factor to the condition under which it acts
        ("arm == 'SRT'"), to its coefficients ("1 + month"), or to both ("1 + month | arm == 'SRT'").

        `times` names the column of real times for `covariance="sp_exp"` (or several, whose Euclidean distance
        counts); without it a numeric visit is the time, and with it `visit` may be left out: a participant's rows
        are then numbered in time. Participants with the same times share a pattern; with times of everyone's own
        there are as many patterns as participants, and an evaluation costs as much as the data.

        Raises:
            BadDataError: a name, type, duplicate or infinity in the data.
            TooLittleDataError: too few participants, visits or observations.
        """
        covariance = covariance or _usual_covariance(random, subject)
        _known(covariance, STRUCTURES, "covariance")
        prepared = prepare(
            formula, data, Roles(subject, visit, group, weights, _timed(times, covariance)).checked(), random
        )
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

    @classmethod
    def from_grams(cls, total: GramSum, *, covariance: str = "us") -> "MMRM":
        """From sums that batches or workers made; what needs rows of participants is refused by the fit.

        Raises:
            BadDataError: a participant in two of the sums; a level without a complete row.
            TooLittleDataError: too few participants, visits or observations.
        """
        _known(covariance, STRUCTURES, "covariance")
        model = cls(total.layout.formula, covariance, prepare_sums(total))
        model.check(covariance)
        return model

    @classmethod
    def from_parquet(
        cls,
        paths: Paths,
        formula: str,
        *,
        covariance: str = "us",
        batch_rows: int = BATCH_ROWS,
        **roles: Any,
    ) -> "MMRM":
        """As `from_formula`, but files are read in batches and only their Grams are kept.

        A participant's rows must stand together in the file, in any order; `roles` are subject, visit, group, random
        and weights.

        Raises:
            BadDataError: as `from_formula`; or the rows of a participant lie apart.
        """
        _known(covariance, STRUCTURES, "covariance")
        layout = layout_of_parquet(paths, formula, **roles)
        return cls.from_grams(read_sums(paths, layout, batch_rows=batch_rows), covariance=covariance)

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
        if data.absorbed is None:
            checks.identified(data.problem.grams, data.group_of_kind, covariance, data.visits, data.groups)

    def fit(  # noqa: PLR0913
        self,
        method: Literal["reml", "ml"] = "reml",
        df: str | None = None,
        information: str = "observed",
        *,
        robust: str | None = None,
        theta: Array | None = None,
        fallback: Fallback = (),
    ) -> MMRMFit:
        """Estimate; `fallback` lists structures to try in turn where this one does not converge.

        `df` is Kenward-Roger's unless given; under ML, where that has no meaning, Satterthwaite's.
        `fallback="ladder"` (or True) is us, toeph, ar1h, csh, cs from the present structure downwards. Each
        attempt's reason is in the result's `failed_attempts`.

        Raises:
            MeaninglessRequestError: a combination of options that has no meaning.
        """
        _known(method, ("reml", "ml"), "method")
        df = df or ("kenward-roger" if method == "reml" else "satterthwaite")
        _known(df, METHODS, "df")
        _known(information, INFORMATION, "information")
        if robust is not None:
            _known(robust, ADJUSTMENTS, "robust")
        attempts: dict[str, str] = {}
        names = (self.covariance, *rungs_below(self.covariance, fallback, len(self.visits)))
        for name in names:
            try:
                likelihood, optimum = self._optimum(name, reml=method == "reml", theta=theta)
            except TooLittleDataError as error:
                if name == names[-1]:
                    raise
                attempts[name] = str(error)
                continue
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
        covariance = self._covariance(name)
        starts = covariance.starts(moment_covariances(grams, data.group_of_kind))
        crossed = data.crossed
        if crossed is None:
            return Likelihood(grams, covariance, reml), starts
        with_random = [np.concatenate([start, crossed.start(share)]) for share in SHARES for start in starts]
        return MixedLikelihood(grams, covariance, crossed, reml), with_random

    def _covariance(self, name: str) -> Covariance:
        data, groups = self.data, [str(group) for group in self.data.groups]
        if name != "sp_exp":
            one = STRUCTURES[name](len(data.visits))
            depth = self.problem.grams.n_visits if data.absorbed else 1
            residual = ByGroup(repeated(one, depth) if depth > 1 else one, groups)
            return Covariance(residual, data.group_of_kind, data.effects)
        n_kinds = len(data.group_of_kind)
        found = data.distances or of_visits(data.visits, n_kinds)
        at_times = ByKind(SpatialExponential(found.by_kind, found.typical), groups, data.group_of_kind)
        return Covariance(at_times, np.arange(n_kinds), data.effects)

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


def _usual_covariance(random: Random, subject: str | None) -> str:
    """Return `us`, or `iid` where the participant has random effects of their own."""
    return "iid" if any(term.key == subject for term in terms(random)) else "us"


def _timed(times: Times, covariance: str) -> tuple[str, ...]:
    """Times' columns; refused where the covariance has no use for them."""
    columns = time_columns(times)
    if columns and covariance != "sp_exp":
        raise BadDataError(
            f"times={times!r} are given, but covariance={covariance!r} knows visits only: use covariance='sp_exp'"
        )
    return tuple(columns)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
