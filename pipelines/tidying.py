"""Tidying as a whole: what may go, its removal, and the audit log's line of it. Not here: what may go (retention)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines import audit
from pipelines.home import Home
from pipelines.retention import Removal, carry_out, removals

if TYPE_CHECKING:
    from data_contracts.spec import Trial

TIDIED = "tidied"


@contextmanager
def what_may_go(home: Home, trials: "Iterable[Trial]") -> Iterator[list[Removal]]:
    """Return all that may go, while Dagster's record is open.

    Raises:
        StorageError: a folder can't be read, or where a trial stands is not vouched for.
    """
    import dagster as dg

    from pipelines.retention_runs import old_runs

    known = list(trials)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield [*removals(home, known), *old_runs(instance, home, known)]


def tidied(home: Home, found: Iterable[Removal]) -> list[Removal]:
    """Remove what was found, and put it on record by trial; return what was removed."""
    done = carry_out(home, found)
    for trial in sorted({one.trial for one in done}):
        numbers = {one.what: one.number for one in done if one.trial == trial}
        audit.record(home, TIDIED, trial=trial, why="older than the plan keeps it", removed=numbers)
    return done
