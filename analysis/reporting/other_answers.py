"""What other analyses of the primary outcome say beside the headline. Not here: their table (sensitivity)."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting.estimates import DIFFERENCE, OVERALL, Estimate, comparison
from analysis.reporting.methods.words import in_words, opening
from analysis.reporting.tables.sensitivity import analyses_of_the_primary_outcome
from data_contracts.spec import Arm, Trial

ON_THE_SCALE = (DIFFERENCE, OVERALL, "complier average causal effect")  # differences, of which zero is none


def doubts(results: pd.DataFrame, trial: Trial, arm: Arm) -> str:
    """Return how many other analyses of the primary outcome have zero in their interval, and which; which have none.

    Returns:
        Sentences; "" where there is nothing to say.
    """
    others = dict(_others(results, trial, arm))
    known = {label: found for label, found in others.items() if found is not None}
    unsure = [label for label, found in known.items() if found.lower <= 0 <= found.upper]
    unknown = [label for label in others if label not in known]
    limited = " that could be estimated" if unknown else ""
    return " ".join(filter(None, (_unsure(unsure, len(known), limited), _unknown(unknown))))


def _unsure(labels: list[str], among: int, limited: str) -> str:
    if not labels:
        return ""
    which = (
        f"{in_words(len(labels))} of the {in_words(among)} other analyses"
        if among > 1
        else "the one other analysis"
    )
    return f"In {which} of this outcome{limited} the interval includes zero (no difference): {'; '.join(labels)}."


def _unknown(labels: list[str]) -> str:
    if not labels:
        return ""
    which = f"{in_words(len(labels))} other {'analysis' if len(labels) == 1 else 'analyses'} of this outcome"
    return f"{opening(which)} could not be estimated: {'; '.join(labels)}."


def _others(results: pd.DataFrame, trial: Trial, arm: Arm) -> Iterator[tuple[str, Estimate | None]]:
    """Yield the label and the answer of each, None where there is none; a tipping point has none of its own."""
    for analysis in analyses_of_the_primary_outcome(trial):
        if analysis.role == "primary" or analysis.estimator == "tipping_point":
            continue
        found = comparison(results, trial, analysis, arm)
        if found is not None and not found.is_estimable:
            yield analysis.label, None
        elif found is not None and found.statistic in ON_THE_SCALE:
            yield analysis.label, found
