"""What is said, everywhere alike, of a run that is blinded or not of what was locked. Not here: finding out."""

from collections.abc import Mapping
from typing import Any, Literal

Audience = Literal["open", "closed", "final"]  # pooled over arms; by coded arms; by arm
SHUFFLED = "shuffled"
MARK = "Allocation shuffled: these numbers say nothing about the treatment."
WORDS = {  # what a lock freezes
    "data_hash": "the data",
    "plan_hash": "the plan",
    "code_version": "the program",
    "packages_hash": "the packages",
}


def marked(sentence: str, allocation: str) -> str:
    """Return a sentence on results, behind the mark where the arms are not the true ones."""
    return f"{MARK} {sentence}" if allocation == SHUFFLED else sentence


def said_in_name(name: str, allocation: str) -> str:
    """Return a file's name, with a word before its ending where its arms are not the true ones."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{SHUFFLED.upper()}{dot}{ending}" if allocation == SHUFFLED else name


def not_as_locked(lock: Mapping[str, Any]) -> str:
    """Return what is said loudly of a run that differs from its trial's lock; "" of any other.

    Args:
        lock: What the run's tables say of the lock: status, differs, locked, by.
    """
    if lock.get("status") != "differs":
        return ""
    what = [WORDS[name] for name in lock["differs"]]
    verb = "is" if what in (["the program"], ["the plan"]) else "are"
    listed = " and ".join([", ".join(what[:-1]), what[-1]] if len(what) > 1 else what)
    return (
        f"NOT AS LOCKED: {listed} {verb} not what {lock['by']} locked on {str(lock['locked'])[:10]}. "
        "The audit log has noted the deviation."
    )


def said_of(lock: Mapping[str, Any]) -> str:
    """Return how a run stands to its trial's lock, in a few words."""
    if not lock or lock.get("status") == "none":
        return "not locked"
    return not_as_locked(lock) or f"as locked on {str(lock['locked'])[:10]} by {lock['by']}"
