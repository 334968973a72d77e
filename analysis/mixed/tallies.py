"""What a stream counts beside its Grams: rows left out, levels, means, levels of random effects. All of it adds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.batch import Batch
from analysis.mixed.errors import BadDataError
from analysis.mixed.layout import Layout
from analysis.mixed.random.spec import Term

MOST_MARGINS = 1_000_000  # combinations of levels that are counted for weights="proportional"


LOG_WEIGHTS = "log weights"
MARGINS = "combinations of all factors"


@dataclass(frozen=True, slots=True, eq=False)
class Tallies:
    """What is counted beside the Grams; all of it adds."""

    rows: dict[str, Array] = field(default_factory=dict)  # "complete", "lost participants", "missing NAME"
    levels: dict[str, Array] = field(default_factory=dict)  # factor -> complete rows by level
    margins: dict[str, Array] = field(default_factory=dict)  # complete rows by combination of levels
    totals: dict[str, Array] = field(default_factory=dict)  # sums of numbers about their centres, log weights
    squares: dict[str, Array] = field(default_factory=dict)  # sums of squares about the centres
    shared: tuple[dict[str, Array], ...] = ()  # per shared component: rows by level where it acts, elsewhere
    own: tuple[Array, ...] = ()  # per component of the participants: coefficients' sums of squares

    def __add__(self, other: "Tallies") -> "Tallies":
        return Tallies(
            _added(self.rows, other.rows),
            _added(self.levels, other.levels),
            _added(self.margins, other.margins),
            _added(self.totals, other.totals),
            _added(self.squares, other.squares),
            _each(self.shared, other.shared, _added),
            _each(self.own, other.own, np.add),
        )


def _each(one: tuple[Any, ...], other: tuple[Any, ...], add: Callable[[Any, Any], Any]) -> tuple[Any, ...]:
    """Pairwise; sums of no rows have no components."""
    return one or other if not (one and other) else tuple(map(add, one, other))


def _added(one: dict[str, Array], other: dict[str, Array]) -> dict[str, Array]:
    return {name: np.add(one.get(name, 0.0), other.get(name, 0.0)) for name in {**one, **other}}


def tallied(  # noqa: PLR0913, PLR0917
    layout: Layout,
    batch: Batch,
    raw: dict[str, Array],
    designs: list[Array],
    own: list[Array],
    weight: Array,
) -> Tallies:
    """Count one batch; rows are complete, designs and own are the coefficients of random components."""
    about = {name: values - layout.centre[name] for name, values in raw.items()}
    totals = {name: np.array(values.sum()) for name, values in about.items()}
    squares = {name: np.array(values @ values) for name, values in about.items()}
    return Tallies(
        rows=counted(batch),
        levels={name: _count(batch.levels[name], len(layout.levels[name])) for name in layout.factors},
        margins=_margins(layout, batch),
        totals={**totals, LOG_WEIGHTS: np.array(np.log(weight).sum())},
        squares=squares,
        shared=tuple(
            _component(term, len(layout.labels[term.key]), *label, z)
            for term, label, z in zip(layout.shared_terms, batch.labels, designs, strict=True)
        ),
        own=tuple((z**2).sum(0) for z in own),
    )


def _margins(layout: Layout, batch: Batch) -> dict[str, Array]:
    sizes = [len(layout.levels[name]) for name in layout.design.factors]
    if not sizes or np.prod(sizes, dtype=float) > MOST_MARGINS:
        return {}
    joint = np.ravel_multi_index([batch.levels[name] for name in layout.design.factors], sizes)
    return {MARGINS: _count(joint, int(np.prod(sizes)))}


def _component(term: Term, n_levels: int, codes: Codes, acts: Mask, z: Array) -> dict[str, Array]:
    _must_be_known(term, codes, acts)
    return {
        "acting": _count(codes[acts], n_levels),
        "elsewhere": _count(codes[~acts & (codes >= 0)], n_levels),
        "squares": (z[acts] ** 2).sum(0),
    }


def _count(codes: Codes, size: int) -> Array:
    return np.bincount(codes, minlength=size).astype(float)


def _must_be_known(term: Term, codes: Codes, acts: Mask) -> None:
    missing = int(((codes < 0) & acts).sum())
    if missing:
        raise BadDataError(
            f"random effect {term.key!r} has no level in {missing} of the {int(acts.sum())} rows it acts on:"
            f" give the rows a level, or say where it acts, such as random={{{term.key!r}: \"arm == 'SRT'\"}}"
        )


def counted(batch: Batch) -> dict[str, Array]:
    """Rows that were complete, and what the others missed."""
    rows = {f"missing {name}": np.array(float(count)) for name, count in batch.missing.items()}
    return rows | {
        "complete": np.array(float(len(batch.row))),
        "lost participants": np.array(float(batch.n_lost)),
    }


def coefficients(term: Term, numbers: pd.DataFrame) -> Array:
    """Coefficients of a random component (N, k)."""
    from formulaic import Formula

    if term.design == "1":
        return np.ones((len(numbers), 1))
    matrix = Formula(term.design).get_model_matrix(numbers, output="numpy", na_action="ignore")
    return np.asarray(matrix, dtype=float).reshape(len(numbers), -1)
