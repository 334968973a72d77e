"""Who may read `accepted`: nobody while it is withheld, or its arms are to be hidden. Not here: reading."""

from collections.abc import Mapping
from typing import Any

from assets.carried import allocation_of
from assets.checked import withheld
from data_contracts.errors import ContractError, Problem
from data_contracts.spec import Trial


def admit(trial: str, accepted: Mapping[str, Any], verdict: Mapping[str, Any]) -> None:
    """Let the stored records through only with a verdict on just these data.

    Args:
        trial: The trial's name.
        accepted: The facts stored with the accepted records.
        verdict: The facts stored with the verdict (`checked`).

    Raises:
        ContractError: the verdict withholds the data, or is about other data or another plan.
    """
    if not verdict or verdict["withheld"]:
        raise withheld(trial, verdict.get("reasons") or ["no verdict on the data"])
    other = [name for name in ("data_hash", "plan_hash") if accepted[name] != verdict[name]]
    if other:
        problem = Problem(
            f"{trial}/accepted", f"another {' and '.join(other)} than the verdict's", "the same"
        )
        raise ContractError(
            f"The accepted records of {trial} are not those last judged; run it again.", [problem]
        )


def still_blinded(trial: Trial, accepted: Mapping[str, Any], standing: Mapping[str, Any]) -> None:
    """Refuse records with the true arms of a trial that has been declared blinded since they were stored.

    Raises:
        ContractError: the arms are to be hidden.
    """
    if allocation_of(standing) == "shuffled" and allocation_of(accepted) == "true":
        where, remedy = f"{trial.name}/accepted", "Run it as a whole."
        problem = Problem(where, "the true allocation", "a shuffled one", remedy)
        raise ContractError(f"{trial.name} is blinded; its accepted records are not.", [problem])
