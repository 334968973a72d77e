"""What must be true after any accident: nothing published is unreadable, and the next night makes it good."""

import os
import time

from benchmarks.reliability.small_trial import Place, status_of

ENOUGH = ("success", "unchanged")
PATIENCE = 30.0  # seconds helpers of a killed run have to end by themselves


def unreadable(place: Place) -> list[str]:
    """Return a sentence per published file that can't be read."""
    return [f"unreadable: {what}" for what in place.unreadable()]


def mixed(place: Place, whole: list[dict[str, str]]) -> list[str]:
    """Return a sentence per published table that is of no delivery at all."""
    now = place.fingerprint()
    return [
        f"of no delivery: {table}"
        for table, sha in now.items()
        if all(sha != one.get(table) for one in whole)
    ]


def next_night(place: Place, expected: dict[str, str]) -> list[str]:
    """Let the next night come, with nobody's help; return what is wrong with it."""
    done = place.night()
    wrong = (
        []
        if status_of(done) in ENOUGH
        else [f"the next night: {status_of(done)} {done.stderr.decode()[-300:]}"]
    )
    now = place.fingerprint()
    differ = [table for table in expected if now.get(table) != expected[table]]
    return wrong + [f"other bytes after the next night: {table}" for table in differ]


def left_processes(group: int) -> list[str]:
    """Wait for a killed run's helpers to end; return a sentence when they don't."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return []
        time.sleep(0.1)
    return ["a helper of the killed run lives on"]
