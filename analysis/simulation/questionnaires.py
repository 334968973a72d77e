"""Answers to questionnaires, drawn from a trait that lasts. Not here: scoring them (derive.scoring)."""

from math import comb

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.simulation import constants as c
from data_contracts.instrument import Instrument
from data_contracts.spec import InstrumentUse


def draw_traits(
    rng: np.random.Generator, in_therapy: c.Flags, effect: tuple[float, float, float], drawn: c.Questionnaire
) -> c.Array:
    """Return each person's standing on a questionnaire at baseline and at each follow-up.

    Returns:
        (n, 4) in SD units; therapy moves it in proportion to the trial's true effect.
    """
    n = len(in_therapy)
    lasting, passing = rng.standard_normal((n, 1)), rng.standard_normal((n, 4))
    trait = np.sqrt(c.TRAIT_STABILITY) * lasting + np.sqrt(1 - c.TRAIT_STABILITY) * passing
    gain = np.asarray([0.0, *effect]) * drawn.gain_per_hour * in_therapy[:, None]
    return np.asarray(trait + np.array([0.0, 1.0, 1.0, 1.0]) * drawn.usual_care_gain + gain)


def draw_answers(
    rng: np.random.Generator,
    trait: c.Array,
    instrument: Instrument,
    drawn: c.Questionnaire,
    use: InstrumentUse,
) -> pd.DataFrame:
    """Return the answers of records with these traits, missing ones by the code the form declares.

    Args:
        rng: The random numbers.
        trait: (m,) SD units.
        instrument: The instrument.
        drawn: How its answers are drawn.
        use: How the form uses it.

    Returns:
        (m, n_items) by the form's column names.
    """
    items = range(1, instrument.n_items + 1)
    answers = np.column_stack([_draw_item(rng, trait, instrument, item, drawn.level) for item in items])
    is_rating = instrument.n_items == 1
    share = c.SHARE_NOT_RATED if is_rating else c.SHARE_DECLINED
    code = float(next(iter(use.missing)))
    answers = np.where(rng.random(answers.shape) < share, code, answers)
    return pd.DataFrame(answers, columns=[f"{instrument.name}_{item}" for item in items])


def _draw_item(
    rng: np.random.Generator, trait: c.Array, instrument: Instrument, item: int, level: float
) -> c.Array:
    low, high = instrument.answer_range(item)
    noise = rng.standard_normal(len(trait))
    if not instrument.legal_answers(item):  # a single rating: the trait itself
        return np.asarray(np.clip(np.round(low + level * (high - low) + c.RATING_SD * trait), low, high))
    latent = c.ITEM_LOADING * trait + np.sqrt(1 - c.ITEM_LOADING**2) * noise
    answers = np.array(sorted(instrument.legal_answers(item)))
    towards = 1 - level if item in instrument.reversed else level
    u = ndtr(-latent if item in instrument.reversed else latent)
    return np.asarray(answers[np.searchsorted(_binomial_steps(len(answers) - 1, towards), u)])


def _binomial_steps(n: int, share: float) -> c.Array:
    """Return the cumulative chances of 0 to n-1 successes: where one answer gives way to the next."""
    chances = [comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n)]
    return np.cumsum(chances)
