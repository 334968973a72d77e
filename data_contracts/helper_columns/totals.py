"""Of totals: what is left when their parts are taken off. Not here: scores for the analysis."""

from collections.abc import Mapping

import pandas as pd

from data_contracts.evidence import Evidence
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule
from data_contracts.spec import Trial


def _less_parts(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a total less its parts; missing where the total or a part is."""
    total, *parts = rule.columns
    values = form.values[parts].astype("Float64")
    if name := rule.arguments.get("instrument"):
        return form.values[total].astype("Float64") - _instrument_total(values, str(name), evidence.trial)
    return form.values[total].astype("Float64") - values.sum(axis=1, skipna=False)


def _instrument_total(answers: pd.DataFrame, name: str, trial: Trial) -> pd.Series:
    """Return an instrument's total of complete answers, reversed items turned round."""
    instrument = trial.instruments[name]
    scale = instrument.scales.get("total") or next(iter(instrument.scales.values()))
    scored = answers.set_axis(range(1, instrument.n_items + 1), axis=1)
    for item in instrument.reversed:
        scored[item] = sum(instrument.answer_range(item)) - scored[item]
    counted = scored[list(scale.items)]
    if scale.method == "count":
        counted = counted.isin(scale.counted).astype("Float64").where(counted.notna())
    return counted.mean(axis=1, skipna=False) if scale.method == "mean" else counted.sum(axis=1, skipna=False)


HELPERS: Mapping[str, Helper] = {"adds_up": Helper("total less its parts", _less_parts)}
