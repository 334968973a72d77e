"""Rubin's and the jackknife's standard error of the same estimate, side by side. Not here: why they differ (docs)."""

import pandas as pd

from analysis.imputation.base_model import BaseModel
from analysis.imputation.estimates import Analyse, Pooled
from analysis.imputation.refits import Progress, unseen
from analysis.imputation.routes import approximate_bayes, leave_units_out


def both_errors(  # noqa: PLR0913
    base: BaseModel,
    analyse: Analyse,
    *,
    m: int,
    seed: int,
    known: Pooled | None = None,
    progress: Progress = unseen,
) -> pd.DataFrame:
    """A row per contrast: visit, contrast, se_rubin (approximate Bayes unless known), se_jackknife  [SEI-7].

    Args:
        base: The imputation model.
        analyse: The analysis.
        m: Imputations for Rubin's rules.
        seed: Of them.
        known: Pooled estimates that are already there, by Rubin's rules or the jackknife.
        progress: Told how far the refits are.
    """
    found = {} if known is None else {known.se_method: known}
    if "rubin" not in found:
        found["rubin"] = approximate_bayes(base, m=m, seed=seed, progress=progress).pooled(analyse)
    if "jackknife" not in found:
        found["jackknife"] = leave_units_out(base, progress=progress).pooled(analyse)
    table = found["rubin"].contrasts[["visit", "contrast"]]
    return table.assign(
        se_rubin=found["rubin"].contrasts["se"].to_numpy(),
        se_jackknife=found["jackknife"].contrasts["se"].to_numpy(),
    )
