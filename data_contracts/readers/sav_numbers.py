"""The numbers of a .sav from its bytes, all at once: the library makes a Python object of each, which takes longest.

What is read here is held against the library cell by cell in the tests; text, labels and everything else stays
the library's. A packed file (.zsav), and a dictionary that is not plain, are left to it as well. Two things come
of it that the library does not tell: how many records there are, and which cells hold "not a number" itself.
Not here: anything but numbers (parse).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER = 176  # bytes before the dictionary
PACKING, BIAS = 72, 84  # where the header says whether small numbers take a byte, and what is added to them
END, FOLLOWS, SPACES, NOTHING = 252, 253, 254, 255  # codes of a packed row: the others are numbers, 0 is none
LARGEST = np.finfo(np.float64).max
ABSENT = (
    -LARGEST,
    np.nextafter(-LARGEST, 0),
    LARGEST,
)  # system-missing, LOWEST and HIGHEST, where not declared
FLOATS = 4  # the extension record that declares them
TOGETHER = 4096  # rows

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How the records lie in a file."""

    order: str  # of bytes: < or >
    is_number: Flags  # (segments,) of a row
    start: int  # where the records begin
    absent: tuple[float, ...]  # numbers that mean nothing is there
    bias: float | None  # what is added to a small number that takes a byte; None where every one takes eight


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The numbers of a file."""

    columns: Floats  # (variables, n_rows) in the file's order, NaN where nothing is there
    n_rows: int
    rest: int  # segments of a last record that is not whole
    strange: list[tuple[int, int]]  # variable and row, from 0, of cells that hold "not a number" itself


def read_layout(data: Any) -> Layout | None:
    """Return how a .sav's records lie; none where only the library can tell."""
    if data[:4] != b"$FL2":
        return None
    order = "<" if data[64] in {2, 3} else ">"
    try:
        is_number, start, absent = _dictionary(data, order)
        (packing,) = struct.unpack_from(f"{order}i", data, PACKING)
        (bias,) = struct.unpack_from(f"{order}d", data, BIAS)
    except (struct.error, ValueError, IndexError):
        return None
    if packing not in {0, 1} or not len(is_number):
        return None
    return Layout(order, is_number, start, absent, bias if packing else None)


def read_numbers(data: Any, layout: Layout) -> Numbers | None:
    """Return the numbers of a .sav; none where its records are cut within a block."""
    words = np.frombuffer(
        data, f"{layout.order}f8", offset=layout.start, count=(len(data) - layout.start) // 8
    )
    cells = words if layout.bias is None else _unpacked(words, layout.bias)
    if cells is None:
        return None
    width = len(layout.is_number)
    n_rows, rest = divmod(len(cells), width)
    columns = _columns(cells[: n_rows * width].reshape(n_rows, width), layout.is_number)
    strange = list(zip(*(found.tolist() for found in np.nonzero(np.isnan(columns))), strict=True))
    for absent in layout.absent:
        columns[columns == absent] = np.nan
    return Numbers(columns, n_rows, rest, strange)


def _columns(rows: Floats, is_number: Flags) -> Floats:
    """Return the numbers of all rows, a variable each; some rows at a time, for the processor's cache."""
    columns = np.empty((int(is_number.sum()), len(rows)))
    for first in range(0, len(rows), TOGETHER):
        columns[:, first : first + TOGETHER] = rows[first : first + TOGETHER, is_number].T
    return columns


def _unpacked(words: Floats, bias: float) -> Floats | None:
    """Return the cells of packed records: eight codes to a block, and after it the numbers they call for.

    Text among them is left as it stands; what comes after the code of the end is no cell. None where a block
    calls for more than there is.
    """
    codes = words.view(np.uint8).reshape(-1, 8)
    is_block = _blocks(codes)
    if is_block is None:
        return None
    used = codes[is_block].reshape(-1)
    ends = np.flatnonzero(used == END)
    used = used[: ends[0]] if len(ends) else used
    used = used[used != 0]
    cells: Floats = used.astype(np.float64) - bias
    follows = used == FOLLOWS
    cells[follows] = words[~is_block][: int(follows.sum())]
    cells[used == NOTHING] = -LARGEST
    return cells


def _blocks(codes: npt.NDArray[np.uint8]) -> Flags | None:
    """Return which words are blocks of codes: each tells how many words to the next."""
    steps = (1 + (codes == FOLLOWS).sum(axis=1, dtype=np.uint8)).tobytes()
    is_block, at, last = bytearray(len(steps)), 0, len(steps)
    while at < last:
        is_block[at] = 1
        at += steps[at]
    return np.frombuffer(is_block, dtype=bool) if at == last else None


def _dictionary(data: Any, order: str) -> tuple[Flags, int, tuple[float, ...]]:
    is_number, at, absent = list[bool](), HEADER, ABSENT
    for kind, body in _records(data, order):
        at = body
        if kind == 2:
            is_number.append(struct.unpack_from(f"{order}i", data, body)[0] == 0)
        elif kind == 7 and struct.unpack_from(f"{order}3i", data, body) == (FLOATS, 8, 3):
            absent = struct.unpack_from(f"{order}3d", data, body + 12)
    return np.array(is_number, dtype=bool), at + 4, absent


def _records(data: Any, order: str) -> Iterator[tuple[int, int]]:
    """Yield each record's kind and where its body begins, up to the one that ends the dictionary."""

    def integers(at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"{order}{count}i", data, at)

    at, kind = HEADER, 0
    while kind != 999:
        (kind,) = integers(at, 1)
        begun = at
        yield kind, at + 4
        if kind == 2:
            _, has_label, n_missing = integers(at + 4, 3)
            label = 4 + -(-integers(at + 32, 1)[0] // 4) * 4 if has_label else 0
            at += 32 + label + abs(n_missing) * 8
        elif kind == 3:
            at = _after_labels(data, at + 8, integers(at + 4, 1)[0])
        elif kind == 4:
            at += 8 + 4 * integers(at + 4, 1)[0]
        elif kind == 6:
            at += 8 + 80 * integers(at + 4, 1)[0]
        elif kind == 7:
            _, size, count = integers(at + 4, 3)
            at += 16 + size * count
        elif kind != 999:
            raise ValueError
        if at <= begun and kind != 999:  # a damaged length leads back
            raise ValueError


def _after_labels(data: Any, at: int, count: int) -> int:
    """Return where a record of value labels ends: each is a value, a length, and text filled up to eights."""
    for _ in range(count):
        at += 8 + (data[at + 8] + 8) // 8 * 8
    return at
