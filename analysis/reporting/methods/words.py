"""Words that the paragraphs share: lists, labels inside a sentence, adjustment. Not here: the paragraphs."""

import re
from collections.abc import Iterable

from analysis.reporting.methods.ordinary import ORDINARY
from data_contracts.plan import Analysis, Outcome
from data_contracts.spec import Trial, Visit

NAMED = re.compile(r"(?<=[^\W\d_])[ -][A-Z][a-z]")  # another word in capitals that begins no clause
NUMBERS = (
    "none",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
ARTICLES = {"unstructured": "an", "autoregressive": "an", "ante-dependence": "an"}


def listed(words: Iterable[str]) -> str:
    """Return "a, b and c"; "" of nothing."""
    all_words = list(words)
    return " and ".join([", ".join(all_words[:-1]), all_words[-1]] if len(all_words) > 1 else all_words)


def better(outcome: Outcome) -> str:
    """Return which way an outcome is better; of the time to an event a "higher" one says little."""
    if outcome.kind == "time to event":
        return "a later event is better" if outcome.better == "higher" else "an earlier event is better"
    return f"{outcome.better} is better"


def inside(label: str) -> str:
    """Return a label as it stands inside a sentence: a small first letter where its first word begins no name.

    A label with another word in capitals, such as Time Use Survey, is taken for a name.
    """
    first = label.split(maxsplit=1)[0].rstrip(",:;.)") if label.strip() else ""
    small = label[:1].lower() + label[1:]
    is_ordinary = first[:1].lower() + first[1:] in ORDINARY
    return small if is_ordinary and not NAMED.search(label) else label


def opening(label: str) -> str:
    """Return a label as it begins a sentence or a line: a capital first letter, the others as they are."""
    return label[:1].upper() + label[1:]


def with_article(words: str) -> str:
    """Return words behind "a" or "an"."""
    return f"{ARTICLES.get(words.split(' ', maxsplit=1)[0], 'a')} {words}"


def counted(n: int, one: str, several: str = "") -> str:
    """Return "1 participant" or "2 participants"."""
    return f"{n} {one if n == 1 else several or one + 's'}"


def in_words(n: int) -> str:
    """Return a small whole number as a word, another in digits."""
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else str(n)


def sentence(text: str) -> str:
    """Return text with a capital first letter and one full stop."""
    whole = text.strip().rstrip(".")
    return f"{opening(whole)}." if whole else ""


def outcome_words(trial: Trial, analysis: Analysis) -> str:
    """Return an analysis's outcome with its unit, to begin a sentence with."""
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    return in_brackets(outcome.label, outcome.unit)


def in_brackets(label: str, *details: str) -> str:
    """Return a label with details in brackets, those it has already among them."""
    shown = "; ".join(detail for detail in details if detail)
    if not shown:
        return label
    return f"{label[:-1]}; {shown})" if label.endswith(")") else f"{label} ({shown})"


def visit_words(visits: Iterable[Visit]) -> str:
    """Return the labels of visits as a list."""
    return listed(inside(visit.label) for visit in visits)


def covariate_words(name: str, trial: Trial) -> str:
    """Return a covariate's label, as inside a sentence."""
    forms = (*trial.forms_of("participants"), *trial.forms_of("allocation"))
    label = next((f.columns[name].label for f in forms if name in f.columns), "")
    return inside(label or name.replace("_", " "))


def covariates_words(trial: Trial, analysis: Analysis) -> list[str]:
    """Return the covariates of an analysis, those whose effect differs by visit saying so."""
    by_visit = set(analysis.covariates_by_visit)
    words = {name: covariate_words(name, trial) for name in analysis.covariates}
    return [f"{own} (by visit)" if name in by_visit else own for name, own in words.items()]


def has_baseline(trial: Trial, analysis: Analysis) -> bool:
    """Return whether the outcome at baseline is among the covariates."""
    return analysis.baseline and trial.outcomes[trial.estimands[analysis.estimand].outcome].is_by_visit


def baseline_words(trial: Trial, analysis: Analysis) -> str:
    """Return what the baseline that is adjusted for is called: of an outcome cut from another, the other's."""
    cut = trial.outcomes[trial.estimands[analysis.estimand].outcome].of
    return f"{inside(trial.outcomes[cut].label)} at baseline" if cut else "the outcome at baseline"


def adjusted_for(trial: Trial, analysis: Analysis) -> str:
    """Return ", adjusted for …", or ", not adjusted for covariates"."""
    own = [baseline_words(trial, analysis)] if has_baseline(trial, analysis) else []
    words = [*own, *covariates_words(trial, analysis)]
    return f", adjusted for {listed(words)}" if words else ", not adjusted for covariates"
