"""Landing files in, typed forms out; a file per format. Not here: judging what was read (judge, suites)."""

from data_contracts.readers.find import find_sources
from data_contracts.readers.store import forms_from_tables, forms_to_tables
from data_contracts.readers.trial import READERS, read_trial

__all__ = ["READERS", "find_sources", "forms_from_tables", "forms_to_tables", "read_trial"]
