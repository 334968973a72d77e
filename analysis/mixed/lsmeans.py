"""Rows of the design for least-squares means: which points are averaged, and with which weights."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array
from analysis.mixed.design import Design
from analysis.mixed.errors import BadDataError

SUBJECT = "__subject__"  # the column that numbers participants in an analysed frame
Weighting = Callable[[Design, pd.DataFrame, pd.DataFrame], Array]


def reference_cells(design: Design, frame: pd.DataFrame, over: Sequence[str]) -> pd.DataFrame:
    """All combinations of the levels of some variables, the last varying fastest."""
    unknown = [name for name in over if name not in design.variables]
    if unknown:
        raise BadDataError(
            f"{unknown[0]!r} is not in the formula, so it has no least-squares means;"
            f" choose from {', '.join(design.variables)}"
        )
    levels = [design.factors.get(name, sorted(frame[name].unique())) for name in over]
    return _typed(pd.DataFrame(list(product(*levels)), columns=list(over)), frame)


def _typed(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return cells.astype({name: frame[name].dtype for name in cells.columns})


def _others(design: Design, cells: pd.DataFrame) -> list[str]:
    return [name for name in design.factors if name not in cells.columns]


def equal(design: Design, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Other factors' combinations count alike; covariates at their mean over the rows  [MMRM-21]."""
    grid = reference_cells(design, frame, _others(design, cells))
    return _over_grid(design, frame, cells, grid, np.ones((len(grid),), dtype=float))


def observed_margins(design: Design, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Other factors' combinations count as often as they occur in the rows; covariates at their mean."""
    others = _others(design, cells)
    if not others:
        return equal(design, frame, cells)
    counted = frame.groupby(others, observed=True).size()
    grid = _typed(counted.index.to_frame(index=False), frame)
    return _over_grid(design, frame, cells, grid, np.asarray(counted, dtype=float))


def _over_grid(
    design: Design, frame: pd.DataFrame, cells: pd.DataFrame, grid: pd.DataFrame, weights: Array
) -> Array:
    """The weighted mean over the grid of the rows of every cell."""
    points = cells.merge(grid, how="cross")
    for name in design.variables:
        if name not in points.columns:
            points[name] = float(frame[name].mean())
    rows = design.rows(points).reshape(len(cells), len(weights), -1)
    averaged: Array = np.einsum("cwp,w->cp", rows, weights / weights.sum())
    return averaged


def g_computation(design: Design, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Every participant, with own covariates, set to the cell's levels; the mean of their rows  [MMRM-22]."""
    people = frame.loc[~frame[SUBJECT].duplicated()].drop(columns=SUBJECT)
    found = []
    for number in range(len(cells)):
        setting = cells.iloc[[number] * len(people)].set_index(people.index)
        found.append(
            design.rows(people.assign(**{str(name): values for name, values in setting.items()})).mean(0)
        )
    return np.array(found)


WEIGHTINGS: dict[str, Weighting] = {
    "equal": equal,
    "proportional": observed_margins,
    "g-computation": g_computation,
}
