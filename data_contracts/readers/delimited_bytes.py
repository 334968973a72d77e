"""Whether a delimited file's bytes are sound, at the speed of memory: quotes, line ends, zeros.

Quotes are sound when each one that opens stands at the start of a field, and each one that closes at its end or
before its double. A parser that swallows rows after an unclosed quote can't then: what it takes for the end of
a field is one. Not here: what to say of an unsound file (delimited_lines).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np
import numpy.typing as npt

CHUNK = 2**19  # bytes; as much as a processor keeps at hand, with what is found in it
QUOTE, LINE_FEED, RETURN = b'"'[0], b"\n"[0], b"\r"[0]
Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Part = TypeVar("Part")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, eq=False)
class Soundness:
    """What the bytes of a file are like; positions count from 0."""

    n_quotes: int
    odd_quote: int | None  # first quote that is neither around a field nor doubled in one
    lone_return: int | None  # first carriage return that ends no line of Windows and is in no quotes
    lines_within: bool  # some line ends within quotes
    ends_well: bool  # with a line end, and no NUL before it

    @property
    def is_sound(self) -> bool:
        """Return whether the file can be cut into fields in one way only, whatever its parser."""
        closed = self.n_quotes % 2 == 0 and self.odd_quote is None
        return closed and self.lone_return is None and self.ends_well


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Where a part of a file starts, and how many quotes stand before it."""

    start: int
    n_before: int


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the quotes of a part are like."""

    odd_quote: int | None
    lines_within: bool


def soundness_of(data: bytes, delimiter: str) -> Soundness:
    """Return what the bytes of a file are like.

    Args:
        data: The file in UTF-8.
        delimiter: The mark between fields, one byte.
    """
    has_quotes, has_returns, mark = b'"' in data, b"\r" in data, delimiter.encode()[0]
    view, starts = np.frombuffer(data, dtype=np.uint8), range(0, len(data), CHUNK)
    counts = _over(starts, lambda start: _count(view, start, QUOTE)) if has_quotes else [0] * len(starts)
    parts = [_Part(*one) for one in zip(starts, accumulate(counts, initial=0), strict=False)]
    looks = _over(parts, lambda part: _look_at_quotes(view, part, mark)) if has_quotes else []
    lone = _over(parts, lambda part: _lone_return(view, part)) if has_returns else []
    ends_well = data.endswith(b"\n") and b"\0" not in data
    return Soundness(
        n_quotes=sum(counts),
        odd_quote=_first(look.odd_quote for look in looks),
        lone_return=_first(lone),
        lines_within=any(look.lines_within for look in looks),
        ends_well=ends_well,
    )


def _over(parts: Sequence[Part], look: Callable[[Part], Found]) -> list[Found]:
    """Look at a file part by part, two at a time: numpy lets go of the interpreter while it compares."""
    from concurrent.futures import ThreadPoolExecutor

    if len(parts) == 1:
        return [look(parts[0])]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(look, parts))


def _first(positions: Iterable[int | None]) -> int | None:
    return next((position for position in positions if position is not None), None)


def _count(view: Bytes, start: int, byte: int) -> int:
    return int(np.count_nonzero(view[start : start + CHUNK] == byte))


def _where(view: Bytes, start: int, byte: int) -> Positions:
    return np.flatnonzero(view[start : start + CHUNK] == byte) + start


def _look_at_quotes(view: Bytes, part: _Part, mark: int) -> _Look:
    quotes = _where(view, part.start, QUOTE)
    ends = _where(view, part.start, LINE_FEED)
    n_before = part.n_before + np.searchsorted(quotes, ends)
    return _Look(_odd_quote(view, quotes, part.n_before % 2, mark), bool((n_before % 2).any()))


def _odd_quote(view: Bytes, quotes: Positions, first: int, mark: int) -> int | None:
    opening, closing = quotes[first::2], quotes[1 - first :: 2]
    before = view[np.maximum(opening - 1, 0)]
    after = view[np.minimum(closing + 1, len(view) - 1)]
    starts = (before == mark) | (before == LINE_FEED) | (before == QUOTE)
    ends = (after == mark) | (after == LINE_FEED) | (after == QUOTE) | (after == RETURN)
    if starts.all() and ends.all():
        return None
    odd = np.concatenate([opening[~starts & (opening > 0)], closing[~ends]])
    return int(odd.min()) if odd.size else None


def _lone_return(view: Bytes, part: _Part) -> int | None:
    returns = _where(view, part.start, RETURN)
    lone = returns[view[np.minimum(returns + 1, len(view) - 1)] != LINE_FEED]
    if not lone.size:
        return None
    n_before = part.n_before + np.searchsorted(_where(view, part.start, QUOTE), lone)
    outside = lone[n_before % 2 == 0]
    return int(outside[0]) if outside.size else None
