"""Does the effect differ by a baseline variable? Interaction inside the repeated-measures model, then effects.

Not here: the model itself (mmrm), its columns (design).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.comparison import common_row, contrast, not_estimated
from analysis.estimators.design import (
    Design,
    analysed_rows,
    follow_up_design,
    moderated_design,
    moderator_columns,
)
from analysis.estimators.mmrm import FittedDesign, fit_design, method_of
from analysis.results import Statistic
from data_contracts.plan import Analysis, Moderator
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
Step = tuple[str, Mapping[str, float], Mapping[str, float]]  # label, to, from
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A value or level of the moderator, and where its base columns stand there."""

    label: str
    held: Mapping[str, float]
    n: int | None = None  # participants of that level


def estimate(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> list[Statistic]:
    """Return the interaction with its test first, then the arms' differences at the moderator's values.

    The moderator stands in the model with its products with visit and arm. A number is linear: the interaction
    is the change of the difference per unit, the effects are at its quartiles among those analysed, or at
    `at`. Of levels, each is compared with the first. All rows are at the estimand's visit.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis, with `moderator`.
    """
    moderator = trial.moderators[analysis.moderator]
    column = moderator_column(moderator)
    visit = trial.estimands[analysis.estimand].visit
    if reason := _refusal(analysis_set, trial, analysis, column):
        unmoderated = follow_up_design(analysis_set, trial, analysis)
        common = common_row(trial, analysis, unmoderated, method_of(analysis))
        return not_estimated(unmoderated, (visit,), common, "refused", reason)
    design = moderated_design(analysis_set, trial, analysis, column)
    fitted = fit_design(design, trial, analysis)
    if isinstance(fitted, list):
        return [row for row in fitted if row.visit == visit]
    return list(_rows(_named(fitted, moderator), column, visit, analysis))


def moderator_column(moderator: Moderator) -> str:
    """Return the analysis set's column of a moderator: its own, or its outcome at baseline."""
    return moderator.column or f"{moderator.outcome}_baseline"


def _refusal(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, column: str) -> str:
    """Return why a moderator can't be one, or ""."""
    if column not in analysis_set:
        return f"no accepted form has the moderator {analysis.moderator}"
    analysed = analysed_rows(analysis_set, trial, analysis, [visit.code for visit in trial.follow_ups])
    values = analysed[column].dropna()
    if len(analysed) and values.nunique() < 2:
        found = "one value only" if len(values) else "no value"
        return f"the moderator {analysis.moderator} has {found} among those analysed; it needs two or more"
    return ""


def _named(fitted: FittedDesign, moderator: Moderator) -> FittedDesign:
    common = fitted.comparison.common
    method = f"{common.method}; by {moderator.label}"
    return replace(fitted, comparison=replace(fitted.comparison, common=replace(common, method=method)))


def _rows(fitted: FittedDesign, column: str, visit: str, analysis: Analysis) -> Iterator[Statistic]:
    comparison, design = fitted.comparison, fitted.comparison.design
    own = moderator_columns(design, column)
    is_number = bool(pd.api.types.is_numeric_dtype(design.rows[column]))
    places = _values(design, column, own[0], analysis.at) if is_number else list(_levels(design, column, own))
    steps = _unit(own[0]) if is_number else [_step(place, places[0]) for place in places[1:]]
    for arm in design.arms[1:]:
        named = contrast(design, arm)
        weights = [_change(design, arm, visit, to, start) for _, to, start in steps]
        for (label, _, _), row in zip(steps, weights, strict=True):
            yield comparison.row("interaction", row, visit=visit, contrast=named, at=label)
        yield _joint(fitted, np.array(weights), visit, named)
        for place in places:
            row = design.difference_row(arm, visit, place.held)
            found = comparison.row(
                "adjusted mean difference", row, visit=visit, contrast=named, at=place.label
            )
            yield found if place.n is None else replace(found, n=place.n)


def _unit(column: str) -> list[Step]:
    return [("per unit", {column: 1.0}, {column: 0.0})]


def _step(to: Place, start: Place) -> Step:
    return (f"{to.label} against {start.label}", to.held, start.held)


def _change(
    design: Design, arm: str, visit: str, to: Mapping[str, float], start: Mapping[str, float]
) -> Array:
    return design.difference_row(arm, visit, to) - design.difference_row(arm, visit, start)


def _values(design: Design, column: str, base: str, at: tuple[float, ...]) -> list[Place]:
    """Return the declared values, or the quartiles of the participants analysed."""
    values = design.rows.drop_duplicates("participant")[column].astype("float64")
    if at:
        return [Place(f"{value:g}", {base: value}) for value in at]
    found = dict.fromkeys(float(q) for q in np.quantile(values, QUARTILES))
    return [Place(f"{value:g}", {base: value}) for value in found]


def _levels(design: Design, column: str, own: list[str]) -> Iterator[Place]:
    people = design.rows.drop_duplicates("participant")[column].astype("object").value_counts()
    named = {name.partition("[")[2].removesuffix("]"): name for name in own}
    (first,) = set(map(str, people.index)) - set(named)
    for level in (first, *named):
        held = {name: float(name == named.get(level)) for name in own}
        yield Place(level, held, int(people.get(level, 0)))


def _joint(fitted: FittedDesign, weights: Array, visit: str, named: str) -> Statistic:
    """Return the F test that the difference is the same at all values."""
    from analysis.mixed import MixedModelError

    row = replace(
        fitted.comparison.common, statistic="interaction test", visit=visit, contrast=named, unit=""
    )
    try:
        test = fitted.fit.f_test(weights)
    except MixedModelError as error:
        return replace(row, status="not estimable", reason=str(error))
    at = f"{test.numerator_df} and {test.denominator_df:.3g} degrees of freedom"
    return replace(row, value=test.statistic, df=test.denominator_df, p_value=test.p_value, at=at)
