"""Methods of responders, ordered levels, counts and times to an event. Not here: continuous outcomes."""

from collections.abc import Iterator

from analysis.estimators.counts import POISSON
from analysis.estimators.ordinal import FIRTH_AT_CUT
from analysis.estimators.populations import POPULATIONS
from analysis.estimators.responder import FIRTH
from analysis.reporting.estimates import first
from analysis.reporting.methods.asked import Asked
from analysis.reporting.methods.words import adjusted_for, counted, inside

POISSON_TAKEN = (
    "Negative binomial regression was the plan; the data showed no dispersion beyond Poisson's, so that Poisson "
    "regression was used"
)
FIRTH_TAKEN = (
    "Maximum likelihood had no finite estimate, so that Firth's penalised likelihood was used; conditional odds "
    "ratios have profile limits"
)


def proportions(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a comparison of proportions."""
    yield (
        f"The proportion with {inside(asked.outcome.label)} at {inside(asked.visit)} {asked.was} compared between "
        "arms by logistic regression"
        f"{adjusted_for(asked.trial, asked.analysis)}"
    )
    if not asked.found:
        return
    if asked.method == FIRTH:
        yield FIRTH_TAKEN
    yield (
        "Proportions by arm, their difference, ratio and odds ratio were standardised over the covariates of everybody "
        "analysed, with standard errors by the delta method"
    )
    yield _left_out(asked)


def levels(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a comparison of ordered levels."""
    yield (
        f"{asked.outcome.label} at {inside(asked.visit)}, in {len(asked.outcome.levels)} ordered levels, {asked.was} "
        f"compared between arms by proportional odds regression{adjusted_for(asked.trial, asked.analysis)}; an odds "
        "ratio above 1 says that higher levels are likelier"
    )
    if asked.found:
        yield "The odds ratio at each cut by itself stands beside it, to judge the assumption of proportional odds by"
        if asked.has("odds ratio", FIRTH_AT_CUT) is not None:
            yield (
                "At cuts where maximum likelihood had no finite estimate, Firth's penalised likelihood was used"
            )
        yield _left_out(asked)


def rates(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a comparison of rates."""
    taken = asked.method == POISSON
    yield (
        f"The rate of {inside(asked.outcome.label)}{_followed(asked)} {asked.was} compared between arms by "
        f"{'Poisson' if taken else 'negative binomial'} regression{_exposure(asked)}"
        f"{adjusted_for(asked.trial, asked.analysis)}"
    )
    if taken:
        yield POISSON_TAKEN
    if asked.found:
        yield _unheard_of(asked) if asked.outcome.event else _left_out(asked)


def times(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a comparison of times to an event."""
    yield (
        f"{asked.outcome.label}{_followed(asked)} {asked.was} compared between arms by Cox regression (ties by Efron's "
        f"method){adjusted_for(asked.trial, asked.analysis)}"
    )
    if asked.found:
        yield _unheard_of(asked)
        yield "Shares without the event are Kaplan and Meier's; the log-rank test stands beside the regression"
        if (mean := asked.has("restricted mean difference")) is not None:
            yield f"Mean times {mean.at} were compared as areas under the Kaplan-Meier curves"


def _exposure(asked: Asked) -> str:
    return " with the time followed as exposure" if asked.outcome.event else ""


def _followed(asked: Asked) -> str:
    if not asked.outcome.event:
        return f" at {inside(asked.visit)}"
    days = asked.outcome.until_days
    return f" (from randomisation to day {days})" if days else " (from randomisation on)"


def _unheard_of(asked: Asked) -> str:
    """Return who of the population is not in the comparison of an outcome made from events, and how many."""
    why = "without contact after randomisation"
    # Strata are known of everybody: nobody could be allocated without them.
    why += " or without a covariate" if set(asked.analysis.covariates) - set(asked.trial.strata) else ""
    everybody = first(
        asked.results,
        analysis=POPULATIONS,
        outcome=asked.estimand.population,
        statistic="count",
        arm="",
        at="",
    )
    if everybody is None or asked.found is None or asked.found.n is None:
        return f"Participants {why} were left out"
    n = int(everybody.value) - asked.found.n
    return (
        f"{counted(n, 'participant')} {why} {'was' if n == 1 else 'were'} left out"
        if n
        else "Nobody was left out"
    )


def _left_out(asked: Asked) -> str:
    return f"Participants without the outcome at {inside(asked.visit)} were left out"
