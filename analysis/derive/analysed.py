"""Who the primary analysis can use, and why others are left out. Not here: counting them (flow)."""

from collections.abc import Mapping

import pandas as pd

from analysis.derive.populations import Evidence

IMPUTED = ("reference_based_mi",)  # estimators that need no outcome of a participant
AT_ONE_VISIT = ("ancova",)  # estimators that need it at the estimand's visit; others need any follow-up


def analysable(evidence: Evidence) -> pd.Series:
    """Return bool, (participants,): who has what the primary analysis needs."""
    return ~pd.concat(reasons_left_out(evidence), axis=1).any(axis=1)


def reasons_left_out(evidence: Evidence) -> Mapping[str, pd.Series]:
    """Return bool, (participants,), by reason why the primary analysis can't use them, in the order they are told."""
    trial = evidence.trial
    reasons = dict(_unseen(evidence))
    if trial.primary_analysis.baseline:
        reasons["no baseline observed"] = ~evidence.observed[trial.baseline_visit.code]
    return {**reasons, "a covariate is missing": ~evidence.covered}


def _unseen(evidence: Evidence) -> Mapping[str, pd.Series]:
    trial, estimator = evidence.trial, evidence.trial.primary_analysis.estimator
    if estimator in IMPUTED:
        return {}
    if estimator in AT_ONE_VISIT:
        return {"primary visit not observed": ~evidence.observed[trial.primary.visit]}
    return {"no follow-up observed": ~evidence.observed[[v.code for v in trial.follow_ups]].any(axis=1)}
