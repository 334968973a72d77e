"""The forest of moderators: each interaction first, then the effect at its values. Not here: estimating them."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import (
    DIFFERENCE,
    Estimate,
    comparison,
    contrast,
    estimates,
    first,
    visit_label,
    why_not,
)
from analysis.reporting.figures import look
from analysis.reporting.figures.forest import Forest, Line, draw_forest, said, scale_of, sides
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Picture
from analysis.reporting.tables.moderators import interaction_words, unit_of, value_words
from data_contracts.plan import Analysis, Estimand
from data_contracts.spec import Arm, Trial
from data_contracts.standing import SHUFFLED, marked

NAME = "subgroup-forest"


def subgroup_figures(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return a forest per estimand whose effect is looked at by a moderator; none without a moderator."""
    asked = dict.fromkeys(a.estimand for a in trial.analyses.values() if a.estimator == "moderator")
    return tuple(_figure(results, trial, trial.estimands[name]) for name in asked)


def _figure(results: pd.DataFrame, trial: Trial, estimand: Estimand) -> Picture:
    outcome, overall = trial.outcomes[estimand.outcome], _overall(results, trial, estimand)
    forest = Forest(
        lines=tuple(_lines(results, trial, estimand)),
        reference=overall[0] if len(overall) == 1 else None,
        scale=scale_of(outcome),
        sides=sides(outcome, trial),
        confidence=trial.primary_analysis.confidence,
    )
    shuffled = is_shuffled(results)
    words = marked(" ".join(said(line) for line in forest.lines), SHUFFLED if shuffled else "")
    when = visit_label(estimand.visit, trial)
    title = f"{outcome.label} at {when}: does the effect differ? Interactions, and effects within groups"
    name = NAME if estimand == trial.primary else f"{NAME}-{estimand.name}"
    return look.picture(draw_forest(forest, is_shuffled=shuffled), name, title, words)


def _overall(results: pd.DataFrame, trial: Trial, estimand: Estimand) -> list[Estimate]:
    """Return the effect in everybody, by the first analysis that asks for it, of each compared arm."""
    asks = (a for a in trial.analyses.values() if a.estimand == estimand.name and a.role != "moderator")
    analysis = trial.primary_analysis if estimand == trial.primary else next(asks, None)
    if analysis is None:
        return []
    found = (comparison(results, trial, analysis, arm) for arm in trial.compared_arms)
    return [one for one in found if one is not None]


def _lines(results: pd.DataFrame, trial: Trial, estimand: Estimand) -> Iterator[Line]:
    for overall in _overall(results, trial, estimand):
        yield Line(
            f"Everybody{_of(overall.contrast, trial)}", "main", overall, says_p=False,
            missing=overall.reason, position=_position(overall.contrast, trial),
        )  # fmt: skip
    for analysis in trial.analyses.values():
        if analysis.estimator == "moderator" and analysis.estimand == estimand.name:
            for arm in trial.compared_arms:
                yield from _moderator(results, trial, analysis, arm)


def _moderator(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[Line]:
    versus, moderator = contrast(arm, trial), trial.moderators[analysis.moderator]
    unit = unit_of(analysis, trial)
    yield Line(f"{moderator.label}{_of(versus, trial)}", "heading", detail=moderator.setting)
    interactions = list(estimates(results, analysis=analysis.name, statistic="interaction", contrast=versus))
    test = first(results, analysis=analysis.name, statistic="interaction test", contrast=versus)
    for found in interactions:
        yield Line(interaction_words(found.at, unit), "beside", found, says_n=False, missing=found.reason)
    if not interactions:
        yield Line("Interaction", "beside", missing=why_not(results, analysis, test))
    elif len(interactions) > 1 and test is not None:
        yield Line(f"Joint test of interaction: {numbers.p_clause(test.p_value)}", "heading")
    for found in estimates(results, analysis=analysis.name, statistic=DIFFERENCE, contrast=versus):
        yield Line(
            value_words(found.at, unit), "own", found, says_p=False,
            missing=found.reason, position=_position(versus, trial),
        )  # fmt: skip


def _of(versus: str, trial: Trial) -> str:
    """Return which arm a comparison is of, where there are several."""
    if len(trial.compared_arms) == 1:
        return ""
    return ", " + next(arm.label for arm in trial.compared_arms if contrast(arm, trial) == versus)


def _position(versus: str, trial: Trial) -> int:
    return 1 + [contrast(arm, trial) for arm in trial.compared_arms].index(versus)
