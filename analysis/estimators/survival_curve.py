"""Kaplan-Meier curves, and what is read off them: survival at a day, the mean time up to a horizon.

Not here: comparing arms with covariates (time_to_event).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A Kaplan-Meier estimate: steps at the days of events."""

    days: Array  # (k,) of events, rising
    survival: Array  # (k,) after each
    at_risk: Array  # (k,) before each
    events: Array  # (k,)
    last: float  # the longest time followed

    def reaches(self, day: float) -> bool:
        """Return whether the curve is known up to a day: somebody was followed so long, or nobody is left."""
        return self.last >= day or bool(len(self.survival) and self.survival[-1] == 0)

    def at(self, day: float) -> tuple[float, float]:
        """Return survival at a day, and its standard error by Greenwood's formula."""
        k = int(np.searchsorted(self.days, day, side="right"))
        survival = float(self.survival[k - 1]) if k else 1.0
        return survival, survival * float(np.sqrt(self._hazard_variances()[:k].sum()))

    def restricted_mean(self, horizon: float) -> tuple[float, float]:
        """Return the mean time without the event up to a horizon, and its standard error.

        The area under the curve; its variance by Greenwood's sum over the area that is left after each event
        (Klein and Moeschberger 2003, section 4.5).
        """
        k = int(np.searchsorted(self.days, horizon, side="left"))
        edges = np.concatenate([[0.0], self.days[:k], [horizon]])
        heights = np.concatenate([[1.0], self.survival[:k]])
        areas = np.diff(edges) * heights
        left = np.cumsum(areas[::-1])[::-1][1:]  # after each event
        return float(areas.sum()), float(np.sqrt((left**2 * self._hazard_variances()[:k]).sum()))

    def _hazard_variances(self) -> Array:
        """Return d / (n (n - d)) at each event; zero where nobody is left, as the curve is zero from there."""
        left = self.at_risk - self.events
        return np.divide(self.events, self.at_risk * left, out=np.zeros_like(left), where=left > 0)


def kaplan_meier(days: Array, had: Array) -> Curve:
    """Return the curve of times (n,) that end with the event (1) or without (0)."""
    times = np.unique(days[had == 1])
    at_risk = np.array([(days >= t).sum() for t in times], dtype=np.float64)
    events = np.array([((days == t) & (had == 1)).sum() for t in times], dtype=np.float64)
    survival = np.asarray(np.cumprod(1 - events / at_risk), dtype=np.float64)
    return Curve(times, survival, at_risk, events, float(days.max()))
