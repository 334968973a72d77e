"""What the plan says of the trial as a whole: design, outcomes, populations, hypotheses. Not here: single analyses."""

from collections.abc import Iterator

from analysis.reporting import numbers
from analysis.reporting.methods.families import hypotheses
from analysis.reporting.methods.words import (
    better,
    counted,
    covariate_words,
    in_brackets,
    inside,
    listed,
    visit_words,
)
from analysis.reporting.report import Paragraph
from data_contracts.operations import Eligible
from data_contracts.plan import Outcome, Population
from data_contracts.spec import Trial

REQUIRED = {
    "eligible": "were not excluded after randomisation",
    "follow_up": "were observed at one follow-up visit at least",
    "primary_observed": "had the primary outcome observed",
    "all_visits": "were observed at every visit",
    "adequate_dose": "had at least {} sessions where therapy was offered",
}
MADE = {
    "binary": "a yes or no",
    "ordinal": "ordered levels",
    "count": "a count",
    "time to event": "a time to an event",
}


def planned_paragraphs(trial: Trial) -> Iterator[Paragraph]:
    """Yield what holds for all analyses."""
    yield Paragraph(". ".join(_design(trial)) + ".", title="Trial design")
    if trial.eligibility:
        yield Paragraph(
            f"Criteria of entry were {listed(map(_criterion, trial.eligibility))}.", title="Eligibility"
        )
    yield Paragraph(" ".join(_outcomes(trial)), title="Outcomes")
    yield Paragraph(" ".join(_populations(trial)), title="Populations")
    yield Paragraph(" ".join([*hypotheses(trial), _limits(trial)]), title="Hypotheses")
    yield Paragraph(" ".join(_described(trial)), title="Descriptions")


def _design(trial: Trial) -> Iterator[str]:
    arms = listed(arm.label for arm in trial.arms)
    yield f"Parallel groups: participants were allocated to {arms}{_shares(trial)}{_restricted(trial)}"
    if trial.sites:
        yield f"They were recruited at {counted(len(trial.sites), 'site')}: {listed(s.label for s in trial.sites)}"
    yield f"Outcomes were assessed at {visit_words(trial.visits)}"
    if trial.sites and all(site.target for site in trial.sites):
        yield f"The plan was to randomise {sum(site.target or 0 for site in trial.sites)} participants"


def _shares(trial: Trial) -> str:
    ratio = trial.randomisation.ratio
    weights = [ratio.get(arm.code, 1) for arm in trial.arms]
    return f" in the ratio {':'.join(map(str, weights))}" if ratio or trial.randomisation.block_sizes else ""


def _restricted(trial: Trial) -> str:
    sizes = trial.randomisation.block_sizes
    blocks = f" in permuted blocks of {listed(map(str, sizes))}" if sizes else ""
    strata = listed(covariate_words(name, trial) for name in trial.strata)
    return f"{blocks}{f', stratified by {strata}' if strata else ''}"


def _criterion(one: Eligible) -> str:
    if one.range is None:
        return f"{inside(one.label)} ({listed(one.codes)})"
    low, high = (f"{limit:g}" for limit in one.range)
    return f"{inside(one.label)} (from {low} to {high})"


def _outcomes(trial: Trial) -> Iterator[str]:
    primary = trial.outcomes[trial.primary.outcome]
    when = next((v for v in trial.visits if v.code == trial.primary.visit), trial.visits[-1])
    yield f"The primary outcome was {_named(primary)} at {inside(when.label)}."
    asked = [trial.estimands[a.estimand].outcome for a in trial.analyses.values() if a.role == "secondary"]
    others = [trial.outcomes[name] for name in dict.fromkeys(asked)]
    if others:
        yield f"Secondary outcomes were {listed(map(_named, others))}."


def _named(outcome: Outcome) -> str:
    kind = MADE.get(outcome.kind, outcome.unit)
    return in_brackets(inside(outcome.label), kind, better(outcome))


def _populations(trial: Trial) -> Iterator[str]:
    for population in trial.populations.values():
        yield f"“{population.label}”: {_required(population)}."
    yield "Participants were analysed in the arm to which they were allocated."


def _required(population: Population) -> str:
    needs = [REQUIRED[need].format(population.minimum_sessions) for need in population.requires]
    return f"all randomised participants who {listed(needs)}" if needs else "all randomised participants"


def _described(trial: Trial) -> Iterator[str]:
    harms = ", harms" if trial.forms_of("adverse_events") else ""
    delivered = ", therapy as delivered" if _tells_delivery(trial) else ""
    yield f"Participants at baseline{delivered}, missing data{harms} and outcomes as observed were described"
    yield "by arm and not tested."


def _tells_delivery(trial: Trial) -> bool:
    """Return whether sessions, or ends of therapy, are recorded of an arm known to have therapy; by letters none is."""
    recorded = [*trial.forms_of("sessions"), *trial.forms_of("discontinuations")]
    return bool(recorded) and any(arm.therapy for arm in trial.arms)


def _limits(trial: Trial) -> str:
    levels = dict.fromkeys(analysis.confidence for analysis in trial.analyses.values())
    if len(levels) == 1:
        return f"Confidence limits are at {numbers.level(*levels)}, and p-values are two-sided."
    named = [
        f"{numbers.level(level)} ({listed(inside(a.label) for a in trial.analyses.values() if a.confidence == level)})"
        for level in levels
    ]
    return f"Confidence limits are at {listed(named)}; p-values are two-sided."
