"""Methods of outcomes imputed first: by reference, and shifted until the conclusion tips. Not here: others."""

from collections.abc import Callable, Iterator

from analysis.estimators.covariance_ladder import COVARIANCES
from analysis.reporting import numbers
from analysis.reporting.estimates import NOTHING_TO_TIP, USABLE, Estimate
from analysis.reporting.methods.asked import Asked
from analysis.reporting.methods.linear import LIKELIHOODS
from analysis.reporting.methods.words import adjusted_for, inside, listed, outcome_words, visit_words
from data_contracts.plan import Imputation, ImputationStrategy

ASSUMED: dict[ImputationStrategy, str] = {
    "mar": "to be missing at random given arm, covariates and the outcomes observed",
    "j2r": "to have followed the reference arm from the event on (jump to reference)",
    "cr": "to have followed the reference arm throughout (copy reference)",
    "cir": "to have kept the difference reached by then and changed as in the reference arm from there on (copy "
    "increments in reference)",
    "lmcf": "to have stayed at the mean of the last visit before the event (last mean carried forward)",
}
ROUTES = {
    "condmean": "by their conditional mean, at one estimate of the model's parameters",
    "approxbayes": "by multiple imputation, its parameters drawn by the bootstrap",
    "bayes": "by multiple imputation, its parameters drawn from their posterior distribution",
}
ANALYSED = {"ancova": "analysis of covariance at each visit", "mmrm": "the same mixed model"}
SEEN_LATER = {
    "set aside": "set aside and imputed",
    "used": "used as they were, but to fit the imputation model only where taken to be missing at random",
}
BESIDE = {"rubin": "Rubin's rules", "jackknife": "the jackknife"}


def by_reference(asked: Asked) -> Iterator[str]:
    """Yield the sentences of an imputation under a stated assumption."""
    declared = _declared(asked)
    yield (
        f"Missing values of {inside(outcome_words(asked.trial, asked.analysis))} at "
        f"{visit_words(asked.trial.follow_ups)} {'were' if asked.found else 'were to be'} imputed "
        f"{ROUTES[declared.route]}, from a mixed model for repeated measures "
        f"({_model(asked)}){adjusted_for(asked.trial, asked.analysis)}"
    )
    if not asked.found:
        return
    yield f"Missing outcomes were taken {_assumption(asked, declared)}"
    if declared.by_event:
        yield _after_event(asked, declared)
    if _departs(declared):
        yield _when(asked, declared)
    yield f"The completed outcomes were compared between arms by {ANALYSED[declared.analyse_by]}"
    yield _errors(asked, declared)


def tipped(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a tipping-point analysis."""
    yield from by_reference(asked)
    if not asked.found or asked.analysis.tipping is None:
        return
    tipping, level = asked.analysis.tipping, numbers.number(100 * (1 - asked.analysis.confidence), 0)
    grown = "a constant" if tipping.accrual == "fixed" else "a constant that grew with each visit"
    if tilted := _arms(asked, lambda found: found.status in USABLE):
        yield (
            f"{grown} was then added to the imputed values of {tilted} until p reached {level}% (the tipping point)"
        )
    if unclear := _arms(asked, lambda found: found.reason == NOTHING_TO_TIP):
        yield (
            f"The difference of {unclear} from the reference arm was not significant as imputed, so that there was no "
            "conclusion to tip"
        )
    others = len(tipping.reference_deltas)
    beside = f" and each of {others} in the reference arm" if others > 1 else ""
    yield (
        f"Differences were also found with each of {len(tipping.deltas)} values of {grown} added in the compared arm"
        f"{beside} (a grid)"
    )


def _arms(asked: Asked, is_so: Callable[[Estimate], bool]) -> str:
    """Return the compared arms whose answer is so, as a list; "" where none is."""
    own = [arm.label for arm, found in asked.answers if found is not None and is_so(found)]
    return "the compared arm" if own and len(asked.trial.compared_arms) == 1 else listed(own)


def _declared(asked: Asked) -> Imputation:
    if asked.analysis.imputation is None:  # the plan's checks forbid it
        raise AssertionError(asked.analysis.name)
    return asked.analysis.imputation


def _model(asked: Asked) -> str:
    analysis = asked.analysis
    grouped = f" for each {analysis.group}" if analysis.group else ""
    covariance = f"{COVARIANCES[analysis.covariance]} covariance over visits{grouped}"
    return f"arm by visit, {covariance}, {LIKELIHOODS[analysis.method]}"


def _assumption(asked: Asked, declared: Imputation) -> str:
    labels = {arm.code: arm.label for arm in asked.trial.arms}
    arms = [f"in {labels.get(arm, arm)} {ASSUMED[own]}" for arm, own in declared.by_arm.items()]
    return "; ".join([ASSUMED[declared.strategy], *arms])


def _departs(declared: Imputation) -> bool:
    """Return whether any strategy is other than missing at random, so that it matters when the event was."""
    return {declared.strategy, *declared.by_arm.values(), *declared.by_event.values()} != {"mar"}


def _after_event(asked: Asked, declared: Imputation) -> str:
    named = [f"“{_event(asked, e)}” were taken {ASSUMED[own]}" for e, own in declared.by_event.items()]
    aside = SEEN_LATER[declared.after_event]
    return f"Those missing after {listed(named)}; outcomes observed after such an event were {aside}"


def _when(asked: Asked, declared: Imputation) -> str:
    """Return which visit is the event's: nobody's dropout has a date of its own."""
    dropout = "the first visit after the last one at which the outcome was observed"
    if not declared.by_event:
        event = f"No dated event was declared, so that the event was taken to be {dropout}"
    else:
        dates = listed(f"“{_event(asked, name)}”" for name in declared.by_event)
        earliest = " (the earliest of them)" if len(declared.by_event) > 1 else ""
        event = (
            f"The event was the first visit after the date of {dates}{earliest}, but {dropout} where that came earlier "
            "or there was no such date"
        )
    return f"{event}; gaps before it were imputed as missing at random"


def _event(asked: Asked, name: str) -> str:
    events = asked.trial.events
    return events[name].label if name in events else name


def _errors(asked: Asked, declared: Imputation) -> str:
    seed = asked.trial.seed
    clusters = f"one {declared.cluster} at a time" if declared.cluster else "one participant at a time"
    own = {
        "jackknife": f"Standard errors were by the jackknife, leaving out {clusters}; no random number enters the "
        "estimate",
        "bootstrap": f"Standard errors were by the bootstrap ({declared.m} samples, seed {seed})",
        "rubin": f"Standard errors were by Rubin's rules over {declared.m} imputations (seed {seed})",
    }[declared.se]
    other = asked.has("other standard error")
    if other is None:
        return own
    drawn = f" over {declared.m} imputations (seed {seed})" if other.at == "rubin" else ""
    return f"{own}; that by {BESIDE.get(other.at, inside(other.at))}{drawn} stands beside it"
