"""Reference-based imputation of one table, without a plan: names and texts in, pooled contrasts and means out.

Not here: reading the file (data_contracts.readers.adhoc), the table's columns and events (adhoc_impute_table),
the texts of deltas (adhoc_delta), what JSON it makes (adhoc_impute_record), imputing (analysis.imputation).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from analysis.estimators.adhoc_delta import added_deltas, grid_of, tipping_of
from analysis.estimators.adhoc_impute_table import (
    ImputeRequest,
    check_request,
    outcomes_and_events,
    request_columns,
)
from data_contracts.errors import EstimationError, Problem, RequestError

if TYPE_CHECKING:
    from analysis.imputation import Analyse, BaseModel, Events, Outcomes, Pooled, Sets, TippingPoint
    from data_contracts.readers.adhoc import AdhocTable

Progress = Callable[[str, int, int], None]  # what, done, of how many


@dataclass(frozen=True, slots=True, eq=False)
class AdhocImputation:
    """What was found, with what was asked for."""

    request: ImputeRequest
    base: "BaseModel"
    pooled: "Pooled"
    counts: pd.DataFrame
    both: pd.DataFrame | None  # Rubin's and the jackknife's SE, for reference-based strategies
    grid: pd.DataFrame | None
    tipping: "Sequence[TippingPoint]" = ()
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()


def impute_adhoc(
    table: "AdhocTable",
    request: ImputeRequest,
    ice: "AdhocTable | None" = None,
    progress: Progress | None = None,
) -> AdhocImputation:
    """Return pooled estimates of a table with a row per participant and visit.

    Raises:
        RequestError: an option, a name or a file of events means nothing for this table.
        EstimationError: too little data, or a model that did not converge.
    """
    from analysis.imputation import base_model, counts

    check_request(request)
    columns = request_columns(table, request)
    tell = progress or (lambda _what, _done, _total: None)
    with _told():
        outcomes, events = outcomes_and_events(columns, request, ice)
        base = base_model(outcomes, events)
        analyse = _analysis(outcomes, request)
        sets = _sets(base, request, tell)
        added = added_deltas(outcomes, events, columns, request)
        pooled = sets.shifted(added).pooled(analyse, alpha=request.alpha)
        both = _both(base, analyse, request, pooled, tell) if not added.any() else None
        grid = grid_of(sets, events, analyse, columns, request)
        tipping = tipping_of(sets, events, analyse, columns, request)
    notes = (
        *table.notes,
        *columns.notes,
        *base.fit.model.notes,
        *_of_events(outcomes, events, ice),
        *_of_clusters(request),
        *sets.notes,
    )
    diagnostics = getattr(sets, "diagnostics", {})
    return AdhocImputation(
        request, base, pooled, counts(outcomes, events), both, grid, tipping, diagnostics, notes
    )


def _analysis(outcomes: "Outcomes", request: ImputeRequest) -> "Analyse":
    from analysis.imputation import MmrmAnalysis, ancova

    return MmrmAnalysis(outcomes) if request.analysis == "mmrm" else ancova(outcomes)


def _sets(base: "BaseModel", request: ImputeRequest, tell: Progress) -> "Sets":
    """Return the route's imputations."""
    from analysis.imputation import approximate_bayes, bayes, leave_units_out, resample_units

    def told(done: int, total: int) -> None:
        tell("imputing", done, total)

    if request.route == "approxbayes":
        return approximate_bayes(base, m=request.m, seed=request.seed, progress=told)
    if request.route == "bayes":
        return bayes(base, m=request.m, seed=request.seed, progress=told)
    if request.se_method == "bootstrap":
        return resample_units(base, samples=request.m, seed=request.seed, progress=told)
    return leave_units_out(base, progress=told)


def _both(
    base: "BaseModel", analyse: "Analyse", request: ImputeRequest, pooled: "Pooled", tell: Progress
) -> pd.DataFrame | None:
    from analysis.imputation import both_errors

    if not (request.side_by_side and base.events.is_reference_based):
        return None
    return both_errors(
        base, analyse, m=max(request.m, 2), seed=request.seed, known=pooled,
        progress=lambda done, total: tell("the other standard error", done, total),
    )  # fmt: skip


def _of_events(outcomes: "Outcomes", events: "Events", ice: "AdhocTable | None") -> Iterator[str]:
    after = events.is_after.any(1)
    if ice is None:
        yield "the intercurrent event is the first visit after the last observed one, as no file of events was given"
    gaps = int((outcomes.is_missing & ~events.is_after).sum())
    if gaps:
        yield f"imputed as missing at random, before an event or without one: {gaps}"
    kept = int((~outcomes.is_missing & ~events.is_mar).sum())
    if kept:
        yield (
            f"observed after an event, set aside from the imputation model, kept in the analysis: {kept};"
            " --after-event impute replaces them"
        )
    yield f"{int(after.sum())} of {outcomes.n} participants have an event"


def _of_clusters(request: ImputeRequest) -> Iterator[str]:
    if request.cluster and request.se_method == "rubin":
        yield "Rubin's rules take participants for independent: --route condmean leaves out, or draws, whole clusters"


@contextmanager
def _told() -> Iterator[None]:
    """Raise what imputation refuses as errors of ours, with their exit codes."""
    from formulaic.errors import FormulaicError

    from analysis.imputation import ImputationError, NotEstimableError
    from analysis.mixed import MixedModelError

    try:
        yield
    except ImputationError as error:
        family = EstimationError if isinstance(error, NotEstimableError) else RequestError
        problems = [Problem(one.where, one.found, one.expected, one.remedy) for one in error.refusals]
        raise family(error.summary, problems) from None
    except (MixedModelError, FormulaicError) as error:
        raise RequestError(f"{' '.join(str(error).split()).rstrip('.')}.") from None
