"""The mixed model for repeated measures: a covariance over visits, small-sample degrees of freedom.

Not here: the engine (analysis.mixed), the design (design), the ladder of covariances (covariance_ladder).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.adjusted_means import Combinations
from analysis.estimators.clustering import clustering_rows
from analysis.estimators.comparison import Comparison, common_row, empty_arms, not_estimated
from analysis.estimators.covariance_ladder import (
    COVARIANCES,
    LadderFit,
    NoCovarianceError,
    Request,
    engine_random,
    fit_ladder,
    frames_by_group,
)
from analysis.estimators.design import Design, follow_up_design
from analysis.results import Statistic, Status
from data_contracts.plan import Analysis
from data_contracts.random_effect import RandomEffect, random_effect
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.mixed import MMRMFit

Array = npt.NDArray[np.float64]
METHODS = {"reml": "REML", "ml": "maximum likelihood"}
DEGREES_OF_FREEDOM = {
    "kenward-roger": "Kenward-Roger",
    "kenward-roger-linear": "Kenward-Roger, linear",
    "satterthwaite": "Satterthwaite",
    "between-within": "between-within",
    "residual": "residual",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """What the engine is given."""

    frame: (
        pd.DataFrame
    )  # participant, visit, outcome, the design's columns, those of groups and random effects
    request: Request
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FittedDesign:
    """A repeated-measures model that converged, and how its combinations become rows."""

    comparison: Comparison
    fit: "MMRMFit"


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return adjusted means by arm and visit, differences from the reference arm, and variances.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis.
    """
    fitted = fit_design(follow_up_design(analysis_set, trial, analysis), trial, analysis)
    return fitted if isinstance(fitted, list) else list(_rows(fitted, trial, analysis))


def fit_design(design: Design, trial: Trial, analysis: Analysis) -> "FittedDesign | list[Statistic]":
    """Return the fit of a repeated-measures design, or the rows that say why there is none."""
    from analysis.mixed import MixedModelError

    common = common_row(trial, analysis, design, method_of(analysis))
    if reason := empty_arms(design):
        return not_estimated(design, design.visits, common, "not estimable", reason)
    data = _data(design, trial, analysis)
    try:
        found = fit_ladder(data.frame, data.request)
    except MixedModelError as error:
        return not_estimated(design, design.visits, common, "refused", str(error))
    except NoCovarianceError as error:
        status: Status = "refused" if error.is_too_little else "failed"
        return not_estimated(design, design.visits, common, status, str(error))
    kept = found.fit.params.notna().to_numpy()
    dropped = [str(name) for name, is_kept in zip(design.matrix, kept, strict=True) if not is_kept]

    def estimates(weights: Array) -> Combinations:
        return _combinations(found.fit, weights, dropped, 1 - analysis.confidence)

    shared = _common(common, found, analysis, data.notes)
    return FittedDesign(Comparison(design, estimates, analysis.confidence, shared), found.fit)


def method_of(analysis: Analysis, covariance: str = "") -> str:
    """Return the model in words, by the declared covariance or the one that was fallen back on."""
    used = covariance or analysis.covariance
    fallen = (
        f", fallen back on from {COVARIANCES[analysis.covariance]}" if used != analysis.covariance else ""
    )
    parts = [f"mixed model for repeated measures, {COVARIANCES[used]} covariance over visits{fallen}"]
    parts += [f"by {analysis.group}"] if analysis.group else []
    parts += [f"random effects {', '.join(analysis.random)}"] if analysis.random else []
    freedom = f"{DEGREES_OF_FREEDOM[analysis.df]} degrees of freedom"
    return ", ".join([*parts, METHODS[analysis.method], freedom])


def _data(design: Design, trial: Trial, analysis: Analysis) -> _Data:
    outcome = trial.estimands[analysis.estimand].outcome
    effects = [random_effect(text) for text in analysis.random]
    needed = ["participant", "visit", outcome, *([analysis.group] if analysis.group else [])]
    needed += [name for effect in effects for name in effect.columns]
    matrix = design.matrix.set_axis(_quotable(design), axis=1)
    own = [name for name in dict.fromkeys(needed) if name not in matrix]
    acting = {f"acts_{k}": _acts(design.rows, e) for k, e in enumerate(effects) if e.column}
    frame = pd.concat([design.rows[own], matrix, pd.DataFrame(acting, index=design.rows.index)], axis=1)
    conditions = [f"acts_{k} == True" if effect.column else "" for k, effect in enumerate(effects)]
    request = Request(
        formula=f"`{outcome}` ~ " + " + ".join(["1", *(f"`{name}`" for name in _quotable(design)[1:])]),
        subject="participant",
        visit="visit",
        covariances=analysis.covariances,
        group=analysis.group or None,
        random=engine_random(effects, conditions),
        method=analysis.method,
        df=analysis.df,
    )
    return _Data(frame, request, tuple(_unclustered(design, effects)))


def _quotable(design: Design) -> list[str]:
    """Return the names of the design's columns; the first is the intercept."""
    return [str(name).replace("`", "'") for name in design.matrix.columns]


def _acts(rows: pd.DataFrame, effect: RandomEffect) -> pd.Series:
    """Return where a conditional random effect acts: in its arm, and where its level is known."""
    known = rows[list(effect.factors)].notna().all(axis=1)
    return (rows[effect.column].astype("object") == effect.level) & known


def _unclustered(design: Design, effects: list[RandomEffect]) -> Iterator[str]:
    """Yield how many participants a conditional effect leaves out because they have no level, such as a therapist."""
    rows = design.rows
    for effect in effects:
        if effect.column:
            here = rows[effect.column].astype("object") == effect.level
            without = rows.loc[here & ~_acts(rows, effect), "participant"].nunique()
            if without:
                where = (
                    design.named([effect.level])
                    if effect.column == "arm"
                    else f"{effect.column} {effect.level}"
                )
                who = "1 participant" if without == 1 else f"{without} participants"
                have = "has" if without == 1 else "have"
                yield f"{who} of {where} {have} no {effect.name}: its effect does not act on them"


def _common(common: Statistic, found: LadderFit, analysis: Analysis, notes: tuple[str, ...]) -> Statistic:
    """Return what the rows of a fit share: the covariance that was used, and what is to be said of it."""
    convergence = found.fit.convergence
    zero = [f"{name} is zero" for name in convergence.at_boundary]
    left = [f"covariance {name} was left: {why}" for name, why in found.left.items()]
    others = ["the likelihood has other optima, all lower"] if convergence.other_optima else []
    return replace(
        common,
        method=method_of(analysis, found.fit.covariance_structure),
        status="boundary" if zero else "ok",
        reason="; ".join([*zero, *left, *others, *notes]),
    )


def _rows(fitted: FittedDesign, trial: Trial, analysis: Analysis) -> Iterator[Statistic]:
    fit, common = fitted.fit, fitted.comparison.common
    yield from fitted.comparison.rows(by_visit=analysis.treatment_by_visit)
    yield from _variances(fit, common)
    if analysis.random:
        yield from clustering_rows(fitted, trial, analysis)
    yield replace(common, statistic="log-likelihood", value=fit.llf, unit="")
    yield replace(common, statistic="aic", value=fit.aic, unit="")


def _combinations(fit: "MMRMFit", weights: Array, dropped: list[str], alpha: float) -> Combinations:
    tests = fit.t_test(weights, alpha=alpha)
    named = ", ".join(dropped) or "its columns"
    reason = f"The data cannot tell {named} from other columns; the combination needs it."
    estimate, se, df, lower, upper, p = (
        tests[name].to_numpy(dtype="float64") for name in ("estimate", "se", "df", "lower", "upper", "p")
    )
    reasons = tuple("" if known else reason for known in tests["estimate"].notna())
    return Combinations(estimate, se, df, lower, upper, p, reasons)


def _variances(fit: "MMRMFit", common: Statistic) -> Iterator[Statistic]:
    """Yield the residual SD of each visit and the correlations of visits, by group, then the random effects."""
    for group, covariance in frames_by_group(fit.covariance).items():
        sd = np.sqrt(np.diag(covariance.to_numpy()))
        correlation = covariance.to_numpy() / np.outer(sd, sd)
        visits = [str(visit) for visit in covariance]
        for place, visit in enumerate(visits):
            yield replace(common, statistic="residual sd", value=float(sd[place]), visit=visit, arm=group)
        for one, other in combinations(range(len(visits)), 2):
            pair, value = f"{visits[one]}, {visits[other]}", float(correlation[one, other])
            yield replace(common, statistic="correlation", value=value, contrast=pair, arm=group, unit="")
    for name, value in fit.random_effects_variances.items():
        if " variance" in str(name):
            effect = str(name).replace(" variance", "")
            yield replace(common, statistic="random effect sd", value=float(np.sqrt(value)), contrast=effect)
