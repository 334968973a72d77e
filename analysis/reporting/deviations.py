"""What was done otherwise than planned: declared by people, or found by the program. Not here: the table of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from analysis.estimators.counts import POISSON
from analysis.estimators.covariance_ladder import COVARIANCES
from analysis.estimators.ordinal import FIRTH_AT_CUT
from analysis.estimators.responder import FIRTH
from analysis.estimators.second_route.compare import ENDED
from analysis.reporting.content import ReportContent
from analysis.reporting.estimates import Estimate, answer, estimates, is_answered, why_not
from data_contracts.plan import Analysis, Estimand
from data_contracts.spec import Trial
from data_contracts.standing import not_as_locked

Kind = Literal[
    "declared", "fallback", "not estimated", "second route", "no second route", "not as locked", "left aside"
]
FALLEN = re.compile(r", ([^,;]+) covariance over visits, fallen back on from ([^,;]+)")
IN_PLACE: Mapping[str, str] = {  # method that a program takes by itself -> what it takes it in place of
    POISSON: "Poisson regression in place of negative binomial regression.",
    FIRTH: "Firth's penalised likelihood in place of maximum likelihood.",
}


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that was done otherwise, or could not be done."""

    kind: Kind
    what: str
    why: str = ""
    clause: str = ""
    on: str = ""
    analysis: str = ""  # its name; "" of the trial as a whole
    source: str = ""  # key of the results row that says so

    def touches(self, estimand: Estimand, trial: Trial) -> bool:
        """Return whether it is of an estimand's clause, or of an analysis that answers it."""
        own = {a.name: a.clause for a in trial.analyses.values() if a.estimand == estimand.name}
        return self.analysis in own or (self.clause != "" and self.clause in {estimand.clause, *own.values()})


def departures(content: ReportContent) -> tuple[Departure, ...]:
    """Return all departures from the plan, the declared ones first.

    A report that is pooled over arms is told those alone that say nothing of a comparison.
    """
    found = [*_declared(content.trial), *_lock(content.provenance)]
    if content.audience != "open":
        found += [*_by_analysis(content.results, content.trial)]
        found += [Departure("left aside", note) for note in content.notes]
    return tuple(found)


def _declared(trial: Trial) -> Iterator[Departure]:
    for one in trial.deviations:
        analysis = next((a.name for a in trial.analyses.values() if a.clause == one.clause), "")
        on = one.on.isoformat() if one.on else ""
        yield Departure("declared", one.what, one.why, one.clause, on, analysis)


def _lock(provenance: Mapping[str, Any]) -> Iterator[Departure]:
    if said := not_as_locked(provenance.get("lock") or {}):
        yield Departure("not as locked", "The run is not as it was locked.", said)


def _by_analysis(results: pd.DataFrame, trial: Trial) -> Iterator[Departure]:
    for analysis in trial.analyses.values():
        clause = analysis.clause or trial.estimands[analysis.estimand].clause
        for kind, what, why, key in (
            *_taken(results, trial, analysis),
            *_not_estimated(results, trial, analysis),
            *_disagreements(results, trial, analysis),
        ):
            yield Departure(kind, what, why, clause, analysis=analysis.name, source=key)


Found = Iterator[tuple[Kind, str, str, str]]  # kind, what, why, source


def _taken(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> Found:
    """Yield the method that was used where the planned one could not be."""
    answers = (answer(results, trial, analysis, arm) for arm in trial.compared_arms)
    found = next((one for one in answers if is_answered(one)), None)
    if found is not None and (what := _in_place(found)):
        yield "fallback", what, _why(found.reason), found.key
    cuts = {one.at: one for one in estimates(results, analysis=analysis.name, method=FIRTH_AT_CUT)}
    for cut in cuts.values():  # one fit holds all arms
        yield "fallback", f"At the cut “{cut.at}”: {IN_PLACE[FIRTH]}", _why(cut.reason), cut.key


def _in_place(found: Estimate) -> str:
    if fallen := FALLEN.search(found.method):
        used, planned = fallen.groups()
        return f"Covariance over visits: {used} in place of {planned}."
    return next((what for method, what in IN_PLACE.items() if found.method.startswith(method)), "")


def _why(reason: str) -> str:
    """Return a fit's reason with covariances by their names."""
    named = re.sub(r"covariance (\w+) was left", lambda m: f"{COVARIANCES.get(m[1], m[1])} was left", reason)
    return f"{named[:1].upper()}{named[1:].rstrip('.')}." if named else ""


def _not_estimated(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> Found:
    several = len(trial.compared_arms) > 1
    for arm in trial.compared_arms:
        found = answer(results, trial, analysis, arm)
        if not is_answered(found):
            what = f"The comparison of {arm.label} was not estimated." if several else "It was not estimated."
            reason = why_not(results, analysis, found).rstrip(".")
            yield "not estimated", what, f"{reason[:1].upper()}{reason[1:]}.", found.key if found else ""


def _disagreements(results: pd.DataFrame, trial: Trial, analysis: Analysis) -> Found:
    """Yield what a second computation says of an answer; nothing where there is no answer to hold against it."""
    if not any(is_answered(answer(results, trial, analysis, arm)) for arm in trial.compared_arms):
        return
    for row in estimates(results, analysis=analysis.name, statistic="second route", status="failed"):
        if row.reason.startswith(ENDED):
            yield "no second route", "The estimate could not be computed a second way.", row.reason, row.key
        else:
            what = "The estimate and the same computed a second way are not the same."
            yield "second route", what, row.reason, row.key
