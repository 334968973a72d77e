"""What must be read with an answer: why it was done otherwise, and what it rests on. Not here: the answers."""

from collections.abc import Iterable, Iterator

import pandas as pd

from analysis.reporting import numbers
from analysis.reporting.estimates import USABLE, Estimate, comparison, first
from analysis.reporting.estimates import estimates as rows_of
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial


def remarks(results: pd.DataFrame, trial: Trial, analyses: Iterable[Analysis]) -> tuple[str, ...]:
    """Return a sentence for each answer that is flagged, or that rests on clusters."""
    return tuple(
        f"{analysis.label}: {'; '.join(parts)}."
        for analysis in analyses
        for arm in trial.compared_arms
        if (parts := list(dict.fromkeys(_parts(results, trial, analysis, arm))))
    )


def _parts(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[str]:
    answer, visit = comparison(results, trial, analysis, arm), trial.estimands[analysis.estimand].visit
    if answer is not None and answer.status in USABLE and answer.reason:
        yield answer.reason
    found = {"analysis": analysis.name, "visit": visit}
    for icc in rows_of(results, **found, statistic="intraclass correlation"):
        effect = first(results, **found, statistic="design effect", contrast=icc.contrast)
        limits = f" {numbers.interval(icc.lower, icc.upper, 3)}" if icc.is_estimable else ""
        yield f"intraclass correlation of {icc.contrast} {_of(icc, 3) or icc.reason}{limits}"
        if effect is not None:
            yield f"design effect {_of(effect, 2)}"


def _of(found: Estimate, decimals: int) -> str:
    return numbers.number(found.value, decimals) if found.status in USABLE else ""
