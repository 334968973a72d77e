"""Which cells of a column of text mean what they say, and their values, found for a whole column at once.

A cell is plain only where judging it alone would give the same. Not here: cells that are not (meaning).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.readers.meaning import LARGEST_EXACT
from data_contracts.readers.raw import may_hold
from data_contracts.readers.typed import Contract

WHOLE = "^-?{digits}$"
FEW_DIGITS = "[0-9]{1,18}"  # less than 2 to the power 63
DIGITS = "[0-9]+"
GROUPED = "[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
NUMBER = "^[+-]?(?:(?:{digits})(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?$"
FIRST_SEEN, LAST_SEEN = 0x21, 0x7E  # the ASCII characters that no trimming removes
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Which cells are given and plain; their values are anything where they are not."""

    is_given: Flags  # (n,)
    is_plain: Flags  # (n,) among the given
    values: Any = None  # (n,) numpy array of numbers, to be written to; None for text, its own value


def plain_none(array: pa.Array, _contract: Contract, _missing: Mapping[str, str]) -> Plain:
    """Return that each cell is to be judged."""
    is_given = _is_given(array)
    return Plain(is_given, np.zeros(len(array), dtype=bool))


def plain_words(array: pa.Array, contract: Contract, missing: Mapping[str, str]) -> Plain:
    """Return the cells that begin and end with a seen ASCII character, and are no code of the contract."""
    is_given = _is_given(array)
    is_plain = is_given & _is_seen_at_both_ends(array)
    codes = [*missing, *contract.spellings]
    if codes:
        is_plain &= ~_numpy(pc.is_in(array, pa.array(codes, array.type)))
    return Plain(is_given, is_plain)


def plain_integers(array: pa.Array, contract: Contract, missing: Mapping[str, str]) -> Plain:
    """Return the cells that are whole numbers below 10 to the power 18, and no missing code."""
    is_given = _is_given(array)
    is_hex = may_hold(array, "x") or may_hold(array, "X")  # 0x10 would be 16
    cast = None if is_hex else _cast(array, pa.int64())
    if cast is None:
        digits = _digits(contract.thousands, FEW_DIGITS)
        cast = _cast(_without(array, WHOLE.format(digits=digits), contract.thousands), pa.int64())
    if cast is None:  # thousands of more digits than a whole number holds
        return _none_of(is_given, np.int64)
    values = _values(cast, np.int64)
    still = is_given if cast.null_count == array.null_count else _is_given(cast)
    is_plain = still & (values != np.iinfo(np.int64).min)  # it has no opposite
    return Plain(is_given, is_plain & ~_is_code(values, contract, missing), values)


def plain_numbers(array: pa.Array, contract: Contract, missing: Mapping[str, str]) -> Plain:
    """Return the cells that are finite numbers other than zero, and no missing code.

    A zero is judged: it may be what is left of a number too small for a computer.
    """
    is_given = _is_given(array)
    cast = _cast(array, pa.float64()) if contract.decimal == "." else None
    if cast is None:
        pattern = NUMBER.format(
            digits=_digits(contract.thousands, DIGITS), decimal=re.escape(contract.decimal)
        )
        plain = _without(array, pattern, contract.thousands)
        cast = _cast(pc.replace_substring(plain, contract.decimal, "."), pa.float64())
    if cast is None:
        return _none_of(is_given, np.float64)
    values = _values(cast, np.float64)
    is_plain = is_given & np.isfinite(values) & (values != 0)
    return Plain(is_given, is_plain & ~_is_code(values, contract, missing), values)


def _is_given(array: pa.Array) -> Flags:
    valid = array.buffers()[0]
    if valid is None or not array.null_count:
        return np.ones(len(array), dtype=bool)
    bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
    return bits[array.offset :][: len(array)].view(bool)


def _numpy(array: Any) -> Any:
    return array.to_numpy(zero_copy_only=False)


def _none_of(is_given: Flags, kind: type[np.number[Any]]) -> Plain:
    return Plain(is_given, np.zeros(len(is_given), dtype=bool), np.zeros(len(is_given), dtype=kind))


def _values(cast: pa.Array, kind: type[np.number[Any]]) -> Any:
    """Return a cast array's own numbers, to be written to: the array is nobody else's."""
    return np.frombuffer(cast.buffers()[1], dtype=kind)[cast.offset :][: len(cast)]


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    try:
        return array.cast(kind)
    except pa.ArrowInvalid:
        return None


def _without(array: pa.Array, pattern: str, thousands: str) -> pa.Array:
    """Return the cells of a pattern without their thousands marks, nothing in place of the others."""
    plain = pc.if_else(pc.match_substring_regex(array, pattern), array, None)
    return pc.replace_substring(plain, thousands, "") if thousands else plain


def _digits(thousands: str, digits: str) -> str:
    return f"(?:{GROUPED.format(mark=re.escape(thousands))}|{digits})" if thousands else digits


def _is_code(values: Any, contract: Contract, missing: Mapping[str, str]) -> Flags:
    """Return which numbers a missing code may be meant by: these are judged as they are written."""
    plain = {code.replace(contract.thousands, "").replace(contract.decimal, ".") for code in missing}
    numbers = {number for number in map(_float_or_nan, {*missing, *plain}) if np.isfinite(number)}
    is_code = np.zeros(len(values), dtype=bool)
    for number in numbers:
        # A float beside whole numbers would make floats of all of them.
        is_small = number.is_integer() and abs(number) < LARGEST_EXACT
        is_code |= values == (int(number) if is_small else number)
    return is_code


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _is_seen_at_both_ends(array: pa.Array) -> Flags:
    """Return which cells have something to be seen at both ends, so that there is nothing to trim."""
    _, ends, data = array.buffers()
    if data is None or not data.size:
        return np.zeros(len(array), dtype=bool)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    offsets: npt.NDArray[Any] = np.frombuffer(ends, dtype=width)[: len(array) + 1]
    held: npt.NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
    first = held[np.minimum(offsets[:-1], len(held) - 1)]
    last = held[np.maximum(offsets[1:] - 1, 0)]
    is_seen = (first >= FIRST_SEEN) & (first <= LAST_SEEN) & (last >= FIRST_SEEN) & (last <= LAST_SEEN)
    return np.asarray(is_seen & (np.diff(offsets) > 0))
