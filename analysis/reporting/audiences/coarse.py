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


def ends_joined(found: Joined) -> Joined:
    """Return the same with empty ones before the first that is not, and after the last, taken into those two.

    Where they begin and end would tell the extremes.
    """
    full = [at for at, (_, n) in enumerate(found) if n]
    if not full:
        return found
    first, last = full[0], full[-1]
    before = tuple(name for own, _ in found[:first] for name in own)
    after = tuple(name for own, _ in found[last + 1 :] for name in own)
    inner = found[first : last + 1]
    inner[0] = ((*before, *inner[0][0]), inner[0][1])
    inner[-1] = ((*inner[-1][0], *after), inner[-1][1])
    return inner
