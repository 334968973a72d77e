"""From an analysis set and a declared imputation to outcomes, events and imputations. Not here: rows of results.

Two declared estimators stand on it: reference_based_mi and tipping_point.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.derive.visits import DAYS_PER_MONTH
from analysis.estimators.design import baseline_column
from data_contracts.plan import Analysis, Imputation
from data_contracts.spec import Trial

if TYPE_CHECKING:
    from analysis.imputation import Analyse, BaseModel, Events, Outcomes, Roles, Sets

SE_METHODS = {
    "jackknife": "jackknife standard error",
    "bootstrap": "bootstrap standard error",
    "rubin": "Rubin's rules",
}
ROUTES = {
    "condmean": "conditional-mean imputation",
    "approxbayes": "approximate Bayesian multiple imputation",
    "bayes": "Bayesian multiple imputation",
}
ANALYSES = {"ancova": "analysis of covariance by visit", "mmrm": "mixed model for repeated measures"}


@dataclass(frozen=True, slots=True, eq=False)
class Imputed:
    """A declared imputation, done: what it rests on, and the completed data."""

    base: "BaseModel"
    outcomes: "Outcomes"
    events: "Events"
    sets: "Sets"
    analyse: "Analyse"
    notes: tuple[str, ...]


def impute(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis) -> Imputed:
    """Return the imputations of a declared analysis, all follow-up visits.

    Everybody of the estimand's population with a baseline and covariates is in; a participant whom no visit
    saw is imputed as a whole.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
        analysis: The declared analysis, with `imputation`.

    Raises:
        ImputationError: too little data, or a model that did not converge.
    """
    from analysis.imputation import MmrmAnalysis, ancova, arranged, base_model

    declared = _declared(analysis)
    rows, notes = _rows(analysis_set, trial, analysis)
    outcomes = arranged(rows, _roles(trial, analysis))
    events = events_of(rows, outcomes, declared)
    if declared.after_event == "set aside":  # nothing was seen after a dropout: this is of declared events
        outcomes = replace(outcomes, y=np.where(events.is_after, np.nan, outcomes.y))
    base = base_model(outcomes, events)
    analyse = MmrmAnalysis(outcomes) if declared.analyse_by == "mmrm" else ancova(outcomes)
    sets = _sets(base, declared, trial.seed)
    return Imputed(base, outcomes, events, sets, analyse, (*notes, *sets.notes))


def method_of(analysis: Analysis) -> str:
    """Return the imputation in words: assumption, route, standard error, model, analysis."""
    from analysis.imputation import TITLES

    declared = _declared(analysis)
    named = [TITLES[declared.strategy]]
    named += [f"{TITLES[own]} in arm {arm}" for arm, own in declared.by_arm.items()]
    named += [f"{TITLES[own]} after {event}" for event, own in declared.by_event.items()]
    clustered = f" by {declared.cluster}" if declared.cluster else ""
    kinds = {
        "jackknife": "",
        "bootstrap": f" ({declared.m} samples)",
        "rubin": f" ({declared.m} imputations)",
    }
    parts = [
        ", ".join(named),
        ROUTES[declared.route],
        f"{SE_METHODS[declared.se]}{clustered}{kinds[declared.se]}",
    ]
    return "; ".join([*parts, f"{ANALYSES[declared.analyse_by]} of the completed data"])


def events_of(rows: pd.DataFrame, outcomes: "Outcomes", declared: Imputation) -> "Events":
    """Return each participant's event: the first declared one, or dropout where that comes earlier.

    Without a declared event the event is the first visit after the last one that was observed.
    """
    from analysis.imputation import Events as Found
    from analysis.imputation import after_last_observed

    by_arm = {arm: declared.by_arm.get(str(arm), declared.strategy) for arm in outcomes.arms}
    dropout = after_last_observed(outcomes, by_arm)
    first, strategies = dropout.first.copy(), list(dropout.strategies)
    place = outcomes.index_of()
    for who, visit, strategy in _declared_events(rows, outcomes, declared):
        number = place[who]
        if visit <= first[number]:
            first[number], strategies[number] = visit, strategy
    return Found(first, tuple(strategies), dropout.n_visits)


def _declared(analysis: Analysis) -> Imputation:
    if analysis.imputation is None:  # the plan's checks forbid it
        raise AssertionError(analysis.name)
    return analysis.imputation


def _declared_events(
    rows: pd.DataFrame, outcomes: "Outcomes", declared: Imputation
) -> Iterator[tuple[str, int, str]]:
    """Yield participant, first affected visit and strategy of the first declared event, if a visit follows it."""
    names = [name for name in declared.by_event if f"event_{name}_day" in rows]
    if not names:
        return
    days = rows["days_since_randomisation"].astype("float64").fillna(rows["month"] * DAYS_PER_MONTH)
    at = {str(visit): number for number, visit in enumerate(outcomes.visits)}
    for who, own in rows.assign(_day=days).groupby("participant", sort=False):
        happened = {name: own[f"event_{name}_day"].iloc[0] for name in names}
        known = {name: float(day) for name, day in happened.items() if not pd.isna(day)}
        if not known:
            continue
        event = min(known, key=lambda name: known[name])
        later = own.loc[own["_day"] > known[event], "visit"]
        if len(later):
            yield str(who), min(at[str(visit)] for visit in later), declared.by_event[event]


def _rows(
    analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return all follow-up rows of those with a baseline and covariates, and how many are without."""
    estimand, declared = trial.estimands[analysis.estimand], _declared(analysis)
    follow_ups = [visit.code for visit in trial.follow_ups]
    needed = [*analysis.covariates, *([analysis.group] if analysis.group else [])]
    needed += [before] if (before := baseline_column(trial, analysis)) else []
    here = analysis_set[analysis_set[f"in_{estimand.population}"] & analysis_set["visit"].isin(follow_ups)]
    whole = here.dropna(subset=needed)
    left = here["participant"].nunique() - whole["participant"].nunique()
    events = [f"event_{name}_day" for name in declared.by_event]
    columns = ["participant", "visit", "arm", "month", "days_since_randomisation", estimand.outcome, *needed]
    columns += [declared.cluster] if declared.cluster else []
    kept = whole[[name for name in dict.fromkeys([*columns, *events]) if name in whole]].reset_index(
        drop=True
    )
    for name in kept:
        if isinstance(kept[name].dtype, pd.CategoricalDtype):
            kept[name] = kept[name].cat.remove_unused_categories()
    note = f"{left} participants without a baseline or a covariate are left out"
    return kept, ((note,) if left else ())


def _roles(trial: Trial, analysis: Analysis) -> "Roles":
    from analysis.imputation import Roles

    declared, before = _declared(analysis), baseline_column(trial, analysis)
    by_visit = {*analysis.covariates_by_visit, *([before] if analysis.baseline_by_visit else [])}
    terms = [*([before] if before else []), *analysis.covariates]
    return Roles(
        outcome=trial.estimands[analysis.estimand].outcome,
        subject="participant",
        visit="visit",
        arm="arm",
        reference=trial.reference_arm.code,
        covariates=[f"{name}*visit" if name in by_visit else name for name in terms],
        analysis_covariates=terms,
        cluster=declared.cluster,
        group=analysis.group,
        covariance=analysis.covariance,
        method=analysis.method,
    )


def _sets(base: "BaseModel", declared: Imputation, seed: int) -> "Sets":
    from analysis.imputation import approximate_bayes, bayes, leave_units_out, resample_units

    if declared.route == "approxbayes":
        return approximate_bayes(base, m=declared.m, seed=seed)
    if declared.route == "bayes":
        return bayes(base, m=declared.m, seed=seed)
    if declared.se == "bootstrap":
        return resample_units(base, samples=declared.m, seed=seed)
    return leave_units_out(base)
