"""From a frame to a model that can be fitted: checks, factors, codes, design, Grams. No estimation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed import checks
from analysis.mixed.arrays import Codes
from analysis.mixed.covariance.covariance import ParticipantEffects
from analysis.mixed.design import Design, build, parse, variables_of
from analysis.mixed.errors import BadDataError
from analysis.mixed.gram import RowCodes
from analysis.mixed.levels import as_factor, is_factor
from analysis.mixed.lsmeans import SUBJECT
from analysis.mixed.problem import Problem, pose, pose_absorbed
from analysis.mixed.random.absorb import absorbable
from analysis.mixed.random.crossed import Crossed
from analysis.mixed.random.participant import with_participant_effects
from analysis.mixed.random.spec import Component, Random, Term, component, terms, variables
from analysis.mixed.times import Distances, coordinates, distances, occasions

VISIT = "__visit__"


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns say who, when, which covariance group and which weight."""

    subject: str | None
    visit: str | None
    group: str | None
    weights: str | None
    times: tuple[str, ...] = ()  # coordinates of a visit in real time, for `sp_exp`

    @property
    def columns(self) -> list[str]:
        """Those that were given."""
        given = (self.subject, self.visit, self.group, self.weights)
        return [name for name in (*given, *self.times) if name is not None]

    def checked(self) -> "Roles":
        """Repeated measures need both participant and visit; a model of independent residuals has neither."""
        if (self.subject is None) != (self.visit is None and not self.times):
            raise BadDataError(
                f"subject={self.subject!r} and visit={self.visit!r}: give both for repeated measures,"
                " or neither for residuals that are independent given the random effects"
            )
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything a fit needs of the data."""

    design: Design
    frame: pd.DataFrame  # the analysed rows, with factors made categorical
    problem: Problem
    visits: tuple[Any, ...]
    groups: tuple[Any, ...]  # levels of the covariance group; a single empty name without one
    group_of_kind: Codes
    effects: ParticipantEffects | None
    crossed: Crossed | None
    components: tuple[Component, ...]
    subject: str | None  # the column that names participants
    notes: tuple[str, ...]  # what was left out, and why
    distances: Distances | None = None  # between visits, where times were given
    visit: str | None = None  # the column that names visits
    absorbed: str | None = None  # the random factor whose levels stand in for participants  [RE-14]


def prepare(formula: str, data: pd.DataFrame, roles: Roles, random: Random) -> Prepared:
    """Check, code and sum."""
    parsed, asked = parse(formula), terms(random)
    outcome = variables_of(parsed.lhs, list(data.columns))
    used = _used(parsed, data, roles, asked)
    checks.known_columns(data, used)
    checks.numeric_outcome(data, outcome)
    checks.finite(data, used)
    frame, notes = _complete(data, used, roles, asked)
    visit, groups = _visits(data, frame, roles, outcome), _groups(frame, roles)
    codes = _codes(frame, visit, groups, roles)
    _check_rows(frame, codes, visit, roles)
    components = tuple(component(term, frame) for term in asked)
    own = [one for one in components if one.term.key == roles.subject]
    shared = [one for one in components if one.term.key != roles.subject]
    times = coordinates(frame, roles.times) if roles.times else None
    kinds = with_participant_effects(own, codes, times)
    design = build(parsed, frame)
    weight = None if roles.weights is None else frame[roles.weights].to_numpy(dtype=float)
    whole = absorbable(shared, codes) if roles.subject is None else None
    shared = [one for one in shared if one is not whole]
    Z = np.concatenate([np.zeros((len(frame), 0)), *(one.columns() for one in shared)], axis=1)
    if whole is None:
        problem = pose(design.X, Z, design.y, kinds.codes, weight)
    else:
        problem, turned = pose_absorbed(design.X, Z, design.y, codes, weight, whole)
        kinds = replace(kinds, group_of_kind=turned.group_of_kind, effects=turned.effects)
        components = (turned.component, *shared)
    return Prepared(
        design=design,
        frame=frame.assign(**{SUBJECT: codes.subject}),
        problem=problem,
        visits=tuple(visit.cat.categories),
        groups=("",) if groups is None else tuple(groups.cat.categories),
        group_of_kind=kinds.group_of_kind,
        effects=kinds.effects,
        crossed=Crossed([one.block for one in shared], [one.levels for one in shared]) if shared else None,
        components=components,
        subject=roles.subject,
        notes=(*notes, *_collinear(design, problem)),
        distances=None if times is None else distances(kinds.times, times, codes.visit),
        visit=roles.visit,
        absorbed=None if whole is None else whole.term.key,
    )


def _used(parsed: Any, data: pd.DataFrame, roles: Roles, asked: Sequence[Term]) -> list[str]:
    columns = list(data.columns)
    names = {*variables_of(parsed.lhs, columns), *variables_of(parsed.rhs, columns), *roles.columns}
    for term in asked:
        names |= {*term.factors, *variables(term)}
    return sorted(names)


def _complete(
    data: pd.DataFrame, used: Sequence[str], roles: Roles, asked: Sequence[Term]
) -> tuple[pd.DataFrame, list[str]]:
    """Rows without a missing value, and a note for each column that cost rows.

    A random factor may be missing where it does not act; that is checked when its levels are read.
    """
    factors = {name for term in asked for name in term.factors} - set(roles.columns)
    required = [name for name in used if name not in factors]
    missing = {name: data[name].isna().to_numpy() for name in required}
    kept = ~np.logical_or.reduce([np.zeros(len(data), dtype=bool), *missing.values()])
    if not kept.any():
        raise BadDataError(
            f"no row is complete: every row misses at least one of {checks.listed(map(repr, required))}"
        )
    notes = [
        f"{gone.sum()} rows left out: {name!r} is missing" for name, gone in missing.items() if gone.any()
    ]
    if roles.subject is not None and not kept.all():
        lost = data[roles.subject].nunique() - data.loc[kept, roles.subject].nunique()
        notes += [f"{lost} participants have no complete row and are not in the analysis"] if lost else []
    conditions = [name for name in data.columns if any(name in (term.condition or "") for term in asked)]
    columns = {}
    for name in dict.fromkeys([*used, *conditions]):
        own = (data[name] if kept.all() else data.loc[kept, name]).reset_index(drop=True)
        columns[name] = as_factor(own) if name in required and is_factor(own) else own
    return pd.DataFrame(columns), notes


def _visits(data: pd.DataFrame, frame: pd.DataFrame, roles: Roles, outcome: Sequence[str]) -> pd.Series:
    if roles.visit is None and roles.subject is not None:
        return occasions(frame, roles.subject, roles.times)
    if roles.visit is None:
        return as_factor(pd.Series(np.zeros(len(frame), dtype=int), name=VISIT))
    visit = as_factor(frame[roles.visit])
    if len(frame) == len(data):
        return visit
    seen = as_factor(data[roles.visit]).cat.categories
    checks.no_empty_visit(list(seen), list(visit.cat.categories), " and ".join(outcome))
    return visit


def _groups(frame: pd.DataFrame, roles: Roles) -> pd.Series | None:
    return None if roles.group is None else as_factor(frame[roles.group])


def _codes(frame: pd.DataFrame, visit: pd.Series, groups: pd.Series | None, roles: Roles) -> RowCodes:
    subject = np.arange(len(frame)) if roles.subject is None else pd.factorize(frame[roles.subject])[0]
    none = np.zeros(len(frame), dtype=np.intp)
    return RowCodes(
        subject=subject.astype(np.intp),
        visit=visit.cat.codes.to_numpy().astype(np.intp),
        kind=none if groups is None else groups.cat.codes.to_numpy().astype(np.intp),
        n_subjects=int(subject.max()) + 1,
        n_visits=len(visit.cat.categories),
        n_kinds=1 if groups is None else len(groups.cat.categories),
    )


def _check_rows(frame: pd.DataFrame, codes: RowCodes, visit: pd.Series, roles: Roles) -> None:
    visits = list(visit.cat.categories)
    if roles.subject is not None:
        checks.enough_participants(codes.n_subjects)
        checks.several_visits(visits)
        checks.no_duplicates(codes.subject, codes.visit, visits)
    if roles.group is not None:
        checks.group_within_participants(codes.subject, codes.kind, roles.group)
    if roles.weights is not None:
        checks.valid_weights(frame[roles.weights].to_numpy(dtype=float), roles.weights)


def _collinear(design: Design, problem: Problem) -> list[str]:
    dropped = [design.names[column] for column in problem.rotation.dropped]
    if not dropped:
        return []
    return [f"columns dropped, each a combination of earlier ones: {', '.join(dropped)}"]
