"""A formula and a frame in, a design out. The only module of the engine that knows formulaic."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
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
        if self._numeric <= set(frame.columns) and self.column_of.keys() >= self._expressions:
            return self._from_codings(frame)
        return self._by_formulaic(frame)

    @property
    def _expressions(self) -> set[str]:
        return {name for coding in self.codings for name in coding.levels}

    @property
    def _numeric(self) -> set[str]:
        return {name for coding in self.codings for name in coding.numeric}

    def _from_codings(self, frame: pd.DataFrame) -> Array:
        used = {name: self.column_of[name] for name in self._expressions}
        codes = {name: self._codes(frame[column], column) for name, column in used.items()}
        values = {name: frame[name].to_numpy(dtype=float) for name in self._numeric}
        return product_of_codings(self.codings, values, codes, len(frame))

    @property
    def is_separable(self) -> bool:
        """Whether every column is a product of variables as they stand and of codings of different variables."""
        if not (self._numeric <= set(self.variables) and self.column_of.keys() >= self._expressions):
            return False
        coded = [[self.column_of[name] for name in coding.levels] for coding in self.codings]
        return all(len(set(names)) == len(names) for names in coded)

    def cell_means(self, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
        """Rows of a separable design at cells, averaged over all levels of the other factors: (cells, P).

        A mean over a full grid of a product is the product of the means.
        """
        used = {name: self.column_of[name] for name in self._expressions}
        codes = {name: self._codes(cells[own], own) for name, own in used.items() if own in cells.columns}
        numeric = {
            name: cells[name].to_numpy(dtype=float) if name in cells.columns else float(frame[name].mean())
            for name in self._numeric
        }
        rows = np.ones((len(cells), len(self.codings)))
        for number, coding in enumerate(self.codings):
            for name in coding.numeric:
                rows[:, number] *= numeric[name]
            for name, levels in coding.levels.items():
                rows[:, number] *= levels[codes[name]] if name in codes else levels.mean()
        return rows

    def _codes(self, values: pd.Series, column: str) -> Codes:
        if isinstance(values.dtype, pd.CategoricalDtype):
            return values.cat.codes.to_numpy().astype(np.intp)
        return np.searchsorted(np.asarray(self.factors[column]), values.to_numpy())

    def _by_formulaic(self, frame: pd.DataFrame) -> Array:
        return np.asarray(self.spec.get_model_matrix(frame, output="numpy", na_action="ignore"), dtype=float)


def product_of_codings(
    codings: Sequence[Coding], numeric: Mapping[str, Array], codes: Mapping[str, Codes], n_rows: int
) -> Array:
    """Columns (n_rows, P) from the values of numeric variables and the level numbers of factors."""
    columns = np.empty((len(codings), n_rows))
    made: dict[tuple[str, bytes], Array] = {}
    for number, coding in enumerate(codings):
        parts = [numeric[name] for name in coding.numeric]
        for name, levels in coding.levels.items():
            key = name, levels.tobytes()
            if key not in made:
                made[key] = levels[codes[name]]
            parts.append(made[key])
        columns[number] = parts[0] if parts else 1.0
        for part in parts[1:]:
            columns[number] *= part
    return np.ascontiguousarray(columns.T)


@lru_cache(maxsize=64)
def parse(formula: str) -> Any:
    """The formula's two sides, checked."""
    from formulaic import Formula
    from formulaic.errors import FormulaSyntaxError

    try:
        parsed = Formula(formula)
    except FormulaSyntaxError as error:
        why = str(error).splitlines()[0]  # the lines after it colour the place for a terminal
        raise BadDataError(f"the formula {formula!r} cannot be read: {why}") from error
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
    if _is_plain(parsed, frame):
        return _from_levels(parsed, frame)
    matrices = evaluated(parsed, frame)
    X = np.asarray(matrices.rhs, dtype=float)
    y = np.asarray(matrices.lhs, dtype=float).reshape(len(frame), -1)[:, 0]
    return _described(parsed, matrices.rhs.model_spec, frame, X, y)


def evaluated(parsed: Any, frame: pd.DataFrame) -> Any:
    """Formulaic's matrices; what it can't evaluate is a mistake of the formula."""
    from formulaic.errors import FormulaicError

    try:
        return parsed.get_model_matrix(frame, output="numpy", na_action="ignore")
    except FormulaicError as error:
        raise BadDataError(f"the formula cannot be evaluated: {str(error).splitlines()[0]}") from error


def _described(parsed: Any, spec: Any, frame: pd.DataFrame, X: Array, y: Array) -> Design:
    variables = tuple(variables_of(parsed.rhs, list(frame.columns)))
    return Design(
        X=X,
        y=y,
        names=tuple(str(name) for name in spec.column_names),
        terms={str(term): found for term, found in spec.term_slices.items()},
        codings=_codings(spec),
        variables=variables,
        factors=_factors(spec, frame, variables),
        column_of=_column_of(spec, frame),
        spec=spec,
    )


def _is_plain(parsed: Any, frame: pd.DataFrame) -> bool:
    """Whether both sides use columns as they stand: numbers, and factors by type. Then levels say it all."""
    lookup, literal = _kinds_of_factor()
    outcome, factors = list(parsed.lhs), [factor for term in parsed.rhs for factor in term.factors]
    used = [*factors, *(factor for term in outcome for factor in term.factors)]
    return (
        len(outcome) == 1
        and len(outcome[0].factors) == 1
        and all(factor.eval_method is lookup or str(factor.expr) == "1" for factor in used)
        and all(factor.eval_method is not literal for factor in outcome[0].factors)
        and all(_as_it_stands(frame[str(f.expr)]) for f in used if f.eval_method is lookup)
    )


@cache
def _kinds_of_factor() -> tuple[Any, Any]:
    from formulaic.parser.types import Factor

    return Factor.EvalMethod.LOOKUP, Factor.EvalMethod.LITERAL


def _as_it_stands(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype) or (
        isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
    )


def _from_levels(parsed: Any, frame: pd.DataFrame) -> Design:
    """Columns as products, without a frame of a million rows going through formulaic."""
    names = variables_of(parsed.rhs, list(frame.columns))
    kinds = tuple((name, _levels(frame[name])) for name in names)
    described = _plan(parsed, kinds)
    numeric = {name: frame[name].to_numpy(dtype=float) for name, levels in kinds if levels is None}
    codes = {
        name: frame[name].cat.codes.to_numpy().astype(np.intp) for name, levels in kinds if levels is not None
    }
    (outcome,) = (str(factor.expr) for term in parsed.lhs for factor in term.factors)
    X = product_of_codings(described.codings, numeric, codes, len(frame))
    return replace(described, X=X, y=frame[outcome].to_numpy(dtype=float))


def _levels(column: pd.Series) -> pd.CategoricalDtype | None:
    return column.dtype if isinstance(column.dtype, pd.CategoricalDtype) else None


PLANS: dict[tuple[Any, Any], Design] = {}
MOST_PLANS = 64


def _plan(parsed: Any, kinds: tuple[tuple[str, pd.CategoricalDtype | None], ...]) -> Design:
    """What formulaic makes of the formula: asked with one row per level, and remembered."""
    written = tuple(tuple((str(f.expr), f.eval_method) for f in term.factors) for term in parsed.rhs)
    key = written, tuple((n, None if d is None else (d.ordered, *d.categories)) for n, d in kinds)
    if key not in PLANS:
        if len(PLANS) >= MOST_PLANS:
            PLANS.clear()
        size = max([2, *(len(dtype.categories) for _, dtype in kinds if dtype is not None)])
        number = np.arange(size)
        small = pd.DataFrame(
            {
                name: number.astype(float)
                if dtype is None
                else pd.Categorical.from_codes(number % len(dtype.categories), dtype=dtype)
                for name, dtype in kinds
            },
            index=range(size),
        )
        spec = parsed.rhs.get_model_matrix(small, output="numpy", na_action="ignore").model_spec
        PLANS[key] = _described(parsed, spec, small, np.zeros((0, 0)), np.zeros(0))
    return PLANS[key]


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
            scale = (
                frozenset() if scoped.scale == 1 else frozenset({f"{scoped.scale} times"})
            )  # which alone knows the factor
            partial = [Coding(scale, {})]
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
