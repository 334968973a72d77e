"""A methods paragraph per analysis, from its plan and its rows. Not here: the sentences of each family of models."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analysis.estimators.covariance_ladder import COVARIANCES
from analysis.reporting.content import ReportContent
from analysis.reporting.headline import is_shuffled
from analysis.reporting.methods import further, imputations, linear
from analysis.reporting.methods.asked import Asked
from analysis.reporting.methods.planned import planned_paragraphs
from analysis.reporting.methods.words import counted, listed, sentence, with_article
from analysis.reporting.report import Paragraph
from data_contracts.standing import MARK

Sentences = Callable[[Asked], Iterator[str]]
OWN_ENGINE = ("numpy", "scipy")
FAMILIES: Mapping[
    str, tuple[Sentences, tuple[str, ...]]
] = {  # estimator -> its sentences, the packages it stands on
    "mmrm": (linear.repeated_measures, OWN_ENGINE),
    "lmm": (linear.random_intercept, ("statsmodels",)),
    "ancova": (linear.covariance_analysis, ("statsmodels",)),
    "cace": (linear.compliers, ("linearmodels",)),
    "moderator": (linear.moderated, OWN_ENGINE),
    "reference_based_mi": (imputations.by_reference, OWN_ENGINE),
    "tipping_point": (imputations.tipped, OWN_ENGINE),
    "responder": (further.proportions, ("statsmodels",)),
    "ordinal": (further.levels, ("statsmodels",)),
    "counts": (further.rates, ("statsmodels",)),
    "time_to_event": (further.times, ("statsmodels",)),
}
TELLING = ("counts", "responder", "tipping_point")  # whose own sentences say what their rows' reasons say
LEFT = re.compile(r"covariance (\w+) was left: ([^;]+)")


def methods_paragraphs(content: ReportContent) -> Iterator[Paragraph]:
    """Yield the design, a paragraph per analysis in the plan's order, then the software.

    A report that is pooled over arms is told what was planned and with what, nothing that was found.
    """
    if is_shuffled(content.results):
        yield Paragraph(MARK, "warning")
    yield from planned_paragraphs(content.trial)
    if content.audience != "open":
        for analysis in content.trial.analyses.values():
            asked = Asked(content.trial, analysis, content.results)
            yield Paragraph(method_text(asked, content.provenance), title=analysis.label)
    yield Paragraph(_software(content.provenance), title="Software")


def method_text(asked: Asked, provenance: Mapping[str, Any]) -> str:
    """Return what was done for one analysis, or that it could not be."""
    sentences, packages = FAMILIES[asked.analysis.estimator]
    used = _used(asked, _versions(packages, provenance))
    whole = [*sentences(asked), *_carried(asked), used, *_failures(asked)]
    return " ".join(sentence(text) for text in whole)


def _carried(asked: Asked) -> Iterator[str]:
    """Yield what the fit says of itself: covariances that were left, a boundary, remarks."""
    if asked.found is None:
        return
    left = LEFT.findall(asked.found.reason)
    if left:
        tried = listed(f"{COVARIANCES.get(name, name)} ({why.strip().rstrip('.')})" for name, why in left)
        used = with_article(linear.covariance_used(asked))
        yield (
            f"The plan's order of covariances was followed: {tried} could not be fitted, "
            f"and {used} one was used instead"
        )
    if asked.found.status == "boundary":
        yield "The fit lay on a boundary of its parameters"
    remarks = [part for part in LEFT.sub("", asked.found.reason).split("; ") if part.strip()]
    if remarks and asked.analysis.estimator not in TELLING:
        yield f"Noted of the fit: {'; '.join(remarks)}"


def _used(asked: Asked, packages: str) -> str:
    """Return clause, size, population and packages."""
    clause = asked.analysis.clause or asked.estimand.clause
    named = f"The analysis ({clause})" if clause else "The analysis"
    found, label = asked.found, asked.trial.populations[asked.estimand.population].label
    if found is None:
        return f"{named} was of the population “{label}”"
    seen = (
        "" if found.n_observations in {None, found.n} else f" with {found.n_observations} observed outcomes,"
    )
    size = f"{counted(found.n, 'participant')}{seen} of" if found.n else ""
    return f"{named} included {size} the population “{label}”, and was computed with {packages}"


def _failures(asked: Asked) -> Iterator[str]:
    several = len(asked.trial.compared_arms) > 1
    for arm, reason in asked.failures():
        which = f"The comparison of {arm.label}" if several else "It"
        yield f"{which} could not be estimated: {reason}"


def _software(provenance: Mapping[str, Any]) -> str:
    code, python = provenance.get("code_version"), provenance.get("python")
    packages = dict(provenance.get("packages", {}))
    own = f"The program's code had version {code}" if code else "The program's code version is not recorded"
    running = f", on Python {python}" if python else ""
    listed_packages = listed(f"{name} {number}" for name, number in sorted(packages.items()))
    used = f" It used {listed_packages}." if packages else ""
    return (
        f"{own}{running}.{used} Each estimate of a primary, secondary or cross-check analysis was computed a second "
        "way where there is one, and a disagreement is reported as a deviation."
    )


def _versions(packages: tuple[str, ...], provenance: Mapping[str, Any]) -> str:
    known = provenance.get("packages", {})
    named = [f"{name} {known[name]}" if name in known else name for name in packages]
    return f"the program's own engine ({', '.join(named)})" if packages == OWN_ENGINE else listed(named)
