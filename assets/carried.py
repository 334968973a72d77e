"""What every table of a run says of where it comes from, handed on from hop to hop. Not here: computing it."""

from collections.abc import Mapping
from typing import Any

CARRIED = ("data_hash", "plan_hash", "code_version", "allocation", "lock")


def carried(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that go with the data from hop to hop."""
    return {name: facts[name] for name in CARRIED if name in facts}


def allocation_of(facts: Mapping[str, Any]) -> str:
    """Return whose arms a table has: "true" or "shuffled"; tables older than blinding are true."""
    return str(facts.get("allocation", "true"))
