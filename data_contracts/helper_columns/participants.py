"""Of a record's participant: whether other forms know them, their arms, their entry. Not here: dates."""

from collections.abc import Mapping

import pandas as pd

from data_contracts.evidence import Evidence, by_participant
from data_contracts.forms import ReadForm
from data_contracts.helper_columns.helper import Helper
from data_contracts.rules import Rule


def _is_known(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return whether each record's participant is in another form; missing where the record names none.

    Where the rule is about follow-ups, a record at another visit is left out.
    """
    participants = form.values["participant"]
    asked = participants.notna()
    if visits := rule.arguments.get("visits"):
        asked &= form.values["visit"].isin(visits)
    known = participants.isin(evidence.participants(rule.arguments["form"]))
    return known.astype("boolean").where(asked)


def _number_of_arms(_: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return in how many arms each record's participant is listed."""
    return by_participant(form, evidence.arms().groupby("participant")["arm"].nunique().astype("Int64"))


def _arm(_: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return the arm of each record's participant; missing where there is none, or more than one."""
    arms = evidence.arms().drop_duplicates().drop_duplicates("participant", keep=False)
    return by_participant(form, arms.set_index("participant")["arm"])


def _at_entry(rule: Rule, form: ReadForm, evidence: Evidence) -> pd.Series:
    """Return a criterion's value at entry, of the randomised; a value that another rule refuses is left out."""
    values = form.values[rule.columns[0]]
    at_entry = form.values["participant"].isin(evidence.participants(evidence.allocation.name))
    if "visit" in form.values:
        at_entry &= form.values["visit"] == evidence.trial.baseline_visit.code
    if legal := rule.arguments["legal"]:
        at_entry &= values.between(*legal).fillna(value=False).astype(bool)
    return values.where(at_entry)


HELPERS: Mapping[str, Helper] = {
    "known": Helper("participant is known", _is_known),
    "one_arm": Helper("number of arms of the participant", _number_of_arms),
    "in_therapy_arm": Helper("arm of the participant", _arm),
    "eligible_range": Helper("value at entry, of the randomised", _at_entry),
    "eligible_code": Helper("code at entry, of the randomised", _at_entry),
}
