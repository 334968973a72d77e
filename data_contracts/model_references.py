"""Columns that a declared model names and no form has, and keys that mean nothing to its estimator.

Not here: other references (references), the choices of a key (spec).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_contracts.errors import Problem
from data_contracts.random_effect import RandomEffect, random_effect

OF_MMRM = ("covariance", "df", "group", "random", "fallback")
MEANINGLESS: Mapping[str, tuple[str, ...]] = {  # estimator -> keys it would not heed
    "lmm": OF_MMRM,
    "ancova": (*OF_MMRM, "covariates_by_visit"),
}


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """What the parts of a model may name."""

    groups: Collection[str]  # factors by which a covariance may differ, or an effect act
    factors: frozenset[str] | set[str]  # whose levels may have random effects
    coefficients: Collection[str]  # that random slopes may have
    levels: Mapping[str, Collection[str]]  # column -> its levels, where the plan declares them


def one_of(values: Collection[str]) -> str:
    """Return what is expected where one of some names is."""
    return "one of: " + ", ".join(sorted(values)) if values else "a name that is declared (none is)"


def model_problems(analysis: Mapping[str, Any], here: str, known: ModelColumns) -> Iterator[Problem]:
    """Yield what is wrong with one analysis's covariance, random effects and by-visit terms."""
    yield from _meaningless(analysis, here)
    yield from _df_of_ml(analysis, here)
    covariates = analysis.get("covariates", [])
    for name in _texts(analysis, "covariates_by_visit"):
        if isinstance(covariates, list) and name not in covariates:
            yield Problem(f"{here}.covariates_by_visit", repr(name), "a name that is among `covariates` too")
    group = analysis.get("group")
    if group and group not in known.groups:
        yield Problem(f"{here}.group", repr(group), one_of(known.groups))
    for text in _texts(analysis, "random"):
        yield from _random(text, f"{here}.random", known)
        if isinstance(covariates, list) and text in covariates:
            expected = "it in `covariates` or in `random`: its effects can't be both fixed and random"
            yield Problem(f"{here}.random", repr(text), expected)


def _df_of_ml(analysis: Mapping[str, Any], here: str) -> Iterator[Problem]:
    df = str(analysis.get("df", "kenward-roger"))
    if (
        analysis.get("estimator") == "mmrm"
        and analysis.get("method") == "ml"
        and df.startswith("kenward-roger")
    ):
        yield Problem(
            f"{here}.df", f"{df!r} with method 'ml'", "'satterthwaite': Kenward-Roger adjusts a REML fit"
        )


def _meaningless(analysis: Mapping[str, Any], here: str) -> Iterator[Problem]:
    estimator = str(analysis.get("estimator"))
    for key in MEANINGLESS.get(estimator, ()):
        if key in analysis:
            expected = f"no such key with estimator {estimator!r}, which would not heed it"
            yield Problem(f"{here}.{key}", "a key of another estimator", expected)


def _random(text: str, where: str, known: ModelColumns) -> Iterator[Problem]:
    try:
        effect = random_effect(text)
    except ValueError:
        return  # told with the other single values
    for part, choices in _parts(effect, known):
        if part not in choices:
            yield Problem(where, f"{part!r} in {text!r}", one_of(choices))


def _parts(effect: RandomEffect, known: ModelColumns) -> Iterator[tuple[str, Collection[str]]]:
    """Yield each name in a random effect with the names that can stand there."""
    yield from ((name, known.factors) for name in effect.factors)
    yield from ((name, known.coefficients) for name in effect.variables)
    if effect.column:
        yield effect.column, known.groups
        yield effect.level, known.levels.get(effect.column, {effect.level})


def _texts(analysis: Mapping[str, Any], key: str) -> list[str]:
    found = analysis.get(key, [])
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []
