"""The mixed model again: from the published variances, dense matrices and a likelihood written out.

What must hold of the published rows: generalised least squares with their covariance gives their estimates; the
restricted likelihood there is the published one; and no SD, moved a little, raises it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.estimators.second_route.formula import Model, analysed, model_of, repeated_terms
from analysis.results import Statistic
from data_contracts.plan import Analysis
from data_contracts.random_effect import random_effect
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]
MOST_ROWS = {True: 2000, False: 20000}  # with random effects across participants, or without
STEP = 1e-4  # relative, by which each variance parameter is moved
SAME = 1e-12  # relative, between SDs that are one parameter


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The covariance as the results table has it."""

    sd: dict[tuple[str, str], float]  # (group, visit)
    correlation: dict[tuple[str, str, str], float]  # (group, visit, visit)
    random: dict[str, float]  # effect -> SD


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """The data of a published model, ready for its likelihood at any covariance."""

    y: Array  # (n,)
    model: Model
    analysis: Analysis
    groups: list[str]
    visits: list[str]
    group: npt.NDArray[np.intp]  # (n,)
    visit: npt.NDArray[np.intp]  # (n,)
    blocks: list[npt.NDArray[np.intp]]  # rows that may be correlated

    def at(self, found: Published) -> tuple[Array, Array, float]:
        """Return estimates (p,), their covariance (p, p) and the log-likelihood  [MMRM-3]."""
        sigma = np.array([[[_entry(found, g, one, other) for other in self.visits] for one in self.visits]
                          for g in self.groups])  # fmt: skip
        extra = list(_shared_levels(self.model.rows, self.analysis, found))
        parts = [self._whitened(rows, sigma, extra) for rows in self.blocks]
        logs = float(sum(part[1] for part in parts))
        whitened = np.concatenate([part[0] for part in parts])
        return _least_squares(whitened[:, :-1], whitened[:, -1], logs, reml=self.analysis.method == "reml")

    def _whitened(
        self, rows: npt.NDArray[np.intp], sigma: Array, extra: list[tuple[npt.NDArray[np.intp], float]]
    ) -> tuple[Array, float]:
        person = self.model.rows["participant"].to_numpy()[rows] if extra else None
        group, visit = self.group[rows], self.visit[rows]
        covariance = sigma[group[:, None], visit[:, None], visit]
        if person is not None:
            covariance = covariance * (person[:, None] == person)
        for level, variance in extra:
            own = level[rows]
            covariance = covariance + variance * ((own[:, None] == own) & (own[:, None] >= 0))
        root = np.linalg.cholesky(covariance)
        both = np.column_stack([self.model.matrix[rows], self.y[rows]])
        return np.linalg.solve(root, both), float(np.log(np.diag(root)).sum())


def published(rows: Sequence[Statistic]) -> Published:
    """Return the covariance that an analysis's rows hold."""
    sd = {(r.arm, r.visit): r.value for r in rows if r.statistic == "residual sd"}
    pairs = [(r, tuple(r.contrast.split(", "))) for r in rows if r.statistic == "correlation"]
    correlation = {(r.arm, one, other): r.value for r, (one, other) in pairs}
    return Published(
        sd, correlation, {r.contrast: r.value for r in rows if r.statistic == "random effect sd"}
    )


def again(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, moderator: str = "") -> Again | str:
    """Return the data of a published model, or why there are too many for a second route."""
    needed = [name for name in (analysis.group, moderator) if name and name != "arm"]
    rows = analysed(analysis_set, trial, analysis, *needed)
    if len(rows) > (most := MOST_ROWS[bool(analysis.random)]):
        return f"{len(rows)} rows, more than {most}: not computed a second way"
    group = rows[analysis.group].astype("str") if analysis.group else pd.Series("", index=rows.index)
    groups, group_codes = np.unique(group.to_numpy(dtype=object), return_inverse=True)
    visits, visit_codes = np.unique(rows["visit"].astype("str").to_numpy(dtype=object), return_inverse=True)
    return Again(
        y=rows[trial.estimands[analysis.estimand].outcome].to_numpy(dtype=np.float64),
        model=model_of(rows, repeated_terms(trial, analysis, moderator)),
        analysis=analysis,
        groups=[str(one) for one in groups],
        visits=[str(one) for one in visits],
        group=group_codes,
        visit=visit_codes,
        blocks=_blocks(rows, analysis),
    )


def gains(data: Again, found: Published) -> Iterator[float]:
    """Yield how much the likelihood gains when a published SD is moved up or down; at a maximum, nothing.

    A structure with one SD for all visits of a group has its maximum among such: they are moved together.
    """
    here = data.at(found)[2]
    for factor in (1 - STEP, 1 + STEP):
        for keys in _moved_together(found.sd):
            sd = {key: value * factor if key in keys else value for key, value in found.sd.items()}
            yield data.at(replace(found, sd=sd))[2] - here
        for name, value in found.random.items():
            moved = replace(found, random={**found.random, name: value * factor})
            yield data.at(moved)[2] - here


def _moved_together(sd: Mapping[tuple[str, str], float]) -> list[set[tuple[str, str]]]:
    """Return the keys of each SD, or of a group's where all its visits have the same."""
    parts: list[set[tuple[str, str]]] = []
    for group in dict.fromkeys(group for group, _ in sd):
        own = {key: value for key, value in sd.items() if key[0] == group}
        is_one = max(own.values()) - min(own.values()) <= SAME * max(own.values())
        parts += [set(own)] if is_one else [{key} for key in own]
    return parts


def _blocks(rows: pd.DataFrame, analysis: Analysis) -> list[npt.NDArray[np.intp]]:
    """Return the rows of each participant, or all rows at once where participants share random effects."""
    if analysis.random:
        return [np.arange(len(rows))]
    return [np.asarray(found) for found in rows.groupby("participant", sort=False).indices.values()]


def _shared_levels(
    rows: pd.DataFrame, analysis: Analysis, found: Published
) -> Iterator[tuple[npt.NDArray[np.intp], float]]:
    """Yield the level (n,) of each random effect by row, -1 where it does not act, and its variance."""
    for text in analysis.random:
        effect = random_effect(text)
        columns = rows[list(effect.factors)]
        level = pd.MultiIndex.from_frame(columns.astype("object").fillna("")).factorize()[0]
        acts = columns.notna().all(axis=1).to_numpy(dtype=bool)
        if effect.column:
            acts = acts & (rows[effect.column].astype("object") == effect.level).to_numpy(dtype=bool)
        yield np.where(acts, level, -1), found.random[effect.name] ** 2


def _entry(found: Published, group: str, one: str, other: str) -> float:
    sd = found.sd[group, one] * found.sd[group, other]
    if one == other:
        return sd
    pair = (group, one, other)
    return sd * found.correlation[pair if pair in found.correlation else (group, other, one)]


def _least_squares(x: Array, y: Array, logs: float, *, reml: bool) -> tuple[Array, Array, float]:
    n, p = x.shape
    q, r = np.linalg.qr(x)
    beta = np.linalg.solve(r, q.T @ y)
    rest = y - x @ beta
    half = logs + (np.log(np.abs(np.diag(r))).sum() if reml else 0.0)
    likelihood = -half - 0.5 * rest @ rest - 0.5 * (n - p * reml) * np.log(2 * np.pi)
    inverse = np.linalg.inv(r)
    return beta, inverse @ inverse.T, float(likelihood)
