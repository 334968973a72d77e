"""Counts and days as a sentence has them. Not here: numbers in tables (reporting.numbers)."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from analysis.reporting import numbers


def counted(n: int, one: str, several: str = "") -> str:
    """Return "1 record" or "2,300 records"."""
    return f"{numbers.number(n, 0)} {one if n == 1 else several or one + 's'}"


def listed(parts: Sequence[str], most: int = 6) -> str:
    """Return "a, b and c"; of many, the first and how many more."""
    shown = list(parts)
    if len(shown) > most:
        shown = [*shown[:most], f"{len(parts) - most} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def day(moment: datetime, zone: tzinfo) -> str:
    """Return a day such as "3 May 2026", where the trial is."""
    there = moment.astimezone(zone)
    return f"{there.day} {there:%B %Y}"


def short_day(moment: datetime, zone: tzinfo) -> str:
    """Return a day such as "3 May", where the trial is."""
    there = moment.astimezone(zone)
    return f"{there.day} {there:%b}"


def moment(time: datetime, zone: tzinfo) -> str:
    """Return a time such as "3 May 2026, 02:00 BST", where the trial is."""
    there = time.astimezone(zone)
    return f"{day(time, zone)}, {there:%H:%M %Z}"
