"""Structures linear in their parameters: a covariance is a weighted sum of fixed symmetric matrices."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.mixed.arrays import Array
from analysis.mixed.covariance.structure import Derivatives


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Sigma = sum_i theta_i B_i  [MMRM-11]."""

    name: str
    basis: Array  # (q, T, T)
    labels: Sequence[tuple[int, ...]]  # indices a parameter is named by: visits, or a lag
    is_scale: Sequence[bool] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_scale", (True,) * len(self.basis))

    @property
    def n_visits(self) -> int:
        """T."""
        return int(self.basis.shape[1])

    def parameter_names(self, visits: Sequence[str]) -> list[str]:
        """Variances and covariances, by visits or by lag."""
        return [_label(label, visits) for label in self.labels]

    def start(self, moments: Array) -> Array:
        """The least-squares projection of the moments on the basis."""
        flat = self.basis.reshape(len(self.basis), -1)
        theta: Array = np.asarray(np.linalg.lstsq(flat.T, moments.ravel(), rcond=None)[0], dtype=float)
        return theta

    def other_starts(self, moments: Array) -> list[Array]:
        """Independence between visits."""
        return [self.start(np.diag(np.diag(moments)))]

    def evaluate(self, theta: Array) -> Derivatives:
        """Constant first derivatives, no second ones."""
        return Derivatives(np.tensordot(theta, self.basis, 1), self.basis, None)


def _label(label: tuple[int, ...], visits: Sequence[str]) -> str:
    if len(label) == 1:
        return "variance" if label[0] == 0 else f"covariance(lag {label[0]})"
    a, b = label
    if a < 0:
        return "covariance"
    return f"variance({visits[a]})" if a == b else f"covariance({visits[a]},{visits[b]})"


def lags(n_visits: int) -> Array:
    """|a - b| for every pair of visits (T, T)."""
    visit = np.arange(n_visits, dtype=float)
    return np.abs(visit[:, None] - visit[None, :])
