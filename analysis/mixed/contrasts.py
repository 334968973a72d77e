"""Differences between least-squares means: which cells are compared, and what the comparison is called."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.mixed.arrays import Array
from analysis.mixed.errors import BadDataError


def comparisons(levels: Sequence[object], reference: object | None) -> Iterator[tuple[object, object]]:
    """Each level against the reference; without one, every pair, the later level first."""
    if reference is None:
        for later in range(1, len(levels)):
            for earlier in range(later):
                yield levels[later], levels[earlier]
        return
    if reference not in levels:
        raise BadDataError(
            f"reference {reference!r} is not a level; choose from {', '.join(map(str, levels))}"
        )
    for level in levels:
        if level != reference:
            yield level, reference


def difference_rows(
    cells: pd.DataFrame, rows: Array, factor: str, by: Sequence[str], reference: object | None
) -> tuple[pd.DataFrame, Array]:
    """Labels and rows of all comparisons of one factor within each combination of the others."""
    labels, found = [], []
    groups: dict[tuple[object, ...], dict[object, Array]] = {}
    keys = zip(*(cells[name] for name in by), strict=True) if by else [()] * len(cells)
    for key, level, row in zip(keys, cells[factor], rows, strict=True):
        groups.setdefault(key, {})[level] = row
    for key, at in groups.items():
        for one, other in comparisons(list(at), reference):
            labels.append((f"{one} - {other}", *key))
            found.append(at[one] - at[other])
    frame = pd.DataFrame(labels, columns=["contrast", *by]).astype({name: cells[name].dtype for name in by})
    return frame, np.array(found).reshape(-1, rows.shape[1])
