"""What `random=` says: which factor, where it acts, which coefficients; and the columns that follow from it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.errors import BadDataError
from analysis.mixed.levels import as_factor
from analysis.mixed.random.block import Block

CONDITION = re.compile(r"==|!=|<|>|\bin\b|\bnot\b")
Request = str | Sequence[str]
Random = Sequence[str] | Mapping[str, Request] | None


@dataclass(frozen=True, slots=True)
class Term:
    """One random component as asked for."""

    key: str  # a column, or columns joined by ":"
    design: str  # right-hand side of a formula, "1" for an intercept
    condition: str | None  # rows it acts on

    @property
    def factors(self) -> list[str]:
        """The columns whose combinations are the levels."""
        return [name.strip() for name in self.key.split(":")]


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A term on the data: every row's level and coefficients."""

    term: Term
    block: Block
    levels: tuple[str, ...]
    level: Codes  # (N,) -1 where it does not act
    z: Array  # (N, k) zero where it does not act

    def columns(self) -> Array:
        """Z (N, levels * k), level after level."""
        n_rows, size = self.z.shape
        wide = np.zeros((n_rows, len(self.levels), size))
        acts = self.level >= 0
        wide[acts, self.level[acts]] = self.z[acts]
        return wide.reshape(n_rows, -1)


def terms(random: Random) -> list[Term]:
    """Read `random=`: a list of factors, or a mapping to conditions, designs, or "design | condition"."""
    if random is None:
        return []
    if not isinstance(random, Mapping):
        return [Term(key, "1", None) for key in random]
    return [term for key, request in random.items() for term in _requested(key, request)]


def _requested(key: str, request: Request) -> Iterator[Term]:
    for text in [request] if isinstance(request, str) else request:
        design, _, condition = (part.strip() for part in text.partition("|"))
        if condition:
            yield Term(key, design, condition)
        elif CONDITION.search(design):
            yield Term(key, "1", design)
        else:
            yield Term(key, design, None)


def variables(term: Term) -> list[str]:
    """Columns the coefficients use."""
    from formulaic import Formula

    return sorted(str(name) for name in Formula(term.design).required_variables)


def acts_on(term: Term, frame: pd.DataFrame) -> Mask:
    """(N,) the rows where a component's condition holds."""
    if term.condition is None:
        return np.ones(len(frame), dtype=bool)
    try:
        return np.asarray(frame.eval(term.condition), dtype=bool)
    except Exception as error:
        raise BadDataError(
            f"the condition {term.condition!r} of random effect {term.key!r} cannot be evaluated: {error}"
        ) from error


def component(term: Term, frame: pd.DataFrame) -> Component:
    """Evaluate a term on the analysed rows."""
    acts = acts_on(term, frame)
    label = _labels(term, frame)
    _must_be_known(term, frame, label, acts)
    must_stay_inside(term, label, acts)
    factor = as_factor(label.where(acts))
    z, names = _coefficients(term, frame)
    level = factor.cat.codes.to_numpy().astype(np.intp)
    levels = tuple(str(name) for name in factor.cat.categories)
    must_repeat(term, levels, int(acts.sum()))
    squares = np.maximum((z[acts] ** 2).mean(0), 1e-300)
    return Component(term, Block(term.key, names, squares), levels, level, np.where(acts[:, None], z, 0.0))


def _labels(term: Term, frame: pd.DataFrame) -> pd.Series:
    parts = [frame[name] for name in term.factors]
    if len(parts) == 1:
        return parts[0].astype(object)
    joined = parts[0].astype(str)
    for part in parts[1:]:
        joined = joined + ":" + part.astype(str)
    return joined.where(~frame[term.factors].isna().any(axis=1)).astype(object)


def _coefficients(term: Term, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    from formulaic import Formula

    matrix = Formula(term.design).get_model_matrix(frame, output="numpy", na_action="ignore")
    names = tuple("1" if name == "Intercept" else str(name) for name in matrix.model_spec.column_names)
    return np.asarray(matrix, dtype=float).reshape(len(frame), -1), names


def _must_be_known(term: Term, frame: pd.DataFrame, label: pd.Series, acts: Mask) -> None:
    del frame
    missing = int((label.isna().to_numpy() & acts).sum())
    if missing:
        raise BadDataError(
            f"random effect {term.key!r} has no level in {missing} of the {int(acts.sum())} rows it acts on:"
            f" give the rows a level, or say where it acts, such as random={{{term.key!r}: \"arm == 'SRT'\"}}"
        )


def must_stay_inside(term: Term, label: pd.Series, acts: Mask) -> None:
    """A partially nested factor's levels occur on one side of its condition only."""
    both = set(label[acts].dropna()) & set(label[~acts].dropna())
    if both:
        raise BadDataError(
            f"{len(both)} level{' of' if len(both) == 1 else 's of'} random effect {term.key!r}"
            f" {'occurs' if len(both) == 1 else 'occur'} both where {term.condition} holds and where it"
            f" does not: a partially nested factor acts in one part only; use random=[{term.key!r}] if its effect"
            " is shared, or give the levels of the other part names of their own"
        )


def must_repeat(term: Term, levels: Sequence[str], n_rows: int) -> None:
    """A variance needs two levels, and fewer levels than rows."""
    if len(levels) < 2:
        raise BadDataError(
            f"random effect {term.key!r} has {len(levels)} level{'' if len(levels) == 1 else 's'}, at least 2 are"
            " needed to estimate a variance: leave it out"
        )
    if len(levels) == n_rows and term.condition is None and term.design == "1":
        raise BadDataError(
            f"random effect {term.key!r} has a level of its own in each of {n_rows} rows, which is what the"
            " residual already is: leave it out"
        )
