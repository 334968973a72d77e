"""Slow imports, begun before they are needed: the judge's process, the models. Not here: using them."""

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pipelines.rights import keep_to_owner

if TYPE_CHECKING:
    from types import FrameType

    from data_contracts.judge_process import Judge
    from data_contracts.spec import Trial

SLOW = (
    "statsmodels.regression.mixed_linear_model",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "jinja2",
)
_running: dict[str, "Judge"] = {}
_imports: list[threading.Thread] = []


def start_judge() -> "Judge":
    """Return the judge; its process is started by the first call."""
    if "judge" not in _running:
        keep_to_owner()  # the judge writes pages, with the rights this process has by now
        from data_contracts.judge_process import Judge

        _running["judge"] = Judge.start()
    return _running["judge"]


def end_judge() -> None:
    """End the judge's process, if there is one."""
    if judge := _running.pop("judge", None):
        judge.close()


def start_parser(trial: "Trial") -> None:
    """Start the process that parses SPSS, Stata and SAS files, if the trial has any."""
    if any(form.format != "csv" for form in trial.forms.values()):
        from data_contracts.readers.parser import shared_parser

        shared_parser()


def end_parser() -> None:
    """End the process that parses, if there is one."""
    if "data_contracts.readers.parser" in sys.modules:
        from data_contracts.readers.parser import end_shared_parser

        end_shared_parser()


def start_imports() -> None:
    """Begin importing what the later hops need, beside the judging they wait for."""
    if not _imports:
        thread = threading.Thread(target=_import_slow, daemon=True)
        _imports.append(thread)
        thread.start()


def _import_slow() -> None:
    with uninterrupted():
        for name in SLOW:
            import_module(name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Import without the garbage collector, and in the main thread without Ctrl-C, which waits its turn.

    The collector takes a third of the time and finds nothing in modules. An interrupt amid an import can be
    lost in it, or leave a lock behind that the next import waits for.
    """
    gc.disable()
    try:
        with _interrupts_later():
            yield
    finally:
        spare_the_collector()
        gc.enable()


def spare_the_collector() -> None:
    """Let the collector never look again at what there is, not even when the process ends.

    Measured: 50 of 70 ms at the end of a short command. DuckDB's library takes what was not collected at the
    end for leaks and lists them on stderr, so with it nothing is spared.
    """
    if "_duckdb" not in sys.modules:
        gc.freeze()


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Note Ctrl-C and hand it to its handler after the block."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if came:
            usual(signal.SIGINT, came[0])
