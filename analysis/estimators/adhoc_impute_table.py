"""What an ad-hoc imputation asks for, and the table it is asked of: columns, strategies, events.

Not here: imputing (adhoc_impute), the texts of deltas (adhoc_delta).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.estimators.adhoc_columns import Columns, prepared, refused_columns
from data_contracts.errors import Problem, RequestError

if TYPE_CHECKING:
    from analysis.imputation import Events, Outcomes, Roles
    from data_contracts.readers.adhoc import AdhocTable

ERRORS = {"condmean": ("jackknife", "bootstrap"), "approxbayes": ("rubin",), "bayes": ("rubin",)}


@dataclass(frozen=True, slots=True)
class ImputeRequest:
    """An imputation as a command line asks for it."""

    outcome: str
    subject: str
    visit: str
    arm: str
    reference: str
    covariates: str = ""  # terms of the imputation model, between commas; arm × visit is always in it
    analysis_covariates: str = ""  # terms of the analysis of each visit, between commas
    strategies: Sequence[str] = ("mar",)  # one for all, or ARM=STRATEGY
    route: str = "condmean"
    se: str = ""  # empty: the route's first
    cluster: str = ""
    covariance: str = "us"
    group: str = ""
    method: str = "reml"
    analysis: str = "ancova"
    m: int = 100
    seed: int = 1
    alpha: float = 0.05
    after_event: str = "keep"  # or "impute": outcomes observed after an event are imputed too
    deltas: Sequence[str] = ()
    grid: Sequence[str] = ()
    tipping: Sequence[str] = ()
    side_by_side: bool = True

    @property
    def se_method(self) -> str:
        """Return where standard errors come from."""
        return self.se or ERRORS[self.route][0]


def check_request(request: ImputeRequest) -> None:
    """Refuse a standard error that a route does not have."""
    usual = ERRORS[request.route]
    if request.se_method not in usual:
        found = f"--se {request.se} with --route {request.route}"
        remedy = "Conditional means have no spread for Rubin's rules; random imputations are pooled by them."
        problem = Problem("standard error", found, f"--se {' or '.join(usual)}", remedy)
        raise RequestError("These two do not go together.", [problem])


def request_columns(table: "AdhocTable", request: ImputeRequest) -> Columns:
    """Return the table with visit, arm, group and cluster as factors."""
    both = f"{request.covariates}, {request.analysis_covariates}"
    factors = [name for name in (request.visit, request.arm, request.group, request.cluster) if name]
    if problems := [*_unknown(table, request), *refused_columns(table, both, numeric="", factors=factors)]:
        raise RequestError("The columns are not what imputation needs.", problems)
    columns = prepared(table, both, factors)
    subject = columns.frame[request.subject].map(_name)
    return replace(columns, frame=columns.frame.assign(**{request.subject: subject}))


def _unknown(table: "AdhocTable", request: ImputeRequest) -> Iterator[Problem]:
    shown = ", ".join(map(str, table.frame.columns[:12]))
    roles = {
        "--outcome": request.outcome, "--subject": request.subject, "--visit": request.visit, "--arm": request.arm,
        "--cluster": request.cluster, "--group": request.group,
    }  # fmt: skip
    for option, name in roles.items():
        if name and name not in table.frame:
            yield Problem(option, repr(name), f"one of the columns: {shown}")
    if request.outcome in table.mixed:
        found = table.mixed[request.outcome]
        yield Problem(
            f"column {request.outcome}",
            found,
            "numbers",
            "Mend them, or name what means missing with --missing.",
        )


def _name(value: Any) -> Any:
    """Return a participant's name as text, so that 7 in one file is 7.0 in another."""
    from data_contracts.readers.raw import code_of

    if pd.isna(value):
        return None
    return code_of(value) if isinstance(value, float) else str(value)


def _terms(text: str) -> tuple[str, ...]:
    """Return the terms between commas; a comma inside brackets, as in C(site, contr.sum), is the term's own."""
    depth, terms = 0, [""]
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            terms.append("")
        else:
            terms[-1] += sign
    return tuple(term.strip() for term in terms if term.strip())


def outcomes_and_events(
    columns: Columns, request: ImputeRequest, ice: "AdhocTable | None"
) -> "tuple[Outcomes, Events]":
    """Return the trial and its events: listed, or after the last observed visit."""
    from analysis.imputation import after_last_observed, arranged, listed_events, without_set_aside

    outcomes = arranged(columns.frame, _roles(columns, request))
    strategy = _strategies(columns, request)
    if ice is None:
        events = after_last_observed(outcomes, strategy)
    else:
        events = listed_events(outcomes, _event_table(ice, columns, request), strategy)
    return (without_set_aside(outcomes, events) if request.after_event == "impute" else outcomes), events


def _roles(columns: Columns, request: ImputeRequest) -> "Roles":
    from analysis.imputation import Roles

    return Roles(
        outcome=request.outcome, subject=request.subject, visit=request.visit, arm=request.arm,
        reference=columns.level(request.arm, request.reference),
        covariates=_terms(request.covariates), analysis_covariates=_terms(request.analysis_covariates),
        cluster=request.cluster, group=request.group, covariance=request.covariance, method=request.method,
    )  # fmt: skip


def _strategies(columns: Columns, request: ImputeRequest) -> str | dict[Any, str]:
    """Return one strategy for all, or one by arm."""
    given = [text.partition("=") for text in request.strategies]
    plain = [name for name, mark, _ in given if not mark]
    if len(plain) > 1 or (plain and len(given) > 1):
        found = ", ".join(request.strategies)
        problem = Problem("--strategy", found, "one strategy for all, or ARM=STRATEGY for each arm")
        raise RequestError("The strategies contradict each other.", [problem])
    if plain:
        return plain[0]
    return {columns.level(request.arm, arm.strip()): name.strip() for arm, _, name in given}


def _event_table(ice: "AdhocTable", columns: Columns, request: ImputeRequest) -> pd.DataFrame:
    """Return the events under the names participant, visit and strategy; the data's own names serve too."""
    from analysis.imputation.events import PARTICIPANT, STRATEGY, VISIT

    known = {request.subject: PARTICIPANT, request.visit: VISIT}
    names = {name: known.get(name, name.casefold()) for name in map(str, ice.frame.columns)}
    table = ice.frame.rename(columns=names)
    if PARTICIPANT in table:
        table[PARTICIPANT] = table[PARTICIPANT].map(_name)
    if VISIT in table:
        labels = columns.labels.get(request.visit, {})
        table[VISIT] = table[VISIT].map(_name).map(lambda name: labels.get(name, name))
    return table[[name for name in (PARTICIPANT, VISIT, STRATEGY) if name in table]]
