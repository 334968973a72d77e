"""Recorded answers of a column that asks yes or no. Not here: which label says what (data_contracts.yes_no)."""

import pandas as pd

from data_contracts.spec import Column, Trial
from data_contracts.yes_no import EXCLUDED, says_yes


def answers(recorded: pd.Series, column: Column | None) -> pd.Series:
    """Return True for yes, False for no, missing where nothing was recorded or where it says neither.

    Args:
        recorded: Codes; or, of a column that declares no labels, the words themselves.
        column: As declared; None where it is not.
    """
    labels, name = (column.labels, column.name) if column else ({}, str(recorded.name))
    told = {code: says_yes(code, labels, name) for code in recorded.dropna().unique()}
    return recorded.astype("object").map(told).astype("boolean")


def said_yes(recorded: pd.Series, column: Column | None) -> pd.Series:
    """Return bool, (n,): True where the answer is yes; a missing answer is not."""
    return answers(recorded, column).fillna(value=False).astype(bool)


def excluded_column(trial: Trial) -> Column | None:
    """Return the column that says who was excluded after randomisation; the allocation form's stands."""
    (baseline,), (allocation,) = trial.forms_of("participants"), trial.forms_of("allocation")
    return allocation.columns.get(EXCLUDED) or baseline.columns.get(EXCLUDED)
