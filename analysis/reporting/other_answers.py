"""What other analyses of the primary outcome say beside the headline. Not here: their table (sensitivity)."""

from collections.abc import Iterator

import pandas as pd

from analysis.reporting.estimates import DIFFERENCE, OVERALL, Estimate, comparison
from analysis.reporting.methods.words import in_words
from analysis.reporting.tables.sensitivity import analyses_of_the_primary_outcome
from data_contracts.spec import Arm, Trial

ON_THE_SCALE = (DIFFERENCE, OVERALL, "complier average causal effect")  # differences, of which zero is none


def doubts(results: pd.DataFrame, trial: Trial, arm: Arm) -> str:
    """Return how many other analyses of the primary outcome have no difference in their interval, and which.

    Returns:
        A sentence; "" where there is none.
    """
    others = dict(_others(results, trial, arm))
    unsure = [label for label, found in others.items() if found.lower <= 0 <= found.upper]
    if not unsure:
        return ""
    if len(others) == 1:
        return f"In the one other analysis of this outcome the interval includes no difference: {unsure[0]}."
    which = f"{in_words(len(unsure))} of the {in_words(len(others))} other analyses"
    return f"In {which} of this outcome the interval includes no difference: {'; '.join(unsure)}."


def _others(results: pd.DataFrame, trial: Trial, arm: Arm) -> Iterator[tuple[str, Estimate]]:
    """Yield the label and the answer of each; a tipping point has none of its own."""
    for analysis in analyses_of_the_primary_outcome(trial):
        if analysis.role == "primary" or analysis.estimator == "tipping_point":
            continue
        found = comparison(results, trial, analysis, arm)
        if found is not None and found.is_estimable and found.statistic in ON_THE_SCALE:
            yield analysis.label, found
