"""From streamed Grams to a model that can be fitted: what prepare and problem do, without a row in memory."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from analysis.mixed import checks
from analysis.mixed.arrays import Array, Codes
from analysis.mixed.covariance.covariance import ParticipantEffects
from analysis.mixed.errors import BadDataError, TooLittleDataError
from analysis.mixed.gram import GramSum as PatternSums
from analysis.mixed.gram import pack
from analysis.mixed.gram_sum import GramSum
from analysis.mixed.layout import Layout, spread
from analysis.mixed.lsmeans import ROWS
from analysis.mixed.prepare import Prepared
from analysis.mixed.problem import Problem
from analysis.mixed.random.block import Block
from analysis.mixed.random.crossed import Crossed
from analysis.mixed.random.spec import Component, Term, must_repeat, must_stay_inside
from analysis.mixed.rotation import WELL_CONDITIONED, Rotation
from analysis.mixed.tallies import LOG_WEIGHTS, MARGINS

COLLINEAR = 1e-5  # share of a centred column's length beside those before it; a Gram cannot see less
EXACT_FIT = 1e-12  # residual over total sum of squares; a Gram cannot see less
OFF_CENTRE = 1e4  # squared distance of a centre from the mean, in variances: four digits


def prepare_sums(total: GramSum) -> Prepared:
    """Check, rotate and pack."""
    layout = total.checked().layout
    _check(total)
    components = [_shared(number, term, total) for number, term in enumerate(layout.shared_terms)]
    own = [_own(number, term, total) for number, term in enumerate(layout.own_terms)]
    posed = _posed(total, _acting_columns(total, components))
    return Prepared(
        design=layout.design,
        frame=_margins_frame(total),
        problem=posed.problem,
        visits=layout.visits,
        groups=layout.groups,
        group_of_kind=np.arange(len(layout.groups)),
        effects=_effects(own, total.plans),
        crossed=Crossed([one.block for one in components], [one.levels for one in components])
        if components
        else None,
        components=tuple(sorted([*components, *own], key=lambda one: layout.terms.index(one.term))),
        subject=layout.roles.subject,
        visit=layout.roles.visit,
        notes=(*_left_out(total), *posed.notes),
    )


def better_layout(total: GramSum) -> Layout | None:
    """The layout a second reading should have: levels that occur, centres near the means; None where it is good.

    Visits without an outcome are not left out but refused later.
    """
    layout, n_rows = total.layout, max(total.n_rows, 1)
    levels = {}
    for name, count in total.tallies.levels.items():
        if not count.all() and count.any() and name != layout.roles.visit:
            levels[name] = tuple(one for one, rows in zip(layout.levels[name], count, strict=True) if rows)
    centre, scale = {}, {}
    for name, sum_of_squares in total.tallies.squares.items():
        off = float(total.tallies.totals[name]) / n_rows
        variance = float(sum_of_squares) / n_rows - off**2
        if off**2 > OFF_CENTRE * variance and off**2 > 1e-24 * layout.centre[name] ** 2:
            centre[name] = layout.centre[name] + off
            scale[name] = spread(float(np.sqrt(max(variance, 0.0))), centre[name])
    return layout.with_levels(levels).recentred(centre, scale) if levels or centre else None


def _check(total: GramSum) -> None:
    layout = total.layout
    if not total.n_rows:
        raise BadDataError("no row is complete: every row misses at least one of the columns of the model")
    if layout.roles.subject is not None:
        checks.enough_participants(sum(total.sums.counts.values()))
        count = total.tallies.levels[str(layout.roles.visit)]
        seen = [visit for visit, rows in zip(layout.visits, count, strict=True) if rows]
        checks.several_visits(seen)
        checks.no_empty_visit(layout.visits, seen, layout.outcome)
    if total.lowest == total.highest:
        raise BadDataError(
            f"the outcome is constant: the same value in all {total.n_rows} rows; nothing can be estimated from it"
        )
    for name, count in total.tallies.levels.items():
        if not count.all():
            raise BadDataError(
                f"{int((count == 0).sum())} levels of {name!r} have no complete row: make the layout without them"
            )


# --- random effects ------------------------------------------------------------


def _shared(number: int, term: Term, total: GramSum) -> Component:
    labels, counted = total.layout.labels[term.key], total.tallies.shared[number]
    acts, elsewhere = counted["acting"] > 0, counted["elsewhere"] > 0
    must_stay_inside(
        term,
        pd.Series([*np.flatnonzero(acts), *np.flatnonzero(elsewhere)]),
        np.repeat([True, False], [acts.sum(), elsewhere.sum()]),
    )
    levels = tuple(str(label) for label, is_in in zip(labels, acts, strict=True) if is_in)
    n_acting = int(counted["acting"].sum())
    must_repeat(term, levels, n_acting)
    return _component(term, levels, counted["squares"] / max(n_acting, 1))


def _own(number: int, term: Term, total: GramSum) -> Component:
    return _component(term, (), total.tallies.own[number] / total.n_rows)


def _component(term: Term, levels: tuple[str, ...], mean_squares: Array) -> Component:
    """A component without rows."""
    size = len(mean_squares)
    block = Block(term.key, _coefficients(term), np.maximum(mean_squares, 1e-300))
    return Component(term, block, levels, np.zeros(0, dtype=np.intp), np.zeros((0, size)))


def _coefficients(term: Term) -> tuple[str, ...]:
    from formulaic import Formula

    formula = Formula(term.design)
    ones = pd.DataFrame({str(name): np.ones(2) for name in formula.required_variables}, index=range(2))
    names = formula.get_model_matrix(ones, output="numpy").model_spec.column_names
    return tuple("1" if name == "Intercept" else str(name) for name in names)


def _effects(own: list[Component], plans: Array) -> ParticipantEffects | None:
    if not own:
        return None
    edges = np.cumsum([one.block.size for one in own])[:-1]
    return ParticipantEffects([one.block for one in own], np.split(np.nan_to_num(plans), edges, axis=2))


def _acting_columns(total: GramSum, components: list[Component]) -> Codes:
    """Columns of Z whose level acts somewhere."""
    found, start = [], len(total.layout.design.names)
    for component, counted in zip(components, total.tallies.shared, strict=True):
        is_in = np.repeat(counted["acting"] > 0, component.block.size)
        found.append(start + np.flatnonzero(is_in))
        start += len(is_in)
    return np.concatenate([np.zeros(0, dtype=np.intp), *found])


# --- the problem ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A problem and what was found on the way to it."""

    problem: Problem
    notes: tuple[str, ...]


def _posed(total: GramSum, z: Codes) -> Posed:
    layout, gram = total.layout, total.sums.over_rows()
    p, n_rows, names = len(layout.design.names), total.n_rows, layout.design.names
    kept, dropped, shares = independent_columns(gram[:p, :p])
    if n_rows <= len(kept):
        raise TooLittleDataError(
            f"{n_rows} observations for {len(kept)} fixed effects: leave terms out of the formula until there are fewer"
        )
    turned, to_kept = _orthogonal(gram[:p, :p], kept, dropped, n_rows)
    fit = turned.T @ gram[kept, -1] / n_rows
    left = float(gram[-1, -1] - n_rows * fit @ fit)
    if left <= EXACT_FIT * gram[-1, -1]:
        raise BadDataError(
            "the fixed effects fit the outcome exactly, so no variance is left to estimate:"
            " look for a covariate that is a copy of the outcome"
        )
    unit, scale = float(np.sqrt(left / (n_rows - len(kept)))), layout.scale[layout.outcome]
    sums = _changed(total.sums, kept, z, turned, fit / unit, unit)
    rotation = _rotation(layout, kept, dropped, turned, to_kept)
    near = [names[column] for column, share in zip(kept, shares, strict=True) if share < WELL_CONDITIONED]
    return Posed(
        Problem(
            total=sums,
            grams=pack(sums),
            rotation=rotation,
            least_squares=fit * scale,
            offset=_offset(layout, kept, to_kept),
            unit=unit * scale,
            log_weights=float(total.tallies.totals[LOG_WEIGHTS]),
            observations=None,
        ),
        _notes([names[column] for column in dropped], near),
    )


def independent_columns(gram: Array) -> tuple[Codes, Codes, list[float]]:
    """Columns that are not combinations of earlier ones, the others, and the kept ones' shares of their length."""
    size = np.sqrt(np.diag(gram))
    unit = gram / np.outer(np.where(size > 0, size, 1.0), np.where(size > 0, size, 1.0))
    kept: list[int] = []
    shares: list[float] = []
    lower = np.zeros_like(gram)
    for column in range(len(gram)):
        n = len(kept)
        own = solve_triangular(lower[:n, :n], unit[kept, column], lower=True) if n else np.zeros(0)
        left = unit[column, column] - own @ own
        if size[column] > 0 and left > COLLINEAR**2:
            lower[n, :n], lower[n, n] = own, np.sqrt(left)
            kept.append(column)
            shares.append(float(np.sqrt(left)))
    columns = np.array(kept, dtype=np.intp)
    return columns, np.setdiff1d(np.arange(len(gram)), columns), shares


def _orthogonal(gram: Array, kept: Codes, dropped: Codes, n_rows: int) -> tuple[Array, Array]:
    """Turned (k, k), with which the kept columns are orthogonal, and all columns from the kept ones (k, p)."""
    inner = gram[np.ix_(kept, kept)]
    size = np.sqrt(np.diag(inner))
    upper = np.linalg.cholesky(inner / np.outer(size, size)).T * size
    inverse = np.linalg.inv(upper)
    to_kept = np.zeros((len(kept), len(gram)))
    to_kept[:, kept] = np.eye(len(kept))
    to_kept[:, dropped] = inverse @ (inverse.T @ gram[np.ix_(kept, dropped)])
    return inverse * np.sqrt(n_rows), to_kept


def _changed(  # noqa: PLR0913, PLR0917
    sums: PatternSums, kept: Codes, z: Codes, turned: Array, fit: Array, unit: float
) -> PatternSums:
    """Grams of [rotated X, Z, y less its fit over unit]."""
    k, r = len(kept), len(z)
    change = np.zeros((sums.width, k + r + 1))
    change[kept, :k] = turned
    change[z, k + np.arange(r)] = 1.0
    change[kept, -1], change[-1, -1] = -turned @ fit, 1.0 / unit
    return sums.transformed(change)


def _rotation(layout: Layout, kept: Codes, dropped: Codes, turned: Array, to_kept: Array) -> Rotation:
    """From centred and scaled columns back to the design's own."""
    if len(dropped) == 0:
        return Rotation(layout.affine.inverse() @ turned, kept, dropped, np.zeros((len(kept), 0)))
    columns = to_kept @ layout.affine.columns()
    own = columns[:, kept]
    back, combination = solve_columns(own, turned), solve_columns(own, columns[:, dropped])
    return Rotation(back, kept, dropped, combination)


def solve_columns(matrix: Array, columns: Array) -> Array:
    """Inverse of a matrix times columns."""
    return np.asarray(np.linalg.solve(matrix, columns), dtype=float)


def _offset(layout: Layout, kept: Codes, to_kept: Array) -> Array:
    """The outcome's centre as coefficients, where the design can make a constant."""
    if layout.constant is None:
        return np.zeros(len(kept))
    own = (to_kept @ layout.affine.columns())[:, kept]
    return solve_columns(own, to_kept @ layout.constant) * layout.outcome_centre


def _notes(dropped: list[str], near: list[str]) -> tuple[str, ...]:
    notes = []
    if dropped:
        notes.append(f"columns dropped, each a combination of earlier ones: {', '.join(dropped)}")
    if near:
        notes.append(
            f"columns nearly a combination of earlier ones, of which Grams lose digits: {', '.join(near)};"
            " a fit from a frame keeps them"
        )
    return tuple(notes)


def _left_out(total: GramSum) -> list[str]:
    rows = total.tallies.rows
    notes = [
        f"{int(count)} rows left out: {name.removeprefix('missing ')!r} is missing"
        for name, count in sorted(rows.items())
        if name.startswith("missing ") and count
    ]
    lost = int(rows["lost participants"])
    return (
        [*notes, f"{lost} participants have no complete row and are not in the analysis"] if lost else notes
    )


def _margins_frame(total: GramSum) -> pd.DataFrame:
    """In place of the rows: combinations of levels with their number of rows, and the means of numbers."""
    layout = total.layout
    factors = {name: layout.levels[name] for name in layout.design.factors}
    if MARGINS in total.tallies.margins or not factors:
        cells = pd.DataFrame(list(product(*factors.values())), columns=list(factors))
        cells[ROWS] = total.tallies.margins.get(MARGINS, np.array([float(total.n_rows)]))
        cells = cells[cells[ROWS] > 0].reset_index(drop=True)
    else:
        size = max(map(len, factors.values()))
        cells = pd.DataFrame({n: [v[i % len(v)] for i in range(size)] for n, v in factors.items()})
        cells[ROWS] = np.nan  # not counted: too many
    cells = cells.astype({name: layout.dtype_of(name) for name in factors})
    for name in set(layout.numeric) - set(factors):
        cells[name] = layout.centre[name] + float(total.tallies.totals[name]) / total.n_rows
    return cells
