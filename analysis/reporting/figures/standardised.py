"""The continuous outcomes side by side, in standard deviations. Not here: dividing by them (estimators)."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from analysis.estimators.standardised import STANDARDISED
from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, contrast, estimates, visit_label
from analysis.reporting.figures import look
from analysis.reporting.figures.forest import Forest, Line, draw_forest, said
from analysis.reporting.headline import is_shuffled
from analysis.reporting.report import Paragraph, Picture
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Arm, Trial
from data_contracts.standing import SHUFFLED, marked

NAME = "standardised-differences"
ROLES = ("primary", "secondary")
TURNED = "Above zero is better: where lower values are better, the sign is changed."

AS_KNOWN = (
    "Each difference and its limits are divided by the standard deviation within arms observed at that visit, which is "
    "taken as known: its own uncertainty is not in the intervals, so they are slightly too narrow."
)


def standardised_figure(results: pd.DataFrame, trial: Trial) -> tuple[Picture, ...]:
    """Return the forest plot of primary and secondary continuous outcomes; none without a secondary one."""
    lines = tuple(_lines(results, trial))
    if all(line.kind == "main" for line in lines):
        return ()
    shuffled = is_shuffled(results)
    words = marked(f"{TURNED} {' '.join(said(line) for line in lines)}", SHUFFLED if shuffled else "")
    figure = draw_forest(_forest(lines, trial), is_shuffled=shuffled)
    return (look.picture(figure, NAME, standardised_title(trial), words),)


def standardised_note(results: pd.DataFrame, trial: Trial) -> tuple[Paragraph, ...]:
    """Return what the figure's intervals leave out; nothing where there is no figure."""
    is_drawn = any(line.kind != "main" for line in _lines(results, trial))
    return (Paragraph(AS_KNOWN, "notes"),) if is_drawn else ()


def standardised_title(trial: Trial) -> str:
    """Return what the figure shows, in a line."""
    level = numbers.level(trial.primary_analysis.confidence)
    return (
        f"Differences in standard deviations with {level} confidence intervals, turned so that more is better"
    )


def turned(found: Estimate, outcome: Outcome) -> Estimate:
    """Return a difference whose sign says who did better, rather than who had more."""
    if outcome.better == "higher":
        return found
    return replace(found, value=-found.value, lower=-found.upper, upper=-found.lower)


def _lines(results: pd.DataFrame, trial: Trial) -> Iterator[Line]:
    """Yield the primary outcome, then the secondary ones in the plan's order, at their estimands' visits."""
    wanted = [a for role in ROLES for a in trial.analyses.values() if a.role == role]
    for analysis in wanted:
        for position, arm in enumerate(trial.compared_arms, start=1):
            found = _found(results, trial, analysis, arm)
            if found is not None:
                yield _line(found, trial, analysis, position)


def _found(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Estimate | None:
    visits = {trial.estimands[analysis.estimand].visit, ""}
    named = {"analysis": analysis.name, "statistic": STANDARDISED, "contrast": contrast(arm, trial)}
    return next((e for e in estimates(results, **named) if e.visit in visits and e.is_estimable), None)


def _line(found: Estimate, trial: Trial, analysis: Analysis, position: int) -> Line:
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    when = visit_label(found.visit, trial) if found.visit else "all visits"
    several = f": {trial.compared_arms[position - 1].label}" if len(trial.compared_arms) > 1 else ""
    is_primary = analysis.role == "primary"
    return Line(
        label=f"{outcome.label}{several}",
        kind="main" if is_primary else "own",
        found=turned(found, outcome),
        detail=f"{'primary; ' if is_primary else ''}{when}; {outcome.better} is better",
        position=position,
        says_p=False,
    )


def _forest(lines: tuple[Line, ...], trial: Trial) -> Forest:
    arms = trial.compared_arms
    return Forest(
        lines=lines,
        reference=None,
        scale="Difference in standard deviations; above zero is better",
        sides=(trial.reference_arm.label, arms[0].label if len(arms) == 1 else "the compared arm"),
        confidence=trial.primary_analysis.confidence,
    )
