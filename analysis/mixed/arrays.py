"""The array types of the engine, and its letters.

n participants, N rows, T visits, K covariance groups, G patterns, p fixed effects, q covariance parameters,
r random-effect levels, w columns of [X Z y].
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


def frozen(array: Array) -> Array:
    """The array itself, made read-only."""
    array.flags.writeable = False
    return array
