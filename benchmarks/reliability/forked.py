"""A run in a forked child, everything imported: fast enough to be killed before each of its writes.

Great Expectations is stood in for: what it finds does not matter to what a kill leaves.
"""

import os
import signal
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.reliability.small_trial import NAME, Place


class StandIn:
    """Finds every rule kept."""

    def judge(self, forms: Any, _trial: Any, rules: Any, docs: Any, *_: Any) -> Any:
        """Return a finding per rule, and write a validation page."""
        from data_contracts.rules import Finding

        if docs is not None:
            docs.mkdir(parents=True, exist_ok=True)
            (docs / "index.html").write_text("pages")
        return tuple(Finding(rule=r, passed=True, n_checked=len(forms[r.form].values)) for r in rules)

    def close(self) -> None:
        """Do nothing: there is no process to end."""


def imported() -> None:
    """Import once what every child needs."""
    from pipelines.warm import SLOW

    for name in (*SLOW, "pandas", "pyarrow.parquet", "pipelines.definitions", "pipelines.execution"):
        import_module(name)


def run_forked(place: Place, before: Callable[[], None] = lambda: None) -> int:
    """Run the trial in a child; return its exit status, negative for a signal."""
    child = os.fork()
    if child == 0:
        _child(place, before)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _child(place: Place, before: Callable[[], None]) -> None:
    code = 1
    try:
        os.environ.update(place.environment)
        _quiet()
        from pipelines import warm
        from pipelines.run import execute_trial

        warm.start_judge = StandIn
        warm.start_imports = lambda: None
        before()
        summary = execute_trial(NAME, force=False)
        code = summary.error.exit_code if summary.error else 0
    finally:
        os._exit(code)


def _quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def killed_before_write(number: int) -> Callable[[], None]:
    """Return what makes a child kill itself in the place of its n-th flush to the disk."""
    made, flush = [0], os.fsync

    def count(handle: int) -> None:
        made[0] += 1
        if made[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(handle)

    def arm() -> None:
        os.fsync = count

    return arm
