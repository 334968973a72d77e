"""What tells a blinded trial's arms, kept apart for whoever may see it. Not here: shuffling (data_contracts)."""

from typing import TYPE_CHECKING

from data_contracts.errors import Problem, RequestError
from data_contracts.spec import Trial
from data_contracts.tables import Tables
from pipelines import audit, lock, store
from pipelines.home import Home
from pipelines.keys import secret_key
from pipelines.rights import only_mine, private_folder

if TYPE_CHECKING:
    import pandas as pd

PSEUDONYMS, SHUFFLE = "pseudonyms", "shuffle"
SEEN = "what is held apart was read"
AS_SPELT = "an identifier as the exports spell it, with its zeros and capitals"


def hold_apart(home: Home, trial: str, name: str, tables: Tables) -> None:
    """Store tables that tell the arms, for their owner alone.

    Raises:
        StorageError: they can't be stored.
    """
    folder = home.allocation(trial)
    private_folder(folder.parent)
    private_folder(folder)
    with only_mine():
        store.write_tables(folder / name, tables)


def held_apart(home: Home, trial: str, name: str) -> Tables:
    """Return what was stored apart.

    Raises:
        StorageError: nothing was, or it is damaged.
    """
    return store.read_tables(home.allocation(trial) / name)


def full_queries(home: Home, trial: Trial, by: str, why: str) -> "pd.DataFrame":
    """Return every query in full, those that tell the arm too; that somebody read them is logged.

    Raises:
        StorageError: nothing is held apart yet.
    """
    queries = held_apart(home, trial.name, "verdict").frames["queries"]
    audit.record(home, SEEN, trial=trial.name, who=by, why=why, queries=len(queries))
    return queries


def arm_of(home: Home, trial: Trial, participant: str, by: str, why: str) -> str:
    """Return one participant's true arm, in an emergency: it is logged first, and goes to no file.

    Args:
        home: The state folder.
        trial: The trial.
        participant: An identifier as the exports have it, or a pseudonym.
        by: Who asks.
        why: For what.

    Raises:
        RequestError: nobody of that name has been randomised, or nobody is blind.
        StorageError: nothing is held apart yet, or the log can't be written.
    """
    if trial.blinding.is_declared_open:
        raise RequestError(f"{trial.name} is not blinded: its report has the arms.")
    (form,) = trial.forms_of("allocation")
    table = held_apart(home, trial.name, "raw").frames[form.name]
    names = _names(home, trial, participant)
    found = table[table["participant"].isin(names)]
    known_as = names[-1] if found.empty else str(found["participant"].iloc[0])
    audit.record(home, lock.REVEALED, trial=trial.name, who=by, why=why, participant=known_as)
    if found.empty:
        where = f"the allocation list of {trial.name}"
        raise RequestError(
            "That participant is not known.", [Problem(where, "no such participant", AS_SPELT)]
        )
    labels = {arm.code: arm.label for arm in trial.arms}
    return " and ".join(sorted({labels.get(arm, "an arm not in the plan") for arm in found["arm"]}))


def _names(home: Home, trial: Trial, participant: str) -> tuple[str, ...]:
    """Return what a participant may be called in the tables; last, what may be written down."""
    if not trial.privacy.pseudonyms:
        return (participant.strip(),)
    return participant.strip(), pseudonym_of(home, trial, participant)


def pseudonym_of(home: Home, trial: Trial, participant: str) -> str:
    """Return the pseudonym of an identifier.

    Raises:
        RequestError: the trial keeps its identifiers.
        StorageError: the key can't be read.
    """
    from data_contracts.privacy import pseudonym

    if not trial.privacy.pseudonyms:
        found = "`pseudonyms` that is not set"
        raise RequestError(
            f"{trial.name} keeps the identifiers of its exports.", [Problem("[privacy]", found, "true")]
        )
    return pseudonym(participant, secret_key(home, trial.name, PSEUDONYMS))
