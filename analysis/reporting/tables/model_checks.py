"""How each model of the primary outcome fitted: verdict, variances, likelihood. Not here: its estimates."""

from collections.abc import Iterator

import pandas as pd

from analysis.estimators.second_route.compare import ENDED, SECOND_ROUTE
from analysis.reporting import numbers
from analysis.reporting.estimates import USABLE, Estimate, comparison, estimates, first
from analysis.reporting.table import Cell, Column, Row, Table, one_group, row
from analysis.reporting.tables.sensitivity import analyses_of_the_primary_outcome
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

SHOWN = ("participant sd", "residual sd", "log-likelihood", "agreement", "second route")
DISTANCES = ("agreement", "second route")
NO_MODEL = ("tipping_point",)  # its verdict is its answer
DIGITS = 15  # of a number that nobody has rounded
ACROSS = "from the primary"  # the agreement with another route, as against that of two computations of one


def model_checks_table(results: pd.DataFrame, trial: Trial, digits: int = DIGITS) -> Table:
    """Return a row per fitted analysis of the primary outcome.

    Args:
        results: Rows of the results table.
        trial: The trial.
        digits: How many digits the numbers of these rows have.
    """
    headings = (
        "Participant SD",
        "Residual SD",
        "Log-likelihood",
        "Agreement",
        "Second route",
        "From the primary",
    )
    return Table(
        name="checks-table",
        caption="How the models fitted",
        columns=(
            Column("Analysis", "text"),
            Column("Verdict", "text"),
            Column("Observations"),
            *(Column(heading) for heading in headings),
        ),
        groups=one_group(_rows(results, trial, digits)),
        notes=(
            "Verdict: ok; boundary (a variance is zero); refused (the data can't carry the model); failed.",
            "Residual SD: at the visit of the question, where it differs between visits.",
            "Agreement: the largest distance of a coefficient from an independent computation, in its SE.",
            "Second route: the distance of the estimate from the same computed another way, in its SE.",
            "From the primary: the distance of a cross-check's estimate from the primary one, in the latter's SE.",
        ),
    )


def _rows(results: pd.DataFrame, trial: Trial, digits: int) -> Iterator[Row]:
    for analysis in analyses_of_the_primary_outcome(trial):
        answer = comparison(results, trial, analysis, trial.compared_arms[0]) or first(
            results, analysis=analysis.name
        )
        found = _found(results, trial, analysis)
        if answer is not None and (found or answer.status != "ok") and analysis.estimator not in NO_MODEL:
            seen = Cell(
                numbers.ABSENT if answer.n_observations is None else str(answer.n_observations), answer.key
            )
            reason = answer.reason if answer.status != "ok" else ""
            verdict = Cell(answer.status, answer.key, detail=reason)
            held = found if answer.status in USABLE else {n: e for n, e in found.items() if n != SECOND_ROUTE}
            shown = (_cell(held.get(name), digits) for name in (*SHOWN, ACROSS))
            yield row(analysis.label, verdict, seen, *shown)


def _found(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> dict[str, Estimate]:
    """Return an analysis's statistics of fit; of those by visit, the one at its estimand's visit."""
    visits = {"", trial.estimands[analysis.estimand].visit}
    rows = [e for e in estimates(results, analysis=analysis.name) if e.visit in visits]
    return {
        ACROSS if e.contrast and e.statistic == "agreement" else e.statistic: e
        for e in rows
        if e.statistic in SHOWN and (not e.contrast or e.statistic in DISTANCES)
    }


def _cell(found: Estimate | None, digits: int) -> Cell:
    if found is None:
        return Cell(numbers.ABSENT)
    if found.statistic in DISTANCES:
        if found.status == "failed":
            said = "not computed" if found.reason.startswith(ENDED) else "disagrees"
            return Cell(said, found.key, detail=found.reason)
        small = 0 <= found.value < 0.0005
        return Cell("<0.001" if small else numbers.number(found.value, 3), found.key)
    most = 3 if found.statistic == "log-likelihood" else 2
    return Cell(numbers.number(found.value, numbers.decimals_within(found.value, digits, most)), found.key)
