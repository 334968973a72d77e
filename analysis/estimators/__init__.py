"""One file per estimator: an analysis set and a declared analysis in, statistics out."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.results import Statistic
    from data_contracts.plan import Analysis
    from data_contracts.spec import Trial

    Estimator = Callable[[pd.DataFrame, Trial, Analysis], list[Statistic]]

# name in a trial file -> module with `estimate`; modules are loaded when they are used
ESTIMATORS: Mapping[str, str] = {
    "mmrm": "analysis.estimators.mmrm",
    "lmm": "analysis.estimators.lmm",
    "ancova": "analysis.estimators.ancova",
    "reference_based_mi": "analysis.estimators.reference_based_mi",
    "tipping_point": "analysis.estimators.tipping_point",
    "moderator": "analysis.estimators.moderator",
    "cace": "analysis.estimators.cace",
    "responder": "analysis.estimators.responder",
    "ordinal": "analysis.estimators.ordinal",
    "counts": "analysis.estimators.counts",
    "time_to_event": "analysis.estimators.time_to_event",
}


def estimator_named(name: str) -> "Estimator":
    """Return the estimator a trial file names.

    Raises:
        KeyError: there is none of that name.
    """
    estimate: Estimator = import_module(ESTIMATORS[name]).estimate
    return estimate
