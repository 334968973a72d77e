"""Parquet files read batch by batch into one GramSum: levels first, then the sums. Not here: sums, fits.

Read twice: the factor columns alone, whose dictionaries give the levels, then all columns needed. A third time only
where a level turned out to have no complete row, or the first rows' centre to be far from the mean.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.batch import dictionary, joined_labels
from analysis.mixed.design import build, parse, variables_of
from analysis.mixed.errors import BadDataError
from analysis.mixed.from_sums import better_layout
from analysis.mixed.gram_sum import GramSum
from analysis.mixed.layout import Layout, columns_of, laid_out
from analysis.mixed.levels import as_factor, is_factor, natural
from analysis.mixed.prepare import Roles
from analysis.mixed.random.spec import Random, Term, terms

Paths = str | Path | Sequence[str | Path]
BATCH_ROWS = 500_000
SAMPLE_ROWS = 10_000  # from the first, the middle and the last row group
MOST_READINGS = 3


def sum_parquet(paths: Paths, layout: Layout, *, batch_rows: int = BATCH_ROWS) -> GramSum:
    """The Grams of files whose participants' rows stand together."""
    total: GramSum | None = None
    first_row = 0
    factors = [*layout.factors, *layout.random_factors]
    tables = _batches(paths, list(layout.dtypes.columns), batch_rows, factors)
    for table in _whole_participants(tables, layout):
        own = GramSum.of(table, layout, first_row=first_row)
        total = own if total is None else total + own
        first_row += table.num_rows
    if total is None:
        raise BadDataError("the files hold no rows: give files with one row per participant and visit")
    return total


def read_sums(paths: Paths, layout: Layout, *, batch_rows: int = BATCH_ROWS) -> GramSum:
    """As `sum_parquet`, read again where the layout can be bettered by what was found."""
    for _ in range(MOST_READINGS):
        total = sum_parquet(paths, layout, batch_rows=batch_rows)
        better = better_layout(total)
        if better is None:
            break
        layout = better
    return total


def layout_of_parquet(  # noqa: PLR0913
    paths: Paths,
    formula: str,
    *,
    subject: str | None = None,
    visit: str | None = None,
    group: str | None = None,
    random: Random = None,
    weights: str | None = None,
) -> Layout:
    """The layout for all rows of these files; workers that share the files need one and the same."""
    roles, asked = Roles(subject, visit, group, weights).checked(), tuple(terms(random))
    empty = _empty(paths)
    columns = _checked_columns(empty, formula, roles, asked)
    sample = _complete(_sample(paths, columns), formula, roles, asked)
    factors = factors_of(formula, roles, sample)
    wanted = _label_columns(factors, asked, roles)
    tables = _batches(paths, wanted, BATCH_ROWS, wanted)
    return laid_out(formula, roles, asked, sample, *_levels(tables, empty, factors, asked, roles))


def layout_of(  # noqa: PLR0913
    frame: pd.DataFrame,
    formula: str,
    *,
    subject: str | None = None,
    visit: str | None = None,
    group: str | None = None,
    random: Random = None,
    weights: str | None = None,
) -> Layout:
    """The layout of a frame that shows every level; its numbers give centres and scales."""
    import pyarrow as pa

    roles, asked = Roles(subject, visit, group, weights).checked(), tuple(terms(random))
    columns = _checked_columns(frame.iloc[:0], formula, roles, asked)
    sample = _complete(frame[columns], formula, roles, asked)
    factors = factors_of(formula, roles, sample)
    table = pa.Table.from_pandas(frame[columns], preserve_index=False)
    return laid_out(formula, roles, asked, sample, *_levels([table], frame, factors, asked, roles))


# --- the layout ------------------------------------------------------------------


def _checked_columns(empty: pd.DataFrame, formula: str, roles: Roles, asked: tuple[Term, ...]) -> list[str]:
    columns = columns_of(formula, list(empty.columns), roles, asked)
    checks.known_columns(empty, columns)
    checks.numeric_outcome(empty, variables_of(parse(formula).lhs, list(empty.columns)))
    return columns


def _complete(sample: pd.DataFrame, formula: str, roles: Roles, asked: tuple[Term, ...]) -> pd.DataFrame:
    """Rows of a sample that miss nothing the fixed effects need."""
    bare = tuple(Term(term.key, term.design, None) for term in asked)
    random = {name for term in asked for name in term.factors} - set(roles.columns)
    required = [n for n in columns_of(formula, list(sample.columns), roles, bare) if n not in random]
    checks.finite(sample, required)
    found = sample[~sample[required].isna().any(axis=1)].reset_index(drop=True)
    if found.empty:
        raise BadDataError(
            f"no row of the first, middle and last rows is complete: each misses at least one of"
            f" {checks.listed(map(repr, required))}"
        )
    return found


def factors_of(formula: str, roles: Roles, sample: pd.DataFrame) -> list[str]:
    """Columns read as levels: by type, by `C(...)`, and by role."""
    coded = sample.assign(**{n: as_factor(sample[n]) for n in sample.columns if is_factor(sample[n])})
    design = build(parse(formula), coded)
    return list(dict.fromkeys([*design.factors, *(name for name in (roles.visit, roles.group) if name)]))


def _label_columns(factors: list[str], asked: tuple[Term, ...], roles: Roles) -> list[str]:
    shared = [name for term in asked if term.key != roles.subject for name in term.factors]
    return list(dict.fromkeys([*factors, *shared]))


def _levels(
    tables: Iterable[Any], empty: pd.DataFrame, factors: list[str], asked: tuple[Term, ...], roles: Roles
) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]:
    """Levels of factors in a categorical's own order, else in natural order; labels of random components."""
    shared = [term for term in asked if term.key != roles.subject]
    ordered = {name for name in factors if isinstance(empty[name].dtype, pd.CategoricalDtype)}
    found: dict[str, dict[Any, None]] = {name: {} for name in factors}
    labels: dict[str, dict[Any, None]] = {term.key: {} for term in shared}
    for table in tables:
        for name in factors:
            found[name] |= dict.fromkeys(_seen(table[name], every=name in ordered))
        for term in shared:
            labels[term.key] |= dict.fromkeys(_seen(joined_labels(table, term), every=False))
    return (
        {name: tuple(own if name in ordered else sorted(own, key=natural)) for name, own in found.items()},
        {name: tuple(sorted(own, key=natural)) for name, own in labels.items()},
    )


def _seen(column: Any, *, every: bool) -> list[Any]:
    """Values that occur, or every value of a categorical, in its order."""
    codes, values = dictionary(column)
    count = np.bincount(codes[codes >= 0], minlength=len(values))
    return [value for value, rows in zip(values.to_pylist(), count, strict=True) if rows or every]


# --- the files -------------------------------------------------------------------


def _files(paths: Paths) -> list[Path]:
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _empty(paths: Paths) -> pd.DataFrame:
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_schema(_files(paths)[0]).empty_table().to_pandas()
    return frame


def _batches(paths: Paths, columns: list[str], batch_rows: int, factors: Sequence[str]) -> Iterator[Any]:
    """Arrow tables of so many rows; text factors as codes, as the file has them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in _files(paths):
        with pq.ParquetFile(path, read_dictionary=list(factors)) as file:
            _same_columns(file, columns, path)
            for batch in file.iter_batches(batch_size=batch_rows, columns=columns):
                yield pa.Table.from_batches([batch])


def _same_columns(file: Any, columns: list[str], path: Path) -> None:
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        raise BadDataError(
            f"{path.name} has no column {checks.listed(map(repr, missing))}, which the first file has:"
            " give files with the same columns"
        )


def _sample(paths: Paths, columns: list[str]) -> pd.DataFrame:
    """Rows from the beginning, the middle and the end."""
    import pyarrow.parquet as pq

    found: list[pd.DataFrame] = []
    for path in _files(paths)[:: max(1, len(_files(paths)) // 3)]:
        with pq.ParquetFile(path) as file:
            _same_columns(file, columns, path)
            groups = {0, file.num_row_groups // 2, file.num_row_groups - 1} & set(range(file.num_row_groups))
            found += [frame for group in sorted(groups) for frame in _head_of_group(file, group, columns)]
    if not found:
        raise BadDataError("the files hold no rows: give files with one row per participant and visit")
    return pd.concat(found, ignore_index=True)


def _head_of_group(file: Any, group: int, columns: list[str]) -> list[pd.DataFrame]:
    """One frame; none of a group without rows."""
    batches = file.iter_batches(SAMPLE_ROWS, row_groups=[group], columns=columns)
    return [batch.to_pandas() for batch in islice(batches, 1)]


def _whole_participants(tables: Iterable[Any], layout: Layout) -> Iterator[Any]:
    """Tables again, but the last participant of each waits for the next one."""
    import pyarrow as pa

    if layout.roles.subject is None:
        yield from tables
        return
    waiting = None
    for table in tables:
        whole = table if waiting is None else pa.concat_tables([waiting, table], promote_options="permissive")
        start = _last_run(whole[layout.roles.subject])
        if start:
            yield whole.slice(0, start)
        waiting = whole.slice(start)
    if waiting is not None:
        yield waiting


def _last_run(subject: Any) -> int:
    """Where the last participant's rows begin."""
    import pyarrow.compute as pc

    last = subject[-1]
    if not last.is_valid:
        return len(subject)
    differs = pc.fill_null(pc.not_equal(subject, last), fill_value=True).to_numpy()
    return int(len(differs) - np.argmax(differs[::-1])) if differs.any() else 0
