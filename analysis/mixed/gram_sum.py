"""Grams of a stream: what batches and workers sum, add, and send to each other. Not here: files, fits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.arrays import Array, Codes
from analysis.mixed.batch import Batch, read_batch
from analysis.mixed.errors import BadDataError, MeaninglessRequestError
from analysis.mixed.factored import Factored, cells, sum_factored
from analysis.mixed.gram import GramSum as PatternSums
from analysis.mixed.gram import RowCodes, patterns
from analysis.mixed.layout import Layout, numbers_in
from analysis.mixed.random.spec import Term
from analysis.mixed.tallies import Tallies, coefficients, counted, tallied


@dataclass(frozen=True, slots=True, eq=False)
class GramSum:
    """Sums over participants, additive and small: batches, files and workers share the work [MMRM-4].

    A participant's rows belong in one batch. Eight bytes are kept of each, so that one in two sums is noticed.
    """

    layout: Layout
    sums: PatternSums  # of [X*, Z, y*], X* the design with centred and scaled numbers
    tallies: Tallies
    lowest: float  # of the outcome, centred and scaled
    highest: float
    plans: Array  # (groups, T, k) coefficients of participants' own effects, NaN where not seen
    people: tuple[np.ndarray[Any, np.dtype[np.uint64]], ...]  # keys of participants, a run per batch

    @classmethod
    def of(cls, rows: Any, layout: Layout, *, first_row: int = 0) -> "GramSum":
        """Sum a pandas frame, an Arrow table or an Arrow batch; participants are complete in it.

        Raises:
            BadDataError: an infinity, a duplicate, an unknown level, a group that changes within a participant.
        """
        table = as_table(rows, layout)
        batch = read_batch(table, layout, first_row)
        if len(batch.row) == 0:
            return _nothing(layout, batch)
        return _summed(layout, batch)

    def __add__(self, other: "GramSum") -> "GramSum":
        if self.layout is not other.layout and self.layout.key != other.layout.key:
            raise MeaninglessRequestError(
                "the sums were made with different layouts (formula, roles, levels, centres): use one layout for all"
            )
        return GramSum(
            self.layout,
            self.sums + other.sums,
            self.tallies + other.tallies,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            _agreed(self.plans, other.plans),
            self.people + other.people,
        )

    def __radd__(self, other: int) -> "GramSum":
        """So that sum([...]) works, which begins with 0."""
        return self if other == 0 else NotImplemented

    @property
    def n_rows(self) -> int:
        """Complete rows."""
        return int(float(self.tallies.rows["complete"]))

    def checked(self) -> "GramSum":
        """No participant is in two of the batches that were added."""
        if self.layout.roles.subject is not None:
            keys = np.sort(np.concatenate(self.people))
            twice = len(np.unique(keys[1:][keys[1:] == keys[:-1]]))
            if twice:
                raise BadDataError(
                    f"the rows of {twice} participants lie apart, in several batches: sort the file by"
                    f" {self.layout.roles.subject!r}, or give all rows of a participant to the same worker"
                )
        return self


def as_table(rows: Any, layout: Layout) -> Any:
    """The columns needed, as an Arrow table."""
    import pyarrow as pa

    checks.known_columns(_head(rows), layout.dtypes.columns)
    if isinstance(rows, pd.DataFrame):
        return pa.Table.from_pandas(rows[list(layout.dtypes.columns)], preserve_index=False)
    table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
    return table.select(list(layout.dtypes.columns))


def _head(rows: Any) -> pd.DataFrame:
    frame: pd.DataFrame = (
        rows.iloc[:0] if isinstance(rows, pd.DataFrame) else rows.schema.empty_table().to_pandas()
    )
    return frame


def _nothing(layout: Layout, batch: Batch) -> GramSum:
    n_columns = _width(layout)
    sums = PatternSums(n_columns, len(layout.visits), len(layout.groups))
    rows = Tallies(rows=counted(batch))
    return GramSum(
        layout, sums, rows, np.inf, -np.inf, _no_plan(layout, layout.own_terms), (batch.subject_keys,)
    )


def _width(layout: Layout) -> int:
    empty = pd.DataFrame({name: np.ones(1) for name in layout.numeric})
    sizes: list[int] = [
        len(layout.labels[term.key]) * coefficients(term, empty).shape[1] for term in layout.shared_terms
    ]
    return len(layout.design.names) + sum(sizes) + 1


def _summed(layout: Layout, batch: Batch) -> GramSum:
    codes = _row_codes(layout, batch)
    weight = _weights(layout, batch)
    wanted = {name for coding in layout.design.codings for name in coding.numeric} | {layout.outcome}
    raw = numbers_in(batch.numbers, sorted({*wanted, *layout.numeric}))
    centred = _centred(layout, raw)
    designs = [coefficients(term, batch.numbers) for term in layout.shared_terms]
    rows = _factored(layout, batch, centred, designs, np.sqrt(weight))
    own = [
        np.where(acts[:, None], coefficients(term, batch.numbers), 0.0)
        for term, acts in zip(layout.own_terms, batch.own_acts, strict=True)
    ]
    y = centred[layout.outcome]
    return GramSum(
        layout,
        sum_factored(rows, patterns(codes), codes.n_visits, codes.n_kinds),
        tallied(layout, batch, raw, designs, own, weight),
        float(y.min()),
        float(y.max()),
        _plan(layout, codes, own),
        (batch.subject_keys,),
    )


def _centred(layout: Layout, raw: dict[str, Array]) -> dict[str, Array]:
    centre = {**layout.affine.centre, layout.outcome: layout.outcome_centre}
    return {name: (raw[name] - value) / layout.scale[name] for name, value in centre.items()}


def _row_codes(layout: Layout, batch: Batch) -> RowCodes:
    roles = layout.roles
    n_subjects = int(batch.subject.max()) + 1
    visit, group = batch.codes(roles.visit), batch.codes(roles.group)
    if roles.subject is not None:
        _no_duplicates(batch, visit, layout)
    if roles.group is not None:
        checks.group_within_participants(batch.subject, group, roles.group)
    return RowCodes(batch.subject, visit, group, n_subjects, len(layout.visits), len(layout.groups))


def _no_duplicates(batch: Batch, visit: Codes, layout: Layout) -> None:
    count = np.bincount(batch.subject * len(layout.visits) + visit)
    if count.max() > 1:
        doubled = np.flatnonzero(count[batch.subject * len(layout.visits) + visit] > 1)
        seen = checks.listed(layout.visits[v] for v in np.unique(visit[doubled]))
        raise BadDataError(
            f"{len(np.unique(batch.subject[doubled]))} participants have more than one row at a visit"
            f" (visits {seen}; rows {checks.listed(batch.row[doubled] + 1)}):"
            " keep one row per participant and visit"
        )


def _weights(layout: Layout, batch: Batch) -> Array:
    if layout.roles.weights is None:
        return np.ones(len(batch.row))
    weights = batch.numbers[layout.roles.weights].to_numpy()
    bad = batch.row[~(weights > 0)]
    if len(bad):
        raise BadDataError(
            f"weights {layout.roles.weights!r} are not positive in row {checks.listed(bad + 1)}:"
            " every weight must exceed 0"
        )
    return weights


def _factored(
    layout: Layout, batch: Batch, centred: dict[str, Array], designs: list[Array], roots: Array
) -> Factored:
    """[X*, Z, y*] as products of numbers, times codings of cells."""
    products = list(dict.fromkeys(coding.numeric for coding in layout.design.codings))
    numbers = [np.prod([roots, *(centred[name] for name in sorted(one))], axis=0) for one in products]
    number_of = [products.index(coding.numeric) for coding in layout.design.codings]
    active = [np.where(acts, codes, -1) for codes, acts in batch.labels]
    for term, z in zip(layout.shared_terms, designs, strict=True):
        number_of += [len(numbers) + k for _ in layout.labels[term.key] for k in range(z.shape[1])]
        numbers += list((z * roots[:, None]).T)
    number_of.append(len(numbers))
    numbers.append(centred[layout.outcome] * roots)
    names = list(layout.design.factors)
    seen = [(batch.levels[name], len(layout.levels[name])) for name in names]
    shared = [
        (codes, len(layout.labels[t.key])) for codes, t in zip(active, layout.shared_terms, strict=True)
    ]
    cell, one = cells([*seen, *shared], len(batch.row))
    at = {name: batch.levels[name][one] for name in names}
    fixed = [_coding(layout, coding.levels, at, len(one)) for coding in layout.design.codings]
    random = [
        np.repeat(codes[one][:, None] == np.arange(size), z.shape[1], axis=1)
        for (codes, size), z in zip(shared, designs, strict=True)
    ]
    coding = np.column_stack([*fixed, *random, np.ones(len(one))])
    return Factored(np.column_stack(numbers), np.array(number_of), cell, coding.astype(float))


def _coding(layout: Layout, levels: dict[str, Array], at: dict[str, Codes], n_cells: int) -> Array:
    value = np.ones(n_cells)
    for expression, coding in levels.items():
        value = value * coding[at[layout.design.column_of[expression]]]
    return value


def _no_plan(layout: Layout, own: list[Term]) -> Array:
    sizes = sum(
        coefficients(term, pd.DataFrame({n: np.ones(1) for n in layout.numeric})).shape[1] for term in own
    )
    return np.full((len(layout.groups), len(layout.visits), sizes), np.nan)


def _plan(layout: Layout, codes: RowCodes, own: list[Array]) -> Array:
    """Coefficients of participants' own effects by group and visit; refused where they depend on more."""
    plan = _no_plan(layout, layout.own_terms)
    if own:
        z = np.concatenate(own, axis=1)
        plan[codes.kind, codes.visit] = z
        if not np.array_equal(plan[codes.kind, codes.visit], z):
            raise MeaninglessRequestError(_PLAN)
    return plan


def _agreed(one: Array, other: Array) -> Array:
    both = ~np.isnan(one) & ~np.isnan(other)
    if not np.array_equal(one[both], other[both]):
        raise MeaninglessRequestError(_PLAN)
    return np.where(np.isnan(one), other, one)


_PLAN = (
    "the coefficients of participants' random effects differ between participants of one group at one visit, so"
    " each has a covariance of its own and Grams do not get smaller: fit it from a frame"
)
