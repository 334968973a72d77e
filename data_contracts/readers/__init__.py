"""Landing files in, typed forms out; a file per format. Not here: judging what was read (judge, suites)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_contracts.readers.find import find_sources
    from data_contracts.readers.store import forms_from_tables, forms_to_tables
    from data_contracts.readers.trial import READERS, read_received, read_trial

__all__ = ["READERS", "find_sources", "forms_from_tables", "forms_to_tables", "read_received", "read_trial"]

# Loaded when asked for: a night that finds nothing new looks for its files and needs no pandas.
_MODULE_OF = {
    "READERS": "trial",
    "find_sources": "find",
    "forms_from_tables": "store",
    "forms_to_tables": "store",
    "read_received": "trial",
    "read_trial": "trial",
}


def __getattr__(name: str) -> Any:
    """Return one of the package's names from the module that holds it."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
