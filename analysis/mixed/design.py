"""A formula and a frame in, a design out. The only module of the engine that knows formulaic."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes
from analysis.mixed.errors import BadDataError

PLAIN_CODING = re.compile(r"C\(\w+(, *contr\.\w+(\(.*\))?)?\)")  # C(x), or C(x, contr.sum), but not C(f(x))


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """One column of the design: a product of numeric factors and of coded categorical ones."""

    numeric: frozenset[str]
    levels: dict[str, Array]  # factor expression -> value of this column's coding at each level


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The fixed effects: columns, what they mean, and how to build them for other rows."""

    X: Array  # (N, P)
    y: Array  # (N,)
    names: tuple[str, ...]  # (P,)
    terms: dict[str, slice]
    codings: tuple[Coding, ...]  # (P,)
    variables: tuple[str, ...]  # columns of the frame the right-hand side uses
    factors: dict[str, Sequence[Any]]  # those among them that are categorical, with their levels
    column_of: dict[str, str]  # factor expression -> the variable it codes
    spec: Any  # formulaic's ModelSpec

    def rows(self, frame: pd.DataFrame) -> Array:
        """Design rows (k, P) for a frame of covariate values.

        Where every numeric factor is a column as it stands the codings are enough; a transformed one needs formulaic.
        """
        numeric = {name for coding in self.codings for name in coding.numeric}
        if numeric <= set(frame.columns) and self.column_of.keys() >= self._expressions:
            return self._from_codings(frame)
        return self._by_formulaic(frame)

    @property
    def _expressions(self) -> set[str]:
        return {name for coding in self.codings for name in coding.levels}

    def _from_codings(self, frame: pd.DataFrame) -> Array:
        used = {name: self.column_of[name] for name in self._expressions}
        codes = {name: self._codes(frame[column], column) for name, column in used.items()}
        numeric = {name for coding in self.codings for name in coding.numeric}
        values = {name: frame[name].to_numpy(dtype=float) for name in numeric}
        rows = np.ones((len(frame), len(self.codings)))
        for number, coding in enumerate(self.codings):
            for name in coding.numeric:
                rows[:, number] *= values[name]
            for name, levels in coding.levels.items():
                rows[:, number] *= levels[codes[name]]
        return rows

    def _codes(self, values: pd.Series, column: str) -> Codes:
        if isinstance(values.dtype, pd.CategoricalDtype):
            return values.cat.codes.to_numpy().astype(np.intp)
        return np.searchsorted(np.asarray(self.factors[column]), values.to_numpy())

    def _by_formulaic(self, frame: pd.DataFrame) -> Array:
        return np.asarray(self.spec.get_model_matrix(frame, output="numpy", na_action="ignore"), dtype=float)


def parse(formula: str) -> Any:
    """The formula's two sides, checked."""
    from formulaic import Formula
    from formulaic.errors import FormulaSyntaxError

    try:
        parsed = Formula(formula)
    except FormulaSyntaxError as error:
        raise BadDataError(f"the formula {formula!r} cannot be read: {error}") from error
    if not hasattr(parsed, "lhs"):
        raise BadDataError(f"the formula {formula!r} names no outcome: write it as 'outcome ~ terms'")
    return parsed


def variables_of(side: Any, columns: Sequence[str]) -> list[str]:
    """Columns one side of a formula uses; a name that is no column is given too, for the message about it."""
    from formulaic.parser.types import Factor

    names: set[str] = set()
    for factor in {factor for term in side for factor in term.factors}:
        if factor.eval_method is Factor.EvalMethod.LOOKUP:
            names.add(str(factor.expr))
        elif factor.eval_method is Factor.EvalMethod.PYTHON:
            names |= _names_in(str(factor.expr), columns)
    return sorted(names)


def _names_in(expression: str, columns: Sequence[str]) -> set[str]:
    from formulaic.transforms import TRANSFORMS
    from formulaic.utils.variables import Variable, get_required_variables

    found = get_required_variables(expression)
    values = [name for name in found if Variable.Role.CALLABLE not in name.roles]
    columns_or_roots = {str(name) if name in columns else str(name.root) for name in values}
    return {name for name in columns_or_roots if name in columns or name not in TRANSFORMS}


def build(parsed: Any, frame: pd.DataFrame) -> Design:
    """Evaluate a parsed formula on complete rows."""
    matrices = parsed.get_model_matrix(frame, output="numpy", na_action="ignore")
    spec = matrices.rhs.model_spec
    variables = tuple(variables_of(parsed.rhs, list(frame.columns)))
    return Design(
        X=np.asarray(matrices.rhs, dtype=float),
        y=np.asarray(matrices.lhs, dtype=float).reshape(len(frame), -1)[:, 0],
        names=tuple(str(name) for name in spec.column_names),
        terms={str(term): found for term, found in spec.term_slices.items()},
        codings=_codings(spec),
        variables=variables,
        factors=_factors(spec, frame, variables),
        column_of=_column_of(spec, frame),
        spec=spec,
    )


def _factors(spec: Any, frame: pd.DataFrame, variables: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Variables that are categorical by type or made so by C(...)."""
    made = {
        name for factor in spec.factor_contrasts for name in _names_in(str(factor.expr), list(frame.columns))
    }
    found: dict[str, Sequence[Any]] = {}
    for name in variables:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            found[name] = list(frame[name].cat.categories)
        elif name in made:
            found[name] = sorted(frame[name].unique())
    return found


def _column_of(spec: Any, frame: pd.DataFrame) -> dict[str, str]:
    """Categorical factors that code one variable as it stands."""
    found = {}
    for factor in spec.factor_contrasts:
        names = _names_in(str(factor.expr), list(frame.columns))
        if str(factor.expr) in frame.columns:
            found[str(factor.expr)] = str(factor.expr)
        elif len(names) == 1 and PLAIN_CODING.fullmatch(str(factor.expr)):
            found[str(factor.expr)] = next(iter(names))
    return found


def _codings(spec: Any) -> tuple[Coding, ...]:
    """How each column is made, for type-3 tests: formulaic varies the first factor fastest."""
    contrasts = {str(factor): state for factor, state in spec.factor_contrasts.items()}
    found: list[Coding] = []
    for term in spec.structure:
        for scoped in term.scoped_terms:
            partial = [Coding(frozenset(), {})]
            for scoped_factor in scoped.factors:
                partial = _times(
                    partial, str(scoped_factor.factor.expr), contrasts, reduced=scoped_factor.reduced
                )
            found += partial
    return tuple(found)


def _times(
    partial: list[Coding], expression: str, contrasts: dict[str, Any], *, reduced: bool
) -> list[Coding]:
    if expression not in contrasts:
        return [Coding(coding.numeric | {expression}, coding.levels) for coding in partial]
    state = contrasts[expression]
    matrix = state.contrasts.get_coding_matrix(list(state.levels), reduced_rank=reduced, sparse=False)
    columns = np.asarray(matrix, dtype=float).T
    return [
        Coding(coding.numeric, {**coding.levels, expression: column})
        for column in columns
        for coding in partial
    ]
