"""Which planned visit a record belongs to. Not here: scoring, populations."""

import numpy as np
import pandas as pd

from data_contracts.spec import Form, Trial

DAYS_PER_MONTH = 365.25 / 12


def assign_visits(records: pd.DataFrame, form: Form, trial: Trial, randomised_on: pd.Series) -> pd.DataFrame:
    """Return the records that belong to a planned visit, one per participant and visit.

    A dated record belongs to the visit whose window holds its date, whatever its label; one without a date
    (or in a trial without windows) to the visit it is labelled with. A date that no window holds leaves the
    label standing, unless the trial says `out_of_window = "leave out"`, or the label contradicts
    randomisation (a baseline after it, a follow-up before it); a visit without a window keeps its label.
    Of several records of one visit the nearest to the planned day stays, of two equally near the earlier.

    Args:
        records: (n, columns) the form's accepted records, with `participant`.
        form: The form.
        trial: The trial.
        randomised_on: dates by participant.

    Returns:
        (m, columns) with `visit`, `visit_date` and `days_since_randomisation`; m at most n.
    """
    dated = _with_days(records, form, randomised_on)
    labelled = dated["visit"] if "visit" in dated else pd.Series(pd.NA, index=dated.index, dtype="str")
    dated["visit"] = _visit_by_window(dated["days_since_randomisation"], trial).fillna(
        labelled.where(_label_stands(labelled, dated["days_since_randomisation"], trial))
    )
    planned = dated[dated["visit"].isin([v.code for v in trial.visits])].copy()
    planned["_distance"] = _distance(planned, trial)
    ordered = planned.sort_values(["_distance", "days_since_randomisation"], kind="stable")
    return ordered.drop_duplicates(["participant", "visit"]).drop(columns="_distance").sort_index()


def _label_stands(labelled: pd.Series, days: pd.Series, trial: Trial) -> pd.Series:
    """Return where a record that no window holds goes by its label."""
    undated = days.isna()
    windowless = labelled.isin([visit.code for visit in trial.visits if not visit.window])
    if not any(visit.window for visit in trial.visits):
        return pd.Series(data=True, index=days.index)
    if trial.out_of_window == "leave out":
        return undated | windowless
    after = (days > 0).fillna(value=False).astype(bool)
    return undated | windowless | (after != (labelled == trial.baseline_visit.code))


def _with_days(records: pd.DataFrame, form: Form, randomised_on: pd.Series) -> pd.DataFrame:
    dated = records.copy()
    missing = pd.Series(pd.NaT, index=records.index, dtype="datetime64[s]")
    dated["visit_date"] = records.get(form.date, missing)
    start = records["participant"].map(randomised_on) if len(randomised_on) else missing
    dated["days_since_randomisation"] = (dated["visit_date"] - pd.to_datetime(start)).dt.days.astype(
        "Float64"
    )
    return dated


def _visit_by_window(days: pd.Series, trial: Trial) -> pd.Series:
    """Return the code of the visit whose window holds each day, missing where none does."""
    found = pd.Series(pd.NA, index=days.index, dtype="str")
    for visit in trial.visits:
        if visit.window:
            inside = days.between(*visit.window).fillna(value=False).astype(bool)
            found[inside] = visit.code
    return found


def _distance(planned: pd.DataFrame, trial: Trial) -> pd.Series:
    target = planned["visit"].map({v.code: v.month * DAYS_PER_MONTH for v in trial.visits}).astype("float64")
    days = planned["days_since_randomisation"].astype("float64")
    return (days - target).abs().fillna(np.inf)
