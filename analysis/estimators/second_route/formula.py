"""The fixed effects of a declared analysis as a formula, and a contrast of arms by prediction. Not here: fitting."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_contracts.plan import Analysis
from data_contracts.spec import Trial

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model matrix, and how to make it again for other values of the columns."""

    rows: pd.DataFrame  # (n, columns)
    matrix: Array  # (n, p)
    spec: Any  # formulaic's

    def contrast(self, arm: str, reference: str, held: Mapping[str, object]) -> Array:
        """Return the (p,) mean difference of predictions in two arms over all rows, some columns held."""
        own = {name: value for name, value in held.items() if name in self.rows}
        two = [self.at(arm=code, **own) for code in (arm, reference)]
        weights: Array = (two[0] - two[1]).mean(axis=0)
        return weights

    def at(self, **held: object) -> Array:
        """Return the model matrix (n, p) as if all rows had these values."""
        frame = self.rows.copy()
        for name, value in held.items():
            kind = self.rows[name].dtype
            frame[name] = pd.Series([value] * len(frame), index=frame.index).astype(kind)
        return np.asarray(self.spec.get_model_matrix(frame), dtype=np.float64)


def model_of(rows: pd.DataFrame, terms: str) -> Model:
    """Return the model matrix of some terms; columns that are combinations of earlier ones are left out."""
    from formulaic import model_matrix

    made = model_matrix(terms, rows)
    return Model(rows, np.asarray(made, dtype=np.float64), made.model_spec)


def repeated_terms(trial: Trial, analysis: Analysis, moderator: str = "") -> str:
    """Return the terms of a repeated-measures comparison."""
    outcome = trial.estimands[analysis.estimand].outcome
    time = "month" if analysis.visit_as == "month" else "C(visit)"
    parts = ["1", time]
    if analysis.baseline:
        parts.append(f"{outcome}_baseline" + (f"*{time}" if analysis.baseline_by_visit else ""))
    parts += [
        f"{name}*{time}" if name in analysis.covariates_by_visit else name for name in analysis.covariates
    ]
    arms = f"C(arm)*{time}" if analysis.treatment_by_visit else "C(arm)"
    parts.append(f"{moderator}*{arms}" if moderator else arms)
    return " + ".join(parts)


def single_terms(trial: Trial, analysis: Analysis, *, with_arm: bool = True) -> str:
    """Return the terms of a comparison with one row per participant."""
    outcome = trial.outcomes[trial.estimands[analysis.estimand].outcome]
    parts = ["1"]
    if analysis.baseline and outcome.is_by_visit:
        parts.append(f"{outcome.of or outcome.name}_baseline")
    return " + ".join([*parts, *analysis.covariates, *(["C(arm)"] if with_arm else [])])


def analysed(analysis_set: pd.DataFrame, trial: Trial, analysis: Analysis, *more: str) -> pd.DataFrame:
    """Return the follow-up rows of the estimand's population that have all that is needed, factors as observed."""
    estimand = trial.estimands[analysis.estimand]
    outcome = trial.outcomes[estimand.outcome]
    needed = [outcome.name, *analysis.covariates, *more]
    if analysis.baseline and outcome.is_by_visit:
        needed.append(f"{outcome.of or outcome.name}_baseline")
    kept = analysis_set[
        analysis_set[f"in_{estimand.population}"] & (analysis_set["visit"] != trial.baseline_visit.code)
    ]
    kept = kept.dropna(subset=needed).copy()
    for name in kept.columns:
        if isinstance(kept[name].dtype, pd.CategoricalDtype):
            kept[name] = kept[name].cat.remove_unused_categories()
    return kept.reset_index(drop=True)
