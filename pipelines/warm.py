"""Slow imports, begun before they are needed: the judge's process, the models. Not here: using them."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_contracts.judge_process import Judge

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
        from data_contracts.judge_process import Judge

        _running["judge"] = Judge.start()
    return _running["judge"]


def end_judge() -> None:
    """End the judge's process, if there is one."""
    if judge := _running.pop("judge", None):
        judge.close()


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
    """Import without the garbage collector: it takes a third of the time and finds nothing in modules."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor will it look at them later, or when the process ends
        gc.enable()
