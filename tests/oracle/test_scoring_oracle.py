"""The vectorised scoring against one that goes through each record and item in plain Python."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.derive.scoring import score_instrument
from data_contracts.instrument import Instrument, Scale
from data_contracts.load import SHIPPED_INSTRUMENTS, load_instrument

NAMES = sorted(path.stem for path in SHIPPED_INSTRUMENTS.glob("*.toml"))


def _slow_score(
    answers: list[float | None], instrument: Instrument, scale: Scale
) -> tuple[float | None, int]:
    """Return a scale's score and the number of its items answered, the obvious way."""
    turned = []
    for item in scale.items:
        answer = answers[item - 1]
        if answer is None or not _is_legal(answer, item, instrument):
            continue
        low, high = instrument.answer_range(item)
        turned.append(low + high - answer if item in instrument.reversed else answer)
    n = len(turned)
    if n < math.ceil(scale.minimum_answered * len(scale.items) - 1e-9):
        return None, n
    if scale.method == "percentage":
        part, whole = turned
        return (100 * part / whole if whole > 0 and part <= whole else None), n
    if scale.method == "mean":
        return sum(turned) / n, n
    if scale.method == "count":
        turned = [1.0 if answer in scale.counted else 0.0 for answer in turned]
    if scale.proration == "as answered":
        return sum(turned), n
    return sum(turned) / n * len(scale.items), n


def _is_legal(answer: float, item: int, instrument: Instrument) -> bool:
    own = instrument.answers_of.get(str(item))
    if own is not None:
        return answer in own
    if instrument.answers:
        return answer in instrument.answers
    low, high = instrument.range
    return low <= answer <= high


def _random_answers(
    instrument: Instrument, rng: np.random.Generator, n: int = 400
) -> list[list[float | None]]:
    """Return records from complete to nearly empty, now and then with an answer that is not legal."""
    records = []
    for _ in range(n):
        share_missing = rng.choice([0.0, 0.1, 0.25, 0.6])
        record: list[float | None] = []
        for item in range(1, instrument.n_items + 1):
            low, high = instrument.answer_range(item)
            legal = instrument.legal_answers(item) or tuple(np.arange(low, high + 1))
            answer = float(rng.choice(legal)) if rng.random() > 0.03 else float(rng.integers(-5, 130))
            record.append(None if rng.random() < share_missing else answer)
        records.append(record)
    return records


@pytest.mark.parametrize("name", NAMES)
def test_fast_and_slow_scoring_agree(name):
    """Two roads to each score; 1e-9 because they add up in a different order."""
    instrument, _ = load_instrument(name)
    records = _random_answers(instrument, np.random.default_rng(20260))
    scored = score_instrument(pd.DataFrame(records, dtype="Float64"), instrument)
    for key, scale in instrument.scales.items():
        slow = [_slow_score(record, instrument, scale) for record in records]
        expected = np.array([np.nan if score is None else score for score, _ in slow])
        np.testing.assert_allclose(scored[key], expected, rtol=0, atol=1e-9, equal_nan=True)
        assert scored[f"{key}_n_answered"].tolist() == [n for _, n in slow]
        prorated = [score is not None and n < len(scale.items) for score, n in slow]
        assert scored[f"{key}_prorated"].tolist() == prorated


def test_a_mean_scale_is_scored_by_the_slow_road_too():
    """No shipped instrument uses a mean, so the method needs an example of its own."""
    instrument = Instrument.model_validate({
        "name": "made_up", "title": "Made up", "area": "none", "source": "none",
        "n_items": 4, "range": (0, 10),
        "reversed": (2,),
        "scales": {"total": {"label": "Mean", "items": (1, 2, 3, 4), "method": "mean", "range": (0, 10),
                             "better": "higher", "minimum_answered": 0.5}},
        "examples": [{"answers": (10, 0, 10, 10), "scores": {"total": 10}}],
    })  # fmt: skip
    records = _random_answers(instrument, np.random.default_rng(7))
    scored = score_instrument(pd.DataFrame(records, dtype="Float64"), instrument)["total"]
    slow = [_slow_score(record, instrument, instrument.scales["total"])[0] for record in records]
    expected = [math.nan if score is None else score for score in slow]
    np.testing.assert_allclose(scored, expected, rtol=0, atol=1e-9, equal_nan=True)
