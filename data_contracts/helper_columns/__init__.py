"""Columns computed for a rule that takes more than one column to judge, by the rule's check.

To add one, write it in the file of its subject and name it there in `HELPERS`. Not here: the expectations on
them (expectations).
"""

from collections.abc import Mapping

from data_contracts.helper_columns import (
    cells,
    dates,
    participants,
    patterns,
    randomisation,
    totals,
    visits,
    written,
)
from data_contracts.helper_columns.helper import Helper

HELPERS: Mapping[str, Helper] = {
    **cells.HELPERS,
    **participants.HELPERS,
    **dates.HELPERS,
    **visits.HELPERS,
    **totals.HELPERS,
    **randomisation.HELPERS,
    **patterns.HELPERS,
    **written.HELPERS,
}
