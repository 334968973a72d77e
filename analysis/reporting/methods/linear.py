"""Methods of continuous outcomes that were compared as they are: mixed models, covariance, compliers, moderators.

Not here: outcomes that were imputed first (imputations), outcomes of other kinds (further).
"""

import re
from collections.abc import Iterator

from analysis.estimators.covariance_ladder import COVARIANCES
from analysis.estimators.mmrm import DEGREES_OF_FREEDOM
from analysis.reporting.estimates import arm_label
from analysis.reporting.methods.asked import Asked
from analysis.reporting.methods.words import (
    adjusted_for,
    baseline_words,
    covariate_words,
    covariates_words,
    has_baseline,
    inside,
    listed,
    outcome_words,
    visit_words,
    with_article,
)
from data_contracts.random_effect import RandomEffect, random_effect
from data_contracts.spec import Trial

LIKELIHOODS = {"reml": "restricted maximum likelihood", "ml": "maximum likelihood"}
USED = re.compile(r", ([^,;]+) covariance over visits")
AVERAGED = "covariates standing at their mean and the levels of a category weighing equally"
ALL_SEEN = (
    "Missing outcomes were not imputed: every outcome observed at a follow-up visit was used, which takes those "
    "not observed to be missing at random."
)


def repeated_measures(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a mixed model for repeated measures."""
    yield (
        f"{_repeatedly(asked)} compared between arms in a linear mixed model for repeated measures, fitted by "
        f"{LIKELIHOODS[asked.analysis.method]}, with {with_article(covariance_used(asked))} covariance over visits"
        f"{_grouped(asked)}{_random(asked)} and {DEGREES_OF_FREEDOM[asked.analysis.df]} degrees of freedom"
    )
    yield _fixed_effects(asked)
    yield _answered(asked)
    if asked.found:
        yield ALL_SEEN


def covariance_used(asked: Asked) -> str:
    """Return the covariance over visits that the rows name; the planned one where there are none."""
    used = USED.search(asked.method)
    return used.group(1) if used else COVARIANCES[asked.analysis.covariance]


def random_intercept(asked: Asked) -> Iterator[str]:
    """Yield the sentences of the mixed-effects model by statsmodels."""
    yield (
        f"{_repeatedly(asked)} compared between arms in a linear mixed-effects model with a random intercept for "
        f"each participant, fitted by {LIKELIHOODS[asked.analysis.method]} with statsmodels; limits and p-values "
        "were from the t distribution on the participants less the effects that do not change within a participant"
    )
    yield _fixed_effects(asked)
    yield _answered(asked)
    if asked.found:
        yield ALL_SEEN


def covariance_analysis(asked: Asked) -> Iterator[str]:
    """Yield the sentences of the analysis of covariance at one visit."""
    yield (
        f"{_once(asked)} compared between arms by analysis of covariance (ordinary least squares)"
        f"{adjusted_for(asked.trial, asked.analysis)}"
    )
    if asked.found:
        yield f"Participants without the outcome at {inside(asked.visit)} were left out"


def compliers(asked: Asked) -> Iterator[str]:
    """Yield the sentences of the effect in those who comply."""
    yield (
        f"The effect on {inside(asked.outcome.label)} at {inside(asked.visit)} in compliers, those who would attend "
        f"at least {asked.analysis.minimum_sessions} sessions if offered, {asked.was} estimated by two-stage least "
        f"squares with the allocated arm as instrument{adjusted_for(asked.trial, asked.analysis)}, with "
        "heteroscedasticity-robust standard errors"
    )
    if asked.found:
        yield (
            "It rests on the allocation acting through attendance alone, and stands beside the effect as allocated "
            "in the same participants and with the same covariates"
        )


def moderated(asked: Asked) -> Iterator[str]:
    """Yield the sentences of a moderator."""
    moderator = asked.trial.moderators[asked.analysis.moderator]
    yield (
        f"Whether the effect on {inside(asked.outcome.label)} at {inside(asked.visit)} differs by "
        f"{inside(moderator.label)} {asked.was} judged by the interaction with arm in the linear mixed model for "
        f"repeated measures ({covariance_used(asked)} covariance over visits, "
        f"{DEGREES_OF_FREEDOM[asked.analysis.df]} degrees of freedom), to which the moderator and its products with "
        "visit and arm were added"
    )
    yield _fixed_effects(asked).replace("The fixed", "The other fixed")
    if asked.found:
        yield "Effects at values of the moderator, from the same model, describe and are no tests of their own"


def _repeatedly(asked: Asked) -> str:
    return (
        f"{outcome_words(asked.trial, asked.analysis)} at {visit_words(asked.trial.follow_ups)} {asked.was}"
    )


def _once(asked: Asked) -> str:
    return f"{outcome_words(asked.trial, asked.analysis)} at {inside(asked.visit)} {asked.was}"


def _fixed_effects(asked: Asked) -> str:
    analysis = asked.analysis
    time = "time in months as a straight line" if analysis.visit_as == "month" else "visit"
    arm = ["arm, their interaction" if analysis.treatment_by_visit else "arm"]
    own = baseline_words(asked.trial, analysis)
    with_visit = f"{own} and its interaction with {'time' if analysis.visit_as == 'month' else 'visit'}"
    before = (
        [with_visit if analysis.baseline_by_visit else own] if has_baseline(asked.trial, analysis) else []
    )
    effects = [time, *arm, *before, *covariates_words(asked.trial, analysis)]
    return f"The fixed effects {'were' if asked.found else 'were to be'} {listed(effects)}"


def _answered(asked: Asked) -> str:
    verb = "was" if asked.found else "was to be"
    if not asked.analysis.treatment_by_visit:
        return f"The estimate {verb} one difference between the arms over all visits"
    where = inside(asked.visit)
    return f"The estimate {verb} the difference between the arms' adjusted means at {where}, {AVERAGED}"


def _grouped(asked: Asked) -> str:
    return f" for each {covariate_words(asked.analysis.group, asked.trial)}" if asked.analysis.group else ""


def _random(asked: Asked) -> str:
    effects = [_effect(random_effect(text), asked.trial) for text in asked.analysis.random]
    return f", random effects of {listed(effects)}" if effects else ""


def _effect(effect: RandomEffect, trial: Trial) -> str:
    level = arm_label(effect.level, trial) if effect.column == "arm" else f"{effect.column} {effect.level}"
    acting = f" within {level}" if effect.column else ""
    slope = f" ({effect.coefficients})" if effect.coefficients != "1" else ""
    return f"{effect.name.replace(':', ' by ')}{slope}{acting}"
