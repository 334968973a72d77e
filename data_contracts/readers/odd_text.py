"""Text that is readable and yet not right: encoded twice, or with characters that nobody sees.

It is told of, and left as it is. Not here: what surrounds a cell, which is trimmed (meaning).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.readers.meaning import INVISIBLE
from data_contracts.readers.raw import RawColumn, TextCells, is_encoded_twice

UNSEEN = INVISIBLE + "\u00a0\u202f\u00ad"  # with no-break spaces and the soft hyphen
WITHIN = (
    rf"[^\s{UNSEEN}][\s{UNSEEN}]*[{UNSEEN}][\s{UNSEEN}]*[^\s{UNSEEN}]"  # those around a value are trimmed
)
# What the bytes of one UTF-8 character look like, each read as a character of its own.
FOLLOWING = bytes(range(0x80, 0xC0)).decode("cp1252", "ignore") + "".join(map(chr, range(0x80, 0xA0)))
TWICE = f"[\u00c2-\u00f4][{FOLLOWING}]"


def odd_text_notes(columns: Mapping[str, RawColumn]) -> list[str]:
    """Return a note for each column that holds odd text, with the number of cells."""
    return [note for column in columns.values() for note in _of_column(column)]


def _of_column(column: RawColumn) -> Iterator[str]:
    cells = column.cells
    if not isinstance(cells, TextCells) or _is_ascii(cells.array):
        return
    accented = cells.array.filter(pc.invert(pc.string_is_ascii(cells.array))).value_counts()
    texts, counts = accented.field("values"), accented.field("counts")
    twice = TextCells(texts.filter(pc.match_substring_regex(texts, TWICE)))
    if any(is_encoded_twice(twice, single) for single in ("cp1252", "latin-1")):
        yield f"{column.name}: text that was encoded twice before it was exported; accents are garbled."
    unseen = pc.sum(counts.filter(pc.match_substring_regex(texts, WITHIN))).as_py() or 0
    if unseen:
        values = f"{unseen} value" + ("s hold" if unseen > 1 else " holds")
        yield f"{column.name}: {values} a no-break space or a character of no width inside."


def _is_ascii(array: Any) -> bool:
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return all(_bytes_of(chunk).max(initial=0) < 128 for chunk in chunks)


def _bytes_of(chunk: Any) -> Any:
    data = chunk.buffers()[2]
    return np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
