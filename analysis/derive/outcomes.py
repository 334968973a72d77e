"""The values of an outcome at a visit: from a column, an instrument's scale, or another outcome cut.

Not here: which visit a record belongs to (visits), events (events).
"""

import numpy as np
import pandas as pd

from analysis.derive.scoring import score_instrument
from data_contracts.plan import Outcome
from data_contracts.spec import Trial


def recorded_values(records: pd.DataFrame, outcome: Outcome, trial: Trial) -> pd.Series:
    """Return an outcome's values (n,) from the n records of its form."""
    if outcome.column:
        return records[outcome.column].astype("float64")
    instrument = trial.instruments[outcome.instrument]
    items = [f"{outcome.instrument}_{i}" for i in range(1, instrument.n_items + 1)]
    return score_instrument(records[items], instrument)[outcome.scale].astype("float64")


def cut_values(frame: pd.DataFrame, outcome: Outcome, trial: Trial) -> pd.Series:
    """Return an outcome cut from another: 1 and 0 (binary) or the level from 0 on (ordinal); missing stays so.

    Args:
        frame: (n, columns) with the other outcome, and its baseline for a change.
        outcome: The outcome, with `of`.
        trial: The trial.
    """
    source = frame[outcome.of]
    if outcome.cuts:
        level = np.searchsorted(np.array(outcome.cuts), source.to_numpy(), side="right").astype("float64")
        return pd.Series(level, index=frame.index).where(source.notna())
    return _yes(frame, outcome, trial).astype("float64").where(_known(frame, outcome))


def _yes(frame: pd.DataFrame, outcome: Outcome, trial: Trial) -> pd.Series:
    source = frame[outcome.of]
    if outcome.at_least is not None:
        return source >= outcome.at_least
    if outcome.at_most is not None:
        return source <= outcome.at_most
    gain = source - frame[f"{outcome.of}_baseline"]
    better = gain if trial.outcomes[outcome.of].better == "higher" else -gain
    return better >= outcome.change_at_least


def _known(frame: pd.DataFrame, outcome: Outcome) -> pd.Series:
    known = frame[outcome.of].notna()
    return known if outcome.change_at_least is None else known & frame[f"{outcome.of}_baseline"].notna()
