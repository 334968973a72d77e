"""A fit as one record of plain values, in full precision: what `srt fit --json` prints. Not here: fitting."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.estimators.adhoc_fit import AdhocFit

OF_CONVERGENCE = ("status", "ok", "reason", "gradient_norm", "smallest_eigenvalue", "steps", "start")
ALSO = ("starts_tried", "other_optima", "at_boundary")


def fit_record(found: AdhocFit) -> dict[str, Any]:
    """Return estimates, covariance, means, contrasts and how the search ended.

    A covariance is a mapping of visit to visit to value, by group where there are groups; means and contrasts
    are lists of rows.
    """
    fit, model = found.fit, found.model
    limits = fit.conf_int(model.alpha)
    return {
        "formula": model.formula,
        "method": model.method,
        "df_method": model.degrees_of_freedom,
        "information": model.information,
        "covariance_structure": fit.covariance_structure,
        "n_participants": fit.n_subjects if model.subject else None,
        "n_observations": fit.nobs,
        "params": _by_term(fit.params),
        "bse": _by_term(fit.bse),
        "df": _by_term(fit.df),
        "tvalues": _by_term(fit.tvalues),
        "pvalues": _by_term(fit.pvalues),
        "alpha": model.alpha,
        "conf_int": {str(term): [row.lower, row.upper] for term, row in limits.iterrows()},
        "llf": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "covariance": _covariance(fit.covariance),
        "theta": _by_term(fit.theta),
        "random_effects_variances": _by_term(fit.random_effects_variances),
        "emmeans": [row for frame in found.means for row in _rows(frame)],
        "contrasts": [row for frame in found.contrasts for row in _rows(frame)],
        "convergence": {
            **{name: getattr(fit.convergence, name) for name in (*OF_CONVERGENCE, *ALSO)},
            "failed_attempts": dict(found.left),
        },
        "notes": list(found.notes),
    }


def _by_term(values: pd.Series) -> dict[str, Any]:
    return {str(term): value for term, value in values.items()}


def _covariance(found: pd.DataFrame | Mapping[Any, pd.DataFrame]) -> dict[str, Any]:
    if isinstance(found, pd.DataFrame):
        return {str(visit): _by_term(found[visit]) for visit in found}
    return {str(group): _covariance(frame) for group, frame in found.items()}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]
