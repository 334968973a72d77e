"""Convert a column's cells by its contract; a cell that does not convert is listed, never guessed.

Not here: what a cell means (meaning), reading files, plausibility (suites).
"""

from dataclasses import replace
from typing import Any

from data_contracts.readers.convert_numbers import convert_numbers
from data_contracts.readers.convert_text import convert_text
from data_contracts.readers.raw import Cells, MissingCells, NumberCells, RawColumn
from data_contracts.readers.typed import Contract, TypedColumn, text_array


def convert(raw: RawColumn, contract: Contract) -> TypedColumn:
    """Return a file's column as its contract types it.

    Codes that the file declares missing are blank by then; their reasons are added here, for text and for
    numbers alike. Where contract and file both declare a code, the contract's reason stands.
    """
    cells = raw.cells
    typed = _converted(cells, contract)
    if cells.missing is None:
        return typed
    return replace(typed, reasons=_with_declared(typed.reasons, cells.missing, contract))


def _converted(cells: Cells, contract: Contract) -> TypedColumn:
    if isinstance(cells, NumberCells):
        return convert_numbers(cells, contract)
    return convert_text(cells, contract)


def _with_declared(reasons: Any | None, cells: MissingCells, contract: Contract) -> Any:
    """Return the reasons, and those of the cells whose code the file declares missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = contract.missing
    words = [
        missing.get(one.code, f"declared missing in the file: {one.label or one.code}") for one in cells.codes
    ]
    which = pa.array(cells.which, mask=np.asarray(cells.which) < 0)
    declared = pa.array(words, pa.large_string()).take(which)
    if reasons is None:
        return text_array(declared)
    return text_array(pc.coalesce(declared, pa.array(reasons, pa.large_string())))
