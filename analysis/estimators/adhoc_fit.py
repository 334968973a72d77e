"""One mixed model on one table, without a plan: names and texts in, a fit with its means and contrasts out.

Not here: reading the file (data_contracts.readers.adhoc), printing (pipelines.cli.fit), what JSON it makes
(adhoc_record).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pandas as pd

from analysis.estimators.adhoc_columns import Columns, prepared, refused_columns
from analysis.estimators.covariance_ladder import (
    LadderFit,
    NoCovarianceError,
    Request,
    engine_random,
    fit_ladder,
)
from data_contracts.errors import EstimationError, Problem, RequestError
from data_contracts.random_effect import RandomEffect, random_effect

if TYPE_CHECKING:
    from analysis.mixed import MMRMFit
    from data_contracts.readers.adhoc import AdhocTable

COLOUR = "\x1b?\\[[0-9;]+m|[\u29da\u29db]"


@dataclass(frozen=True, slots=True)
class Means:
    """Least-squares means of a factor, within the levels of another; the reference is for their contrasts."""

    factor: str
    by: str = ""
    reference: str = ""  # empty: the first level


@dataclass(frozen=True, slots=True)
class AdhocModel:
    """A model as a command line asks for it."""

    formula: str
    subject: str = ""
    visit: str = ""
    covariances: Sequence[str] = ("us",)  # in the order they are tried
    group: str = ""
    random: Sequence[RandomEffect] = ()
    weights: str = ""
    method: Literal["reml", "ml"] = "reml"
    df: str = ""  # empty: Kenward-Roger, and Satterthwaite under ML, which Kenward-Roger does not adjust
    information: str = "observed"
    alpha: float = 0.05
    means: Sequence[Means] = ()
    contrasts: Sequence[Means] = ()

    @property
    def degrees_of_freedom(self) -> str:
        """Return the method, the default for the likelihood if none was named."""
        return self.df or ("kenward-roger" if self.method == "reml" else "satterthwaite")

    @property
    def factors(self) -> tuple[str, ...]:
        """Return the columns that are factors by their role; those whose levels name people are not among them."""
        asked = [name for one in (*self.means, *self.contrasts) for name in (one.factor, one.by)]
        in_order = [self.visit, self.group, *asked, *(effect.column for effect in self.random)]
        return tuple(dict.fromkeys(name for name in in_order if name and name != self.subject))


@dataclass(frozen=True, slots=True, eq=False)
class AdhocFit:
    """A fit that converged, with what was asked of it."""

    fit: "MMRMFit"
    model: AdhocModel
    left: Mapping[str, str]  # covariance -> why it was left
    means: Sequence[pd.DataFrame] = ()
    contrasts: Sequence[pd.DataFrame] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def parsed_means(text: str) -> Means:
    """Return what "arm", "arm:visit" or "arm:visit:UC" means.

    Raises:
        RequestError: it can't be read.
    """
    parts = [part.strip() for part in text.split(":", 2)]
    if not parts[0]:
        problem = Problem("means or contrasts", repr(text), "FACTOR, FACTOR:BY or FACTOR:BY:REFERENCE")
        raise RequestError("Means can't be read.", [problem])
    return Means(*parts)


def parsed_random(text: str) -> RandomEffect:
    """Return a random effect.

    Raises:
        RequestError: it can't be read.
    """
    try:
        return random_effect(text)
    except ValueError as error:
        raise RequestError(f"{error}.") from None


def fit_adhoc(table: "AdhocTable", model: AdhocModel) -> AdhocFit:
    """Return the fitted model with its means and contrasts.

    Raises:
        RequestError: the formula, a name or an option means nothing for this table.
        EstimationError: too little data, or no covariance converged.
    """
    if problems := refused_columns(table, model.formula, numeric=model.weights, factors=model.factors):
        raise RequestError("The columns are not what the model needs.", problems)
    columns = prepared(table, model.formula, model.factors)
    with _told():
        found = fit_ladder(columns.frame, _request(model, columns))
        means = [found.fit.emmeans(one.factor, _by(one), alpha=model.alpha) for one in model.means]
        contrasts = [_contrasts(found.fit, one, columns, model.alpha) for one in model.contrasts]
    notes = (*table.notes, *columns.notes, *found.fit.model.notes, *_of_the_fit(found))
    return AdhocFit(found.fit, model, found.left, means, contrasts, notes)


def _request(model: AdhocModel, columns: Columns) -> Request:
    conditions = [_condition(effect, columns) for effect in model.random]
    return Request(
        formula=model.formula,
        subject=model.subject or None,
        visit=model.visit or None,
        covariances=model.covariances,
        group=model.group or None,
        random=engine_random(model.random, conditions),
        weights=model.weights or None,
        method=model.method,
        df=model.degrees_of_freedom,
        information=model.information,
    )


def _condition(effect: RandomEffect, columns: Columns) -> str:
    if not effect.column:
        return ""
    return f"`{effect.column}` == {columns.level(effect.column, effect.level)!r}"


def _by(one: Means) -> tuple[str, ...]:
    return (one.by,) if one.by else ()


def _contrasts(fit: "MMRMFit", one: Means, columns: Columns, alpha: float) -> pd.DataFrame:
    first = fit.emmeans(one.factor)[one.factor].iloc[0]
    reference = columns.level(one.factor, one.reference) if one.reference else first
    return fit.contrasts(one.factor, _by(one), reference, alpha=alpha)


def _attempts(left: Mapping[str, str]) -> list[Problem]:
    """Return how each covariance ended."""
    remedy = "Give --fallback, a simpler --covariance, or fewer terms."
    return [
        Problem(f"covariance {name}", why, "a maximum of the likelihood", remedy)
        for name, why in left.items()
    ]


def _of_the_fit(found: LadderFit) -> Iterator[str]:
    convergence = found.fit.convergence
    yield from (f"{name} is at the boundary: zero" for name in convergence.at_boundary)
    yield from (f"covariance {name} was left: {why}" for name, why in found.left.items())
    if convergence.other_optima:
        values = ", ".join(f"{value:.3f}" for value in convergence.other_optima)
        yield f"the likelihood has other optima, all lower, at {values}"


@contextmanager
def _told() -> Iterator[None]:
    """Raise what the engine and the formula language refuse as errors of ours, with their exit codes."""
    from formulaic.errors import FormulaicError

    from analysis.mixed import MixedModelError

    try:
        yield
    except NoCovarianceError as error:
        if error.is_too_little:
            raise EstimationError(_sentence(error)) from None
        summary = "The model did not converge; it has no estimates."
        raise EstimationError(summary, _attempts(error.left)) from None
    except MixedModelError as error:
        raise RequestError(_sentence(error)) from None
    except FormulaicError as error:
        raise RequestError(f"the formula can't be evaluated: {_sentence(error)}") from None


def _sentence(error: Exception) -> str:
    """Return a message on one line, without the colours that the formula language puts around a mistake."""
    plain = re.sub(COLOUR, "", str(error))
    return f"{' '.join(plain.split()).rstrip('.')}."
