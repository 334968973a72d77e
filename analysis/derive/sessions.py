"""Therapy that was attended: how many sessions, with whom. Not here: what counts as enough (populations)."""

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis.derive.answers import said_yes
from data_contracts.spec import Trial
from data_contracts.yes_no import ATTENDED

THERAPIST = "therapist"
REASON = "discontinuation_reason"
NO_REASON = "no reason recorded"


def sessions_attended(accepted: Mapping[str, pd.DataFrame], trial: Trial, people: pd.Index) -> pd.Series:
    """Return the number of sessions each participant attended, zero included."""
    total = pd.Series(0, index=people)
    for held in _attended(accepted, trial):
        total = total.add(held["participant"].value_counts().reindex(people).fillna(0).astype(int))
    return total


def main_therapist(accepted: Mapping[str, pd.DataFrame], trial: Trial, arms: pd.Series) -> pd.Series | None:
    """Return whom each participant of a therapy arm saw most often; of equals, whom they saw first.

    Args:
        accepted: The accepted records of each form.
        trial: The trial.
        arms: The arm of each participant, by participant.

    Returns:
        By participant; missing in arms without therapy and for those who never came. None when no sessions
        form names a therapist.
    """
    seen = [held for held in _attended(accepted, trial) if THERAPIST in held]
    if not seen:
        return None
    sessions = pd.concat([held[["participant", THERAPIST]] for held in seen]).dropna()
    counted = sessions.groupby(["participant", THERAPIST], sort=False).size().reset_index(name="n")
    most = counted.sort_values("n", ascending=False, kind="stable").drop_duplicates("participant")
    treated = arms.isin([arm.code for arm in trial.arms if arm.therapy])
    return most.set_index("participant")[THERAPIST].reindex(arms.index).where(treated)


def discontinuation_reasons(
    accepted: Mapping[str, pd.DataFrame], trial: Trial, people: pd.Index
) -> pd.Series:
    """Return why each participant ended therapy early, by its label; missing for whoever did not.

    The reason stands in the column `reason` of the form; without one it is "no reason recorded".
    """
    parts = [pd.Series(dtype="str", name=REASON)]
    for form in trial.forms_of("discontinuations"):
        records = accepted.get(form.name)
        if records is None or records.empty:
            continue
        ordered = records.sort_values(form.date, kind="stable") if form.date in records else records
        first = ordered.drop_duplicates("participant").set_index("participant")
        labels = form.columns["reason"].labels if "reason" in form.columns else {}
        named = first["reason"].map(dict(labels)) if labels else pd.Series(pd.NA, first.index, dtype="str")
        parts.append(named.astype("str").fillna(NO_REASON))
    together = pd.concat(parts)
    first_of_all: pd.Series = together[~together.index.duplicated()].reindex(people)
    return first_of_all.rename(REASON)


def _attended(accepted: Mapping[str, pd.DataFrame], trial: Trial) -> Iterator[pd.DataFrame]:
    """Yield the attended sessions of each form, the earliest first where they are dated."""
    for form in trial.forms_of("sessions"):
        held = accepted.get(form.name)
        if held is None:
            continue
        if ATTENDED in held:  # without such a column every record is a session held
            held = held[said_yes(held[ATTENDED], form.columns.get(ATTENDED))]
        yield held.sort_values(form.date, kind="stable") if form.date in held else held
