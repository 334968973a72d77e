"""The primary result in one plain sentence per comparison. Not here: the tables behind it."""

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, comparison, visit_label, why_not
from data_contracts.plan import Outcome
from data_contracts.spec import Arm, Trial
from data_contracts.standing import SHUFFLED, marked

Verdict = Literal["better", "worse", "no clear difference", "not estimable"]


@dataclass(frozen=True, slots=True)
class Headline:
    """What the primary comparison of one arm with the reference says."""

    verdict: Verdict
    sentence: str
    detail: str = ""
    estimate: Estimate | None = None


def headlines(results: pd.DataFrame, trial: Trial) -> tuple[Headline, ...]:
    """Return a headline for each arm that is compared with the reference, marked where arms are shuffled."""
    said = (_headline(results, trial, arm) for arm in trial.compared_arms)
    allocation = SHUFFLED if is_shuffled(results) else ""
    return tuple(replace(one, sentence=marked(one.sentence, allocation)) for one in said)


def is_shuffled(results: pd.DataFrame) -> bool:
    """Return whether results are of a shuffled allocation."""
    return "allocation" in results and bool((results["allocation"] == SHUFFLED).any())


def _headline(results: pd.DataFrame, trial: Trial, arm: Arm) -> Headline:
    found = comparison(results, trial, trial.primary_analysis, arm)
    if found is None or not found.is_estimable:
        return _not_estimable(trial, arm, why_not(results, trial.primary_analysis, found))
    outcome = trial.outcomes[trial.primary.outcome]
    verdict = verdict_of(found, outcome)
    say = _no_clear_difference if verdict == "no clear difference" else _clear_difference
    sentence, detail = say(found, trial, arm)
    if found.status == "boundary":
        reason = found.reason or "see the checks of the model"
        detail = f"{detail} The model's fit lies on a boundary: {reason}.".strip()
    return Headline(verdict, sentence, detail, found)


def verdict_of(found: Estimate, outcome: Outcome) -> Verdict:
    """Return which arm did better; an interval that holds or touches zero is no clear difference."""
    if found.lower <= 0 <= found.upper:
        return "no clear difference"
    return "better" if (found.value > 0) == (outcome.better == "higher") else "worse"


def _clear_difference(found: Estimate, trial: Trial, arm: Arm) -> tuple[str, str]:
    outcome = trial.outcomes[trial.primary.outcome]
    direction = "higher" if found.value > 0 else "lower"
    sentence = (
        f"{_outcome_when(found, trial)} was {direction}, which is {verdict_of(found, outcome)}, "
        f"with {arm.label} than with {trial.reference_arm.label}: {_figures(found, outcome)}."
    )
    return sentence, ""


def _no_clear_difference(found: Estimate, trial: Trial, arm: Arm) -> tuple[str, str]:
    outcome, reference = trial.outcomes[trial.primary.outcome], trial.reference_arm.label
    sentence = (
        f"{_outcome_when(found, trial)}: no clear difference between {arm.label} and {reference}: "
        f"{_figures(found, outcome)}."
    )
    limits = (found.lower, found.upper) if outcome.better == "higher" else (found.upper, found.lower)
    for_reference, for_arm = (_amount(limit, found, outcome) for limit in limits)
    detail = (
        f"The interval includes no difference: it reaches from {for_reference} in favour of {reference} "
        f"to {for_arm} in favour of {arm.label}."
    )
    return sentence, detail


def _not_estimable(trial: Trial, arm: Arm, reason: str) -> Headline:
    outcome, visit = trial.outcomes[trial.primary.outcome], visit_label(trial.primary.visit, trial)
    sentence = (
        f"{outcome.label} at {visit}: the comparison of {arm.label} with {trial.reference_arm.label} "
        "could not be estimated."
    )
    return Headline(
        "not estimable", sentence, f"Reason: {reason.rstrip('.')}. No conclusion can be drawn from it."
    )


def _outcome_when(found: Estimate, trial: Trial) -> str:
    outcome = trial.outcomes[trial.primary.outcome]
    return f"{outcome.label} {f'at {visit_label(found.visit, trial)}' if found.visit else 'over all visits'}"


def _figures(found: Estimate, outcome: Outcome) -> str:
    limits = numbers.interval(found.lower, found.upper, found.decimals).strip("()")
    shown = _with_unit(numbers.number(found.value, found.decimals), outcome)
    level, p = numbers.level(found.confidence), numbers.p_clause(found.p_value)
    return f"difference {shown} ({level} CI {limits}; {p})"


def _amount(limit: float, found: Estimate, outcome: Outcome) -> str:
    return _with_unit(numbers.number(abs(limit), found.decimals), outcome)


def _with_unit(shown: str, outcome: Outcome) -> str:
    return f"{shown} {outcome.unit}".strip()
