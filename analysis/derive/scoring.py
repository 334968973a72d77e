"""Score questionnaires: item answers in, scale scores out. Not here: reading files, visit windows."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_contracts.instrument import Instrument, Scale

Array = npt.NDArray[np.float64]
ROUNDING = 1e-9  # 0.8 of five items must ask for four, not for 4.000000001


def score_instrument(answers: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """Return each scale's score, how many of its items were answered, and whether it was prorated.

    An answer that is not legal counts as not answered.

    Args:
        answers: (n, n_items) in the items' order, missing where not answered.
        instrument: The instrument.

    Returns:
        (n, 3 per scale): `<scale>` float, missing if too few items were answered;
        `<scale>_n_answered` int; `<scale>_prorated` bool, True for a score with an item missing.

    Raises:
        ValueError: the number of columns is not the number of items.
    """
    if answers.shape[1] != instrument.n_items:
        raise ValueError(f"{instrument.name} has {instrument.n_items} items, not {answers.shape[1]}")
    aligned = _aligned(_legal(answers, instrument), instrument)
    scores: dict[str, npt.NDArray[np.generic]] = {}
    for name, scale in instrument.scales.items():
        items = aligned[:, [item - 1 for item in scale.items]]
        n_answered = np.isfinite(items).sum(axis=1)
        enough = n_answered >= scale.minimum_answered * len(scale.items) - ROUNDING
        score = np.where(enough, _score(items, n_answered, scale), np.nan)
        scores[name] = score
        scores[f"{name}_n_answered"] = n_answered
        scores[f"{name}_prorated"] = np.isfinite(score) & (n_answered < len(scale.items))
    return pd.DataFrame(scores, index=answers.index)


def _legal(answers: pd.DataFrame, instrument: Instrument) -> Array:
    """Return the answers, NaN where there is none or where it is not legal."""
    values = answers.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    legal = np.empty_like(values)
    for item in range(1, instrument.n_items + 1):
        answer = values[:, item - 1]
        low, high = instrument.answer_range(item)
        listed = instrument.legal_answers(item)
        allowed = np.isin(answer, listed) if listed else (answer >= low) & (answer <= high)
        legal[:, item - 1] = np.where(allowed, answer, np.nan)
    return legal


def _aligned(values: Array, instrument: Instrument) -> Array:
    """Return the answers with reversed items turned round, so that all point one way."""
    aligned = values.copy()
    for item in instrument.reversed:
        low, high = instrument.answer_range(item)
        aligned[:, item - 1] = low + high - values[:, item - 1]
    return aligned


def _score(items: Array, n_answered: npt.NDArray[np.int64], scale: Scale) -> Array:
    """Return (n,) scores of (n, items) aligned answers, NaN where the method gives none."""
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # no answers, or a whole of zero: NaN, as it should be
        if scale.method == "percentage":
            share = np.where(items[:, 0] <= items[:, 1], items[:, 0] / items[:, 1], np.nan)
            return np.asarray(100 * share)
        counted = np.isin(items, scale.counted).astype(np.float64) if scale.method == "count" else items
        total = np.nansum(counted, axis=1)
        if scale.method == "mean":
            return np.asarray(total / n_answered)
        filled = 1.0 if scale.proration == "as answered" else len(scale.items) / n_answered
        return np.asarray(total * filled)
