"""Rows of the design for least-squares means: which points are averaged, and with which weights."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array
from analysis.mixed.design import Design
from analysis.mixed.errors import BadDataError, MeaninglessRequestError

SUBJECT = "__subject__"  # the column that numbers participants in an analysed frame
ROWS = "__rows__"  # the column that counts rows where a frame holds combinations of levels instead of rows
Weighting = Callable[[Design, pd.DataFrame, pd.DataFrame], Array]


def weighted_cells(
    design: Design, frame: pd.DataFrame, over: Sequence[str], weights: str
) -> tuple[pd.DataFrame, Array]:
    """Combinations of levels, and the contrast that is each one's mean."""
    if weights not in WEIGHTINGS:
        raise BadDataError(f"weights={weights!r} is unknown: choose from {', '.join(WEIGHTINGS)}")
    cells = reference_cells(design, frame, over)
    return cells, WEIGHTINGS[weights](design, frame, cells)


def reference_cells(design: Design, frame: pd.DataFrame, over: Sequence[str]) -> pd.DataFrame:
    """All combinations of the levels of some variables, the last varying fastest."""
    unknown = [name for name in over if name not in design.variables]
    if unknown:
        raise BadDataError(
            f"{unknown[0]!r} is not in the formula, so it has no least-squares means;"
            f" choose from {', '.join(design.variables)}"
        )
    _must_be_factors(design, frame, over)
    levels = [design.factors.get(name, sorted(frame[name].unique())) for name in over]
    return _typed(pd.DataFrame(list(product(*levels)), columns=list(over)), frame)


def _must_be_factors(design: Design, frame: pd.DataFrame, over: Sequence[str]) -> None:
    numbers = [name for name in over if name not in design.factors]
    if ROWS in frame.columns and numbers:
        raise MeaninglessRequestError(
            f"the values of {numbers[0]!r} were summed from a stream and are not kept, only its mean: code it as a"
            f" factor, C({numbers[0]}), or fit the model from a frame in memory"
        )


def _typed(cells: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: cells[name].astype(frame[name].dtype) for name in cells.columns})


def _others(design: Design, cells: pd.DataFrame) -> list[str]:
    return [name for name in design.factors if name not in cells.columns]


def equal(design: Design, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Other factors' combinations count alike; covariates at their mean over the rows  [MMRM-21]."""
    if design.is_separable:
        return design.cell_means(frame, cells)
    grid = reference_cells(design, frame, _others(design, cells))
    return _over_grid(design, frame, cells, grid, np.ones((len(grid),), dtype=float))


def observed_margins(design: Design, frame: pd.DataFrame, cells: pd.DataFrame) -> Array:
    """Other factors' combinations count as often as they occur in the rows; covariates at their mean."""
    others = _others(design, cells)
    if not others:
        return equal(design, frame, cells)
    counted = _counted(frame, others)
    grid = _typed(counted.index.to_frame(index=False), frame)
    return _over_grid(design, frame, cells, grid, np.asarray(counted, dtype=float))


def _counted(frame: pd.DataFrame, others: list[str]) -> "pd.Series[Any]":
    groups = frame.groupby(others, observed=True)
    if ROWS not in frame.columns:
        return groups.size()
    if frame[ROWS].isna().any():
        raise MeaninglessRequestError(
            "weights='proportional' needs the number of rows of every combination of factors, which are too many to be"
            " counted in a stream: use weights='equal', or fit the model from a frame in memory"
        )
    return groups[ROWS].sum()


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
    if SUBJECT not in frame.columns:
        raise MeaninglessRequestError(
            "weights='g-computation' needs every participant's covariates, but this model was summed from a stream and"
            " keeps only its Grams: fit it from a frame in memory"
        )
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
