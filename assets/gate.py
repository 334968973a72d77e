"""Who may read `accepted`: nobody while the verdict withholds it or judges other data. Not here: reading."""

from collections.abc import Mapping
from typing import Any

from assets.checked import withheld
from data_contracts.errors import ContractError, Problem


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
