"""The primary result in one plain sentence per comparison. Not here: the tables behind it."""

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate, comparison, visit_label, why_not
from analysis.reporting.other_answers import doubts
from data_contracts.plan import Family, Outcome
from data_contracts.spec import Arm, Trial
from data_contracts.standing import SHUFFLED, marked

HELD_BACK = {  # state of a comparison in its family of hypotheses -> why nothing is claimed of it
    "not rejected": "p adjusted for its family of hypotheses{} does not reject it, so no difference is claimed",
    "not tested": "in its family of hypotheses{} one before it is not rejected, so no difference is claimed",
    "": "the results table does not say what its family of hypotheses{} decides, so no difference is claimed",
}
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
    verdict = verdict_of(found, trial)
    if verdict == "no clear difference":
        sentence, details = _no_clear_difference(found, trial, arm), [_left_open(found, trial, arm)]
    else:
        sentence, details = _clear_difference(found, trial, arm), [doubts(results, trial, arm)]
    if found.status == "boundary":
        reason = found.reason or "see the checks of the model"
        details.append(f"The model's fit lies on a boundary: {reason}.")
    return Headline(verdict, sentence, " ".join(filter(None, details)), found)


def verdict_of(found: Estimate, trial: Trial) -> Verdict:
    """Return which arm did better.

    An interval that holds or touches zero is no clear difference; nor is what its family does not reject.
    """
    if _includes_zero(found) or not is_rejected(found, trial):
        return "no clear difference"
    return (
        "better"
        if (found.value > 0) == (trial.outcomes[trial.primary.outcome].better == "higher")
        else "worse"
    )


def is_rejected(found: Estimate, trial: Trial) -> bool:
    """Return whether the family of the primary analysis rejects a comparison; true where there is no family."""
    return found.gate == "rejected" or not (found.family or _family(trial))


def _family(trial: Trial) -> Family | None:
    name = trial.primary_analysis.name
    return next((family for family in trial.families.values() if name in family.members), None)


def _includes_zero(found: Estimate) -> bool:
    return found.lower <= 0 <= found.upper


def _clear_difference(found: Estimate, trial: Trial, arm: Arm) -> str:
    outcome = trial.outcomes[trial.primary.outcome]
    direction = "higher" if found.value > 0 else "lower"
    return (
        f"{_outcome_when(found, trial)} was {direction}, which is {verdict_of(found, trial)}, "
        f"with {arm.label} than with {trial.reference_arm.label}: {_figures(found, outcome)}."
    )


def _no_clear_difference(found: Estimate, trial: Trial, arm: Arm) -> str:
    outcome, reference = trial.outcomes[trial.primary.outcome], trial.reference_arm.label
    return (
        f"{_outcome_when(found, trial)}: no clear difference between {arm.label} and {reference}: "
        f"{_figures(found, outcome)}."
    )


def _left_open(found: Estimate, trial: Trial, arm: Arm) -> str:
    """Return what an unclear result leaves possible, or why one may not be claimed."""
    if not _includes_zero(found):
        return _not_rejected(found, trial)
    outcome, reference = trial.outcomes[trial.primary.outcome], trial.reference_arm.label
    limits = (found.lower, found.upper) if outcome.better == "higher" else (found.upper, found.lower)
    for_reference, for_arm = (_amount(limit, found, outcome) for limit in limits)
    return (
        f"The interval includes zero (no difference): it reaches from {for_reference} in favour of {reference} "
        f"to {for_arm} in favour of {arm.label}."
    )


def _not_rejected(found: Estimate, trial: Trial) -> str:
    family = _family(trial)
    named = f" (“{family.label}”)" if family else ""
    return f"The interval by itself excludes zero (no difference), but {HELD_BACK[found.gate].format(named)}."


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
    adjusted = f", adjusted {numbers.p_clause(found.p_adjusted)}" if found.is_adjusted else ""
    return f"difference {shown} ({level} CI {limits}; {p}{adjusted})"


def _amount(limit: float, found: Estimate, outcome: Outcome) -> str:
    return _with_unit(numbers.number(abs(limit), found.decimals), outcome)


def _with_unit(shown: str, outcome: Outcome) -> str:
    return f"{shown} {outcome.unit}".strip()
