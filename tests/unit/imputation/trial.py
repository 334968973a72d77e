"""A small trial for the unit tests of imputation."""

import numpy as np
import pandas as pd

from analysis.imputation import Roles, after_last_observed, arranged, base_model

ROLES = Roles("hours", "id", "visit", "arm", "UC", ["base*visit"], ["base"])


def frame(n=24, seed=2):
    """Participants 1 to n, visits 3, 9 and 15, dropout, no gaps."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"id": [f"{k:03d}" for k in range(1, n + 1)], "arm": ["UC", "SRT"] * (n // 2)})
    people["base"] = rng.normal(12, 4, n)
    long = people.loc[people.index.repeat(3)].reset_index(drop=True).assign(visit=["3", "9", "15"] * n)
    level = np.repeat(rng.normal(0, 3, n), 3)
    long["hours"] = long["base"] + level + 2 * (long["arm"] == "SRT") + rng.normal(0, 2, 3 * n)
    stays = np.repeat(np.where(rng.random(n) < 0.4, rng.integers(1, 3, n), 3), 3)
    return long.assign(hours=long["hours"].where(np.tile([0, 1, 2], n) < stays))


def model(strategy="j2r", table=None, roles=ROLES):
    """Return the base model of the trial, an event after the last observed visit."""
    outcomes = arranged(frame() if table is None else table, roles)
    return base_model(outcomes, after_last_observed(outcomes, strategy))
