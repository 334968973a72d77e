"""Families of hypotheses in words: how p is adjusted, and which analyses decide. Not here: the p-values."""

from collections.abc import Iterator

from analysis.reporting.methods.words import in_words, inside, listed
from data_contracts.plan import Family
from data_contracts.spec import Trial

FAMILY = {
    "none": "were tested without adjustment",
    "holm": "were adjusted by Holm's method",
    "hochberg": "were adjusted by Hochberg's method",
    "fixed sequence": "were tested in the plan's order, each only where those before were rejected",
    "gatekeeping": "were tested gate by gate, each gate by Holm's method and only where the one before was rejected",
}


def hypotheses(trial: Trial) -> Iterator[str]:
    """Yield a sentence per family, then what holds for the primary analysis and others that are in none."""
    yield from (family_sentence(family, trial) for family in trial.families.values())
    members = {name for family in trial.families.values() for name in family.members}
    primary = trial.primary_analysis
    if primary.name not in members:
        level = _level(1 - primary.confidence)
        yield f"The primary analysis is in no family: it decides, at {level}, {_compared(trial)}."
    if set(trial.analyses) - members - {primary.name}:
        others = "other analyses in no family" if primary.name not in members else "analyses in no family"
        yield f"P-values of {others} were not adjusted for their number: they support, and decide nothing."


def _compared(trial: Trial) -> str:
    n = len(trial.compared_arms)
    return "its p-value unadjusted" if n == 1 else f"the p-values of its {in_words(n)} comparisons unadjusted"


def family_sentence(family: Family, trial: Trial) -> str:
    """Return how the p-values of a family of hypotheses are adjusted, and at which level they are tested."""
    tested = f"p-values of {_members(family, trial)} {FAMILY[family.method]}, at {_level(family.alpha)}"
    return f"{family.label}{_clause(family)}: {tested}."


def _clause(family: Family) -> str:
    return f" ({family.clause})" if family.clause else ""


def _members(family: Family, trial: Trial) -> str:
    gates = family.gates or (family.analyses,)
    outcomes = [
        [trial.outcomes[trial.estimands[trial.analyses[n].estimand].outcome] for n in gate] for gate in gates
    ]
    return ", then ".join(listed(inside(outcome.label) for outcome in gate) for gate in outcomes)


def _level(alpha: float) -> str:
    return f"a two-sided level of {100 * alpha:.4g}%"
