"""The forest of sensitivity analyses: the primary result first, then what supports or questions it. Not here: them."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting.estimates import DIFFERENCE, OVERALL, comparison, visit_label, why_not
from analysis.reporting.figures import look
from analysis.reporting.figures.forest import Forest, Kind, Line, draw_forest, said, scale_of, sides
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from analysis.reporting.tables.sensitivity import ROLES, analyses_of_the_primary_outcome
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial
from data_contracts.standing import SHUFFLED, marked

NAME = "sensitivity-forest"
ON_THE_SCALE = (DIFFERENCE, OVERALL, "complier average causal effect")
HOLLOW = "Hollow: in other people, or about another question."


def sensitivity_figure(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the forest; none when the primary analysis stands alone."""
    lines = tuple(_lines(results, trial))
    if sum(line.kind != "heading" for line in lines) <= len(trial.compared_arms):
        return ()
    outcome, arms = trial.outcomes[trial.primary.outcome], trial.compared_arms
    forest = Forest(
        lines=lines,
        reference=comparison(results, trial, trial.primary_analysis, arms[0]) if len(arms) == 1 else None,
        scale=scale_of(outcome),
        sides=sides(outcome, trial),
        confidence=trial.primary_analysis.confidence,
        stands_for=HOLLOW if any(line.kind == "other" for line in lines) else "",
    )
    shuffled = is_shuffled(results)
    words = marked(" ".join(said(line) for line in lines), SHUFFLED if shuffled else "")
    title = f"{outcome.label} at {visit_label(trial.primary.visit, trial)}: the primary question asked in other ways"
    return (look.picture(draw_forest(forest, is_shuffled=shuffled), NAME, title, words),)


def _lines(results: pd.DataFrame, trial: Trial) -> Iterator[Line]:
    """Yield a heading and its analyses by role; a tipping point is no estimate and has its own figure."""
    every = [a for a in analyses_of_the_primary_outcome(trial) if a.estimator != "tipping_point"]
    for role, label in ROLES.items():
        own = [analysis for analysis in every if analysis.role == role]
        if own and role != "primary":
            yield Line(label, "heading")
        for analysis in own:
            for position, arm in enumerate(trial.compared_arms, start=1):
                yield _line(results, trial, analysis, arm, position)


def _line(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm, position: int) -> Line:
    found = comparison(results, trial, analysis, arm)
    missing = why_not(results, analysis, found)
    detail = _detail(trial, analysis, over_all_visits=found is not None and not found.visit)
    if found is not None and found.statistic not in ON_THE_SCALE:
        missing, found = f"its answer, a {found.statistic}, has another scale", None
    of = f": {arm.label}" if len(trial.compared_arms) > 1 else ""
    kind: Kind = "main" if analysis.role == "primary" else "other" if detail else "own"
    return Line(f"{analysis.label}{of}", kind, found, detail, position=position, missing=missing)


def _detail(trial: Trial, analysis: Analysis, *, over_all_visits: bool) -> str:
    """Return in what the analysis' question differs from the primary one."""
    estimand = trial.estimands[analysis.estimand]
    parts = []
    if estimand.population != trial.primary.population:
        parts.append(trial.populations[estimand.population].label.partition(":")[0])
    elif estimand != trial.primary:
        parts.append(estimand.label)
    if over_all_visits and analysis.estimator != "cace":
        parts.append("over all visits")
    elif estimand.visit != trial.primary.visit:
        parts.append(f"at {visit_label(estimand.visit, trial)}")
    return "; ".join(parts)
