"""Rows from an estimate and its standard error, normal on its own scale or on that of its logarithm."""

from dataclasses import replace

import numpy as np

from analysis.results import Statistic


def normal_row(row: Statistic, value: float, se: float, confidence: float) -> Statistic:
    """Return a row with symmetric limits and the two-sided p-value of zero."""
    from scipy import stats

    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * se
    return replace(
        row,
        value=float(value),
        se=float(se),
        df=float("inf"),
        lower=float(value - reach),
        upper=float(value + reach),
        confidence=confidence,
        p_value=float(2 * stats.norm.sf(abs(value) / se)) if se > 0 else float("nan"),
    )


def ratio_row(row: Statistic, log_value: float, log_se: float, confidence: float) -> Statistic:
    """Return a ratio with limits from the log scale, and the p-value of one; its SE is on the ratio's scale."""
    found = normal_row(row, log_value, log_se, confidence)
    value = float(np.exp(log_value))
    return replace(
        found,
        value=value,
        se=value * log_se,
        lower=float(np.exp(found.lower)),
        upper=float(np.exp(found.upper)),
    )
