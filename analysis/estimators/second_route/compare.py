"""Hold each published estimate against its second route; a disagreement is a row that says so.

Not here: the second routes (routes), what follows from a disagreement (assets.results).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, isnan, log, nan

import numpy as np
import pandas as pd

from analysis.estimators.second_route.routes import ROUTES, USABLE, Again, Answer, Tolerance
from analysis.results import Statistic, alone
from data_contracts.plan import Analysis
from data_contracts.spec import Trial

SECOND_ROUTE = "second route"
ENDED = "the second route ended"  # a reason of "failed" that begins so tells of no disagreement


def second_route_rows(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, found: Sequence[Statistic]
) -> list[Statistic]:
    """Return a row per compared estimate: its distance from the second route, in standard errors.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis.
        found: Its published rows.

    Returns:
        Rows with statistic "second route": of status "ok"; "failed", with a reason, where the routes disagree;
        "not estimable" where there was nothing to compare. None for an estimator without a second route.
    """
    route = ROUTES.get(analysis.estimator)
    if route is None or not any(row.status in USABLE and row.se > 0 for row in found):
        return []
    try:
        again = route(analysis_set, trial, analysis, found)
    except (np.linalg.LinAlgError, FloatingPointError) as error:
        return [Statistic(SECOND_ROUTE, nan, status="failed", reason=f"{ENDED}: {error}")]
    return [*_as_a_whole(again), *(_compared(answer, again, found) for answer in again.answers)]


def _as_a_whole(again: Again) -> list[Statistic]:
    empty = Statistic(SECOND_ROUTE, nan, method=again.method)
    if again.not_done:
        return [replace(empty, status="not estimable", reason=again.not_done)]
    return [replace(empty, status="failed", reason=again.disagrees)] if again.disagrees else []


def _compared(answer: Answer, again: Again, found: Sequence[Statistic]) -> Statistic:
    row = next(r for r in found if _is_of(r, answer))
    value, se = (log(row.value), row.se / row.value) if answer.is_log else (row.value, row.se)
    apart = abs(value - answer.value) / se
    wide = 0.0 if isnan(answer.se) else abs(se / answer.se - 1)
    agrees = apart <= again.tolerance.estimate and wide <= again.tolerance.se
    return replace(
        alone(row, SECOND_ROUTE, apart),
        unit="",
        at=row.statistic,
        method=f"{again.method}: {again.tolerance.why}",
        status="ok" if agrees else "failed",
        reason="" if agrees else _disagreement(apart, wide, again.tolerance),
    )


def _disagreement(apart: float, wide: float, tolerance: Tolerance) -> str:
    if not isfinite(apart) or not isfinite(wide):
        return f"{ENDED}: it has no estimate"
    return (
        f"the routes disagree: estimates {apart:.2g} standard errors apart (allowed {tolerance.estimate:g}), "
        f"standard errors apart by {wide:.2g} of their size (allowed {tolerance.se:g})"
    )


def _is_of(row: Statistic, answer: Answer) -> bool:
    same = (row.statistic, row.contrast, row.visit) == (answer.statistic, answer.contrast, answer.visit)
    return same and row.status in USABLE
