"""What must be read with an answer: why it was done otherwise, and what it rests on. Not here: the answers."""

from collections.abc import Iterable, Iterator

import pandas as pd

from analysis.estimators.unheld_events import UNHELD
from analysis.reporting import numbers
from analysis.reporting.estimates import USABLE, Estimate, comparison, first
from analysis.reporting.estimates import estimates as rows_of
from analysis.reporting.methods.words import inside, listed
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
    yield from _unheld(results, trial, analysis, arm)
    found = {"analysis": analysis.name, "visit": visit}
    for icc in rows_of(results, **found, statistic="intraclass correlation"):
        effect = first(results, **found, statistic="design effect", contrast=icc.contrast)
        limits = f" {numbers.interval(icc.lower, icc.upper, 3)}" if icc.is_estimable else ""
        yield f"intraclass correlation of {icc.contrast} {_of(icc, 3) or icc.reason}{limits}"
        if effect is not None:
            yield f"design effect {_of(effect, 2)}"


def _unheld(results: pd.DataFrame, trial: Trial, analysis: Analysis, arm: Arm) -> Iterator[str]:
    """Yield how many events an outcome made from events leaves out, since nobody was followed so long."""
    event = trial.events.get(trial.outcomes[trial.estimands[analysis.estimand].outcome].event)
    if event is None:
        return
    found = [
        (own.label, first(results, analysis=UNHELD, outcome=event.name, arm=own.code))
        for own in (trial.reference_arm, arm)
    ]
    if any(row is not None and row.value > 0 for _, row in found):
        shown = listed(f"{_of(row, 0)} in {label}" for label, row in found if row is not None)
        yield (
            f"events after the participant's last dated contact ({inside(event.label)}) are in no outcome: {shown}"
        )


def _of(found: Estimate, decimals: int) -> str:
    return numbers.number(found.value, decimals) if found.status in USABLE else ""
