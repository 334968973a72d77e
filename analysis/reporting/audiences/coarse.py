"""Neighbouring bins or months joined until none is small. Not here: counts that add up otherwise (small_cells)."""

from collections.abc import Iterable

Joined = list[tuple[tuple[str, ...], int]]  # the names joined, and their count


def joined(counted: Iterable[tuple[str, int]], threshold: int) -> Joined:
    """Return counts, in order, each 0 or at least the threshold; none when all together are fewer.

    A small count goes to the next one that is not empty; what is left over at the end goes to the last.
    """
    found: Joined = []
    names, total = tuple[str, ...](), 0
    for name, n in counted:
        if n == 0 and not total:
            found.append(((name,), 0))
            continue
        names, total = (*names, name), total + n
        if total >= threshold:
            found.append((names, total))
            names, total = tuple[str, ...](), 0
    return _with_rest(found, names, total)


def _with_rest(found: Joined, names: tuple[str, ...], total: int) -> Joined:
    if not total:
        return [*found, *(((name,), 0) for name in names)]
    at = next((i for i in range(len(found) - 1, -1, -1) if found[i][1]), None)
    if at is None:
        return []
    between = [name for own, _ in found[at:] for name in own]
    return [*found[:at], ((*between, *names), found[at][1] + total)]
