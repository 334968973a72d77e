"""What all batches of a stream must agree on: formula, roles, levels, centre and scale. Holds no row of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.affine import Affine, affine, combination
from analysis.mixed.arrays import Array
from analysis.mixed.design import Coding, Design, build, parse, variables_of
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.levels import is_factor
from analysis.mixed.prepare import Roles
from analysis.mixed.random.spec import Term, variables

Levels = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Layout:
    """The meaning of a Gram's rows and columns; Grams of equal layouts add."""

    formula: str
    roles: Roles
    terms: tuple[Term, ...]  # random components
    dtypes: pd.DataFrame  # a frame without rows: every column used, with its type
    levels: Levels  # of every factor column, visit and group
    labels: Levels  # of every random component that participants share
    centre: Mapping[str, float]  # of numeric expressions, the outcome's and plain variables
    scale: Mapping[str, float]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name in self.__dataclass_fields__}

    @property
    def key(self) -> tuple[Any, ...]:
        """What must be equal for Grams to add."""
        numbers = [sorted(one.items()) for one in (self.levels, self.labels, self.centre, self.scale)]
        return (self.formula, self.roles, self.terms, *map(tuple, numbers))

    @cached_property
    def design(self) -> Design:
        """The fixed effects, built on rows that show every level and hold the centres for numbers."""
        n_rows = max([2, *map(len, self.levels.values())])
        frame = pd.DataFrame(
            {name: self._template(name, n_rows) for name in self.dtypes.columns}, index=range(n_rows)
        )
        return build(parse(self.formula), frame)

    def _template(self, name: str, n_rows: int) -> pd.Series:
        if name not in self.levels:
            return pd.Series(np.full(n_rows, self.centre.get(name, 0.0)))
        levels = self.levels[name]
        values = pd.Series([levels[number % len(levels)] for number in range(n_rows)])
        return values.astype(self.dtype_of(name))

    def dtype_of(self, name: str) -> Any:
        """As it is in an analysed frame: factors are categorical, numbers that `C(...)` codes stay numbers."""
        if is_factor(self.dtypes[name]):
            return pd.CategoricalDtype(list(self.levels[name]))
        return self.dtypes[name].dtype

    @cached_property
    def affine(self) -> Affine:
        """Of the fixed effects."""
        numeric = {name for coding in self.design.codings for name in coding.numeric}
        return affine(
            self.design.codings,
            {name: self.centre[name] for name in numeric},
            {name: self.scale[name] for name in numeric},
        )

    @cached_property
    def outcome(self) -> str:
        """The expression on the left of the formula."""
        return outcome_of(self.formula)

    @cached_property
    def constant(self) -> Array | None:
        """Weights (P,) with which the design makes a constant; None where it cannot."""
        return combination(self.design.codings, Coding(frozenset(), {}))

    @property
    def outcome_centre(self) -> float:
        """What is taken off the outcome; the constant takes it up."""
        return 0.0 if self.constant is None else self.centre[self.outcome]

    @property
    def own_terms(self) -> list[Term]:
        """Random effects of the participants themselves."""
        return [term for term in self.terms if term.key == self.roles.subject]

    @property
    def shared_terms(self) -> list[Term]:
        """Random effects of levels that participants share."""
        return [term for term in self.terms if term.key != self.roles.subject]

    @property
    def factors(self) -> list[str]:
        """Columns read as levels."""
        return list(self.levels)

    @property
    def numeric(self) -> list[str]:
        """Columns read as numbers; a visit may be one and have levels too."""
        coded = {name for name in self.levels if is_factor(self.dtypes[name])}
        known = {*coded, *self.random_factors, self.roles.subject}
        return [name for name in self._required if name not in known]

    @cached_property
    def _required(self) -> list[str]:
        """Columns that must not be missing; those of conditions alone may be."""
        terms = tuple(replace(term, condition=None) for term in self.terms)
        return columns_of(self.formula, list(self.dtypes.columns), self.roles, terms)

    @property
    def random_factors(self) -> set[str]:
        """Columns whose values may be missing where their component does not act."""
        return {name for term in self.shared_terms for name in term.factors} - set(self.roles.columns)

    @property
    def visits(self) -> tuple[Any, ...]:
        """In order; one without a name where there are no repeated measures."""
        return (0,) if self.roles.visit is None else self.levels[self.roles.visit]

    @property
    def groups(self) -> tuple[Any, ...]:
        """Covariance groups; one without a name where nothing is grouped."""
        return ("",) if self.roles.group is None else self.levels[self.roles.group]

    def with_levels(self, levels: Levels) -> "Layout":
        """The same with other levels of some columns."""
        return replace(self, levels={**self.levels, **levels})

    def recentred(self, centre: Mapping[str, float], scale: Mapping[str, float]) -> "Layout":
        """The same with other centres and scales."""
        return replace(self, centre={**self.centre, **centre}, scale={**self.scale, **scale})


def outcome_of(formula: str) -> str:
    """The expression on the left of a formula."""
    factors = [str(factor.expr) for term in parse(formula).lhs for factor in term.factors]
    if len(factors) != 1:
        raise BadDataError(f"the formula {formula!r} has {len(factors)} outcomes, expected one")
    return factors[0]


def columns_of(formula: str, columns: list[str], roles: Roles, terms: tuple[Term, ...]) -> list[str]:
    """Every column that is needed, in order of name; conditions of random effects included."""
    parsed = parse(formula)
    names = {*variables_of(parsed.lhs, columns), *variables_of(parsed.rhs, columns), *roles.columns}
    for term in terms:
        names |= {*term.factors, *variables(term)}
        names |= {name for name in columns if name in (term.condition or "")}
    return sorted(names)


def numbers_in(frame: pd.DataFrame, expressions: list[str]) -> dict[str, Array]:
    """Values (N,) of numeric expressions, each a column or a transformation of columns."""
    return {name: _number(frame, name) for name in expressions}


def _number(frame: pd.DataFrame, expression: str) -> Array:
    from formulaic import Formula

    if expression in frame.columns:
        return frame[expression].to_numpy(dtype=float)
    matrix = Formula(f"0 + {expression}").get_model_matrix(frame, output="numpy", na_action="ignore")
    values = np.asarray(matrix, dtype=float)
    if values.shape[1] != 1:
        raise MeaninglessRequestError(f"{expression!r} makes {values.shape[1]} columns: write each as a term")
    return values[:, 0]


def laid_out(  # noqa: PLR0913, PLR0917
    formula: str, roles: Roles, terms: tuple[Term, ...], sample: pd.DataFrame, levels: Levels, labels: Levels
) -> Layout:
    """A layout whose centres and scales are those of a sample of complete rows."""
    bare = Layout(formula, roles, terms, sample.iloc[:0], levels, labels, {}, {})
    typed = sample.assign(
        **{
            name: sample[name].astype(pd.CategoricalDtype(list(levels[name])))
            for name in levels
            if is_factor(sample[name])
        }
    )
    design = build(parse(formula), typed)
    _refuse_whole_sample(design)
    expressions = {name for coding in design.codings for name in coding.numeric}
    found = numbers_in(sample, sorted({*expressions, bare.outcome, *bare.numeric}))
    centre = {name: float(values.mean()) for name, values in found.items()}
    return bare.recentred(
        centre, {name: spread(float(values.std()), centre[name]) for name, values in found.items()}
    )


def spread(sd: float, centre: float) -> float:
    """A scale that is never zero: a sample may hold one value only."""
    return sd if sd > 1e-12 * abs(centre) and np.isfinite(sd) else (abs(centre) or 1.0)


def _refuse_whole_sample(design: Design) -> None:
    """Terms that no batch can compute for itself."""
    if design.spec.transform_state:
        names = ", ".join(map(str, design.spec.transform_state))
        raise MeaninglessRequestError(
            f"{names} depends on all rows at once, which no batch of a stream can know: leave it out (numbers are"
            " centred and scaled inside), or compute it as a column before"
        )
    computed = {name for coding in design.codings for name in coding.levels} - design.column_of.keys()
    if computed:
        raise MeaninglessRequestError(
            f"the factor {min(computed)!r} is computed in the formula: make it a column of the file before"
        )
