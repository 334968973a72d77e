"""Arms by letters, and a trial's plan in which no text names an arm. Not here: rows of results (closed)."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from data_contracts.blinding import revealing_forms
from data_contracts.errors import Problem, RequestError
from data_contracts.instrument import Declared
from data_contracts.operations import Randomisation
from data_contracts.plan import Analysis
from data_contracts.spec import Arm, Trial

ARM = "[arm]"  # stands where a text names one
DIGITS = 6  # significant ones, that numbers by letters have
TELLING = "adequate_dose"  # the requirement of a population that is judged on sessions
OTHER = "models of those who delivered the therapy"
KINDS = {  # what an analysis is called whose label names an arm
    "reference_based_mi": "imputation from a reference",
    "tipping_point": "tipping points",
    "cace": "the effect in compliers",
}
ESTIMATORS = ("mmrm", "lmm", "ancova", "responder", "ordinal", "counts", "time_to_event", "moderator")
WORDED = (
    "label",
    "treatment",
    "summary",
    "event",
    "what",
    "why",
    "setting",
)  # fields of the plan that are prose


@dataclass(frozen=True, slots=True)
class Letters:
    """Which letter each arm has; with two arms differences are always A less B."""

    of: Mapping[str, str]  # arm's code -> letter
    reference: str  # letter of the arm that others are compared with here
    is_turned: bool  # whether differences are those of the results with the sign turned

    def contrast(self, found: str) -> str:
        """Return a contrast such as "SRT - UC" by letters; "" where it names no pair of arms."""
        first, dash, second = found.partition(" - ")
        if not dash or first not in self.of or second not in self.of:
            return ""
        pair = (self.of[first], self.of[second])
        return " - ".join(reversed(pair) if self.is_turned else pair)


def draw_letters(trial: Trial, key: bytes) -> Letters:
    """Return a letter for each arm: the same for the same key, and not to be guessed without it."""
    digests = {arm.code: hmac.digest(key, arm.code.encode(), hashlib.sha256) for arm in trial.arms}
    of = dict(zip(sorted(digests, key=lambda code: digests[code]), ascii_uppercase, strict=False))
    reference = of[trial.reference_arm.code]
    if len(of) == 2:
        return Letters(of, "B", is_turned=reference == "A")
    return Letters(of, reference, is_turned=False)


class Words:
    """Finds the words that name an arm of a trial: its codes, labels, spellings, and what assessors must not write."""

    def __init__(self, trial: Trial) -> None:
        labels = {*(arm.label for arm in trial.arms), *trial.unblinding_words}
        codes = {code for arm in trial.arms for code in arm.spellings if len(code) > 1}
        # A code counts as it is spelt ("SRT", not `srt run`), words of a label in any case.
        any_case = {
            word: f"(?i:{re.escape(word)})" for word in labels if word.casefold() not in _folded(codes)
        }
        found = {**any_case, **{code: re.escape(code) for code in codes}}
        words = "|".join(found[word] for word in sorted(found, key=lambda word: (-len(word), word)))
        self._pattern = re.compile(rf"(?<!\w)(?:{words})(?:s|\b)(?!\w)")

    def masked(self, text: str) -> str:
        """Return a text with "[arm]" in place of each name."""
        return self._pattern.sub(ARM, text)

    def has(self, text: str) -> bool:
        """Whether a text names an arm."""
        return bool(self._pattern.search(text))


def _folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def coded_trial(trial: Trial, letters: Letters) -> Trial:
    """Return the plan by letters, with those analyses, populations and families that tell no arm.

    Raises:
        RequestError: the primary analysis itself would tell which arm is the therapy.
    """
    if not tells_nothing(trial.primary_analysis, trial):
        where = f"analyses.{trial.primary_analysis.name}"
        expected = "an analysis that treats the arms alike"
        problem = Problem(where, "one that tells which arm is the therapy", expected)
        raise RequestError(f"The closed report of {trial.name} can't be made by letters.", [problem])
    words = Words(trial)
    arms = [
        Arm(code=c, label=f"Arm {c}", reference=c == letters.reference) for c in sorted(letters.of.values())
    ]
    against = " and ".join(f"Arm {arm.code}" for arm in arms)
    analyses = {name: one for name, one in trial.analyses.items() if tells_nothing(one, trial)}
    populations = {name: p for name, p in trial.populations.items() if TELLING not in p.requires}
    estimands = {
        name: one.model_copy(update={"treatment": against})
        for name, one in trial.estimands.items()
        if one.population in populations
        and _outcome_is_open(one.outcome, trial)
        and _is_answered(name, analyses, trial)
    }
    families = {name: f for name, f in trial.families.items() if set(f.members) <= set(analyses)}
    prose = ("forms", "events", "outcomes", "moderators", "visits", "sites")
    kept = {"analyses": analyses, "populations": populations, "estimands": estimands, "families": families}
    told = {
        name: _masked(value, words)
        for name, value in {**{p: getattr(trial, p) for p in prose}, **kept}.items()
    }
    title = trial.title if not words.has(trial.title) else f"Trial {trial.name}"
    plain = {"title": title, "description": "", "arms": tuple(arms), "deviations": (), "registration": ""}
    return trial.model_copy(update={**told, **plain, "randomisation": _randomised(trial)})


def _randomised(trial: Trial) -> Randomisation:
    """Return how participants were allocated; nothing of it where more were planned in one arm."""
    planned = trial.randomisation
    weights = {planned.ratio.get(arm.code, 1) for arm in trial.arms}
    return planned.model_copy(update={"ratio": {}}) if len(weights) == 1 else Randomisation()


def _is_answered(estimand: str, analyses: Mapping[str, Analysis], trial: Trial) -> bool:
    """Return whether an analysis of the report answers an estimand, or none of the plan does."""
    answers = [name for name, one in trial.analyses.items() if one.estimand == estimand]
    return not answers or any(name in analyses for name in answers)


def left_out(trial: Trial) -> list[str]:
    """Return which analyses a closed report leaves out: by label, or by kind where the label names an arm."""
    words = Words(trial)
    own = [one for one in trial.analyses.values() if not tells_nothing(one, trial)]
    named = (KINDS.get(one.estimator, OTHER) if words.has(one.label) else one.label for one in own)
    return list(dict.fromkeys(named))


def tells_nothing(analysis: Analysis, trial: Trial) -> bool:
    """Return whether an analysis treats the arms alike, so that it does not tell which of them is the therapy."""
    estimand = trial.estimands[analysis.estimand]
    moderator = trial.moderators.get(analysis.moderator)
    return (
        analysis.estimator in ESTIMATORS
        and not (analysis.group or analysis.random or analysis.imputation or analysis.minimum_sessions)
        and TELLING not in trial.populations[estimand.population].requires
        and _outcome_is_open(estimand.outcome, trial)
        and (moderator is None or not moderator.outcome or _outcome_is_open(moderator.outcome, trial))
    )


def _outcome_is_open(name: str, trial: Trial) -> bool:
    outcome = trial.outcomes[name]
    source = trial.outcomes[outcome.of] if outcome.of else outcome
    form = trial.events[source.event].form if source.event else source.form
    return form not in revealing_forms(trial)


def _masked(value: Any, words: Words) -> Any:
    """Return a part of the plan in whose prose no arm is named."""
    if isinstance(value, Declared):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return value.model_copy(update={name: _field(name, found, words) for name, found in fields.items()})
    if isinstance(value, Mapping):
        return {name: _masked(one, words) for name, one in value.items()}
    return tuple(_masked(one, words) for one in value) if isinstance(value, tuple) else value


def _field(name: str, found: Any, words: Words) -> Any:
    if isinstance(found, str):
        return words.masked(found) if name in WORDED else found
    return _masked(found, words)
