"""How far the cross-checks of the primary comparison lie from it. Not here: either's estimates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

COMPARISONS = ("adjusted mean difference", "treatment effect")
USABLE = ("ok", "boundary")
Found = Mapping[str, Sequence[Statistic]]  # analysis -> its rows


def agreement_rows(found: Found, trial: Trial, analysis: Analysis) -> Iterator[Statistic]:
    """Yield, for each contrast, the distance of a cross-check from the primary estimate in the latter's SE.

    Args:
        found: The rows of each analysis.
        trial: The trial.
        analysis: A cross-check of the primary estimand; of any other analysis there is nothing to say.
    """
    primary = trial.primary_analysis
    if analysis.role != "cross-check" or analysis.estimand != primary.estimand:
        return
    answers = {row.contrast: row for row in _answers(found[primary.name], trial)}
    for row in _answers(found[analysis.name], trial):
        if (other := answers.get(row.contrast)) is not None and other.visit == row.visit:
            yield replace(
                Statistic("agreement", abs(row.value - other.value) / other.se),
                visit=row.visit,
                contrast=row.contrast,
                method=f"distance of {analysis.name} from {primary.name}, in standard errors of {primary.name}",
                n=row.n,
                n_observations=row.n_observations,
            )


def _answers(rows: Sequence[Statistic], trial: Trial) -> Iterator[Statistic]:
    """Yield the usable comparisons at the primary visit, or over all visits."""
    for row in rows:
        asked = row.statistic in COMPARISONS and row.visit in {trial.primary.visit, ""}
        if asked and row.status in USABLE and isfinite(row.value) and row.se > 0:
            yield row
