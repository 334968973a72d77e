"""A long table in, a trial's outcomes out: a row of every participant at every visit, absent or blank alike.

Every mistake of the table that can be seen without a model is refused here, all at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.imputation.errors import ImputationError, Refusal, counted
from analysis.imputation.outcomes import Outcomes, Roles, quoted
from analysis.mixed.arrays import Array, Codes, Mask
from analysis.mixed.checks import listed
from analysis.mixed.design import parse, variables_of
from analysis.mixed.errors import BadDataError
from analysis.mixed.levels import as_factor, is_factor, natural

FILL = "Give each participant a value, or leave the term out."


def arranged(table: pd.DataFrame, roles: Roles) -> Outcomes:
    """Return the outcomes of a table with a row per participant and visit.

    A row that is absent and one whose outcome is blank both mean missing; covariates of an absent row are the
    participant's own where they do not change.

    Raises:
        ImputationError: all that is wrong with the table.
    """
    models = _variables(table, roles, roles.formula)
    analysis = _variables(table, roles, roles.analysis_formula)
    _refuse([*_columns(table, roles, {*models, *analysis})])
    _refuse([*_rows(table, roles)])
    person, participants = _people(table[roles.subject])
    visit, arm = as_factor(table[roles.visit]), as_factor(table[roles.arm])
    at = person, visit.cat.codes.to_numpy().astype(np.intp)
    _refuse(_doubled(at, visit) + _within(table, roles, person, analysis))
    first = _first_rows(person, len(participants))
    own_arm = arm.cat.codes.to_numpy().astype(np.intp)[first]
    y = np.full((len(participants), len(visit.cat.categories)), np.nan)
    y[at] = table[roles.outcome].to_numpy(dtype=float, na_value=np.nan)
    cells, refused = _cells(table, roles, models, at, y.shape)
    people = pd.DataFrame({name: _typed(table[name]).iloc[first].reset_index(drop=True) for name in analysis})
    units = _units(table, roles, first)
    _refuse(
        [
            *refused,
            *_no_covariate(people, roles),
            *_too_little(y, own_arm, visit, arm),
            *_constant(units, roles),
        ]
    )
    visits, arms = tuple(visit.cat.categories), tuple(arm.cat.categories)
    return Outcomes(roles, tuple(participants), visits, arms, own_arm, y, cells, people, units)


def _refuse(refusals: list[Refusal]) -> None:
    if refusals:
        raise ImputationError("The table can't be imputed from.", refusals)


def _variables(table: pd.DataFrame, roles: Roles, formula: str) -> list[str]:
    """Columns on the right of a formula, and the arm."""
    try:
        names = variables_of(parse(formula).rhs, list(table.columns))
    except BadDataError as error:
        refusal = Refusal("covariates", str(error), "terms of a formula, such as base*visit")
        raise ImputationError("The models can't be read.", [refusal]) from None
    return sorted({*names, roles.arm})


def _columns(table: pd.DataFrame, roles: Roles, used: set[str]) -> Iterator[Refusal]:
    named = {roles.outcome, roles.subject, roles.visit, roles.arm, roles.cluster, roles.group, *used} - {""}
    for name in sorted(named - set(table.columns)):
        yield Refusal(f"column {name}", "no such column", f"one of {listed(map(str, table.columns))}")
    if roles.outcome in used:
        yield Refusal("covariates", f"the outcome {roles.outcome!r}", "columns other than the outcome")
    if roles.outcome in table and is_factor(table[roles.outcome]):
        yield Refusal(f"column {roles.outcome}", "text", "numbers: it is the outcome")
    for name in sorted(named & set(table.columns)):
        if not is_factor(table[name]):
            bad = np.isinf(table[name].to_numpy(dtype=float, na_value=np.nan))
            if bad.any():
                where = f"column {name}, record {listed(np.flatnonzero(bad) + 1)}"
                yield Refusal(where, "an infinite value", "finite numbers", "Correct it or make it missing.")


def _rows(table: pd.DataFrame, roles: Roles) -> Iterator[Refusal]:
    for what in (roles.subject, roles.visit, roles.arm):
        blank = np.flatnonzero(table[what].isna().to_numpy())
        if len(blank):
            yield Refusal(f"column {what}, record {listed(blank + 1)}", "no value", "a value in every record")
    arms = list(table[roles.arm].dropna().unique())
    shown = listed(map(str, sorted(arms, key=natural)))
    if len(arms) == 1:
        yield Refusal(f"column {roles.arm}", "one arm", "two or more: there is nothing to compare")
    elif roles.reference not in arms:
        yield Refusal(
            "reference", f"{roles.reference!r}, which no participant is in", f"one of the arms: {shown}"
        )
    if len(table[roles.visit].dropna().unique()) == 1:
        yield Refusal(f"column {roles.visit}", "one visit", "two or more after randomisation")


def _people(column: pd.Series) -> tuple[Codes, list[Any]]:
    """Number of each row's participant, and the participants in natural order."""
    codes, found = pd.factorize(column)
    names = list(found)
    order = sorted(range(len(names)), key=lambda number: natural(names[number]))
    place = np.empty(len(names), dtype=np.intp)
    place[order] = np.arange(len(names))
    return place[codes], [names[number] for number in order]


def _first_rows(person: Codes, n: int) -> Codes:
    first = np.zeros(n, dtype=np.intp)
    first[person[::-1]] = np.arange(len(person))[::-1]
    return first


def _doubled(at: tuple[Codes, Codes], visit: pd.Series) -> list[Refusal]:
    position = at[0] * (at[1].max() + 1) + at[1]
    rows = np.flatnonzero(np.bincount(position)[position] > 1)
    if len(rows) == 0:
        return []
    seen = listed(visit.cat.categories[number] for number in np.unique(at[1][rows]))
    found = f"{counted(len(np.unique(at[0][rows])))} with more than one row at a visit (visits {seen})"
    return [Refusal(f"record {listed(rows + 1)}", found, "one row per participant and visit")]


def _within(table: pd.DataFrame, roles: Roles, person: Codes, analysis: Sequence[str]) -> list[Refusal]:
    """Arm, cluster, covariance group and covariates of the analysis do not change within a participant."""
    refusals = []
    for name in dict.fromkeys([roles.arm, roles.cluster, roles.group, *analysis]):
        if name and (changing := _changing(table[name], person).sum()):
            expected = "the same value in all rows of a participant"
            remedy = "The analysis is by visit: name baseline columns." if name in analysis else ""
            refusals.append(
                Refusal(f"column {name}", f"{counted(int(changing))} for whom it changes", expected, remedy)
            )
    return refusals


def _changing(column: pd.Series, person: Codes) -> Mask:
    """(n,) participants with more than one value."""
    codes = pd.factorize(column)[0]
    pairs = pd.DataFrame({"person": person, "code": codes})[codes >= 0].drop_duplicates()
    changing: Mask = np.bincount(pairs["person"], minlength=1) > 1
    return changing


def _typed(column: pd.Series) -> pd.Series:
    """A factor as a categorical, a number as a float."""
    return as_factor(column) if is_factor(column) else column.astype(float)


def _cells(
    table: pd.DataFrame, roles: Roles, names: Sequence[str], at: tuple[Codes, Codes], shape: tuple[int, int]
) -> tuple[pd.DataFrame, list[Refusal]]:
    """Covariates of every participant at every visit, and those that are unknown somewhere."""
    n, n_visits = shape
    levels = as_factor(table[roles.visit]).cat.categories
    visit = pd.Categorical.from_codes(np.tile(np.arange(n_visits), n), dtype=pd.CategoricalDtype(levels))
    columns: dict[str, Any] = {roles.visit: visit}
    refusals = []
    for name in dict.fromkeys([*names, roles.group]):
        if name and name != roles.visit:
            columns[name], n_lost = _everywhere(_typed(table[name]), at, shape)
            if n_lost:
                refusals.append(_lost(name, n_lost, bool(_changing(table[name], at[0]).any())))
    return pd.DataFrame(columns), refusals


def _everywhere(column: pd.Series, at: tuple[Codes, Codes], shape: tuple[int, int]) -> tuple[pd.Series, int]:
    """Values at all cells, filled where a participant's value does not change, and how many lack one."""
    is_coded = isinstance(column.dtype, pd.CategoricalDtype)
    own = column.cat.codes.to_numpy().astype(float) if is_coded else column.to_numpy(dtype=float)
    values = np.full(shape, np.nan)
    values[at] = np.where(own < 0, np.nan, own) if is_coded else own
    values = np.where(np.isnan(values), _only_value(values)[:, None], values)
    n_lost = int(np.isnan(values).any(1).sum())
    if not is_coded:
        return pd.Series(values.ravel()), n_lost
    codes = np.nan_to_num(values, nan=-1).astype(np.intp).ravel()
    dtype = pd.CategoricalDtype(column.cat.categories)
    return pd.Series(pd.Categorical.from_codes(codes.tolist(), dtype=dtype)), n_lost


def _only_value(values: Array) -> Array:
    """Each row's value if it has one only, else NaN."""
    low = np.min(np.where(np.isnan(values), np.inf, values), axis=1)
    high = np.max(np.where(np.isnan(values), -np.inf, values), axis=1)
    return np.where(low == high, low, np.nan)


def _lost(name: str, n_lost: int, is_changing: bool) -> Refusal:
    what = "no value at some visits" if is_changing else "none at any visit"
    return Refusal(f"column {name}", f"{counted(n_lost)} with {what}", "a value for every participant", FILL)


def _no_covariate(people: pd.DataFrame, roles: Roles) -> Iterator[Refusal]:
    for name in people:
        blank = int(people[name].isna().sum())
        if blank and name != roles.arm:
            found = f"{counted(blank)} without a value"
            yield Refusal(f"column {name}", found, "a value for every participant (analysis)", FILL)


def _too_little(y: Array, arm: Codes, visit: pd.Series, arms: pd.Series) -> Iterator[Refusal]:
    """Each arm has an outcome at each visit: no other data say what its mean there is."""
    for number, name in enumerate(arms.cat.categories):
        counts = (~np.isnan(y[arm == number])).sum(0)
        empty = [str(visit.cat.categories[int(place)]) for place in np.flatnonzero(counts == 0)]
        if len(empty) == len(counts):
            yield Refusal(f"arm {name}", "no outcome at any visit", "outcomes to impute from")
        elif empty:
            yield Refusal(
                f"arm {name}, visit {', '.join(empty)}", "no outcome", "at least one in each arm", _DROP
            )


_DROP = "Leave these visits out of the table, or pool arms."


def _units(table: pd.DataFrame, roles: Roles, first: Codes) -> Codes:
    """Clusters, numbered by their first participant; who has none is a cluster alone."""
    n = len(first)
    if not roles.cluster:
        return np.arange(n)
    cluster = pd.factorize(table[roles.cluster].iloc[first])[0]
    labels = np.where(cluster >= 0, cluster, n + np.arange(n))
    return pd.factorize(labels)[0].astype(np.intp)


def _constant(units: Codes, roles: Roles) -> list[Refusal]:
    if units.max() > 0:
        return []
    return [
        Refusal(f"cluster {quoted(roles.cluster)}", "one cluster", "two or more, which are left out in turn")
    ]
