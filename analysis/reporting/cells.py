"""Cells that several tables show: a count, a share, a mean, a median. Not here: which rows they are of (tables)."""

from analysis.reporting import numbers
from analysis.reporting.estimates import Estimate
from analysis.reporting.table import Cell, sources


def absent() -> Cell:
    """Return the dash that stands where there is no number."""
    return Cell(numbers.ABSENT)


def count_cell(found: Estimate | None) -> Cell:
    """Return a whole number; a dash without one."""
    return absent() if found is None else Cell(numbers.number(found.value, 0), found.key)


def n_cell(found: Estimate | None) -> Cell:
    """Return how many a number is of; a dash where that isn't known."""
    return absent() if found is None or found.n is None else Cell(str(found.n), found.key)


def share_cell(count: Estimate | None, percent: Estimate | None) -> Cell:
    """Return "40 (53%)", or the count alone; a dash without one."""
    if count is None or percent is None:
        return count_cell(count)
    return Cell(numbers.count_of(count.value, percent.value), sources(count.key, percent.key))


def mean_cell(mean: Estimate | None, sd: Estimate | None) -> Cell:
    """Return "12.3 (4.5)", a mean with its SD; a dash without either."""
    if mean is None or sd is None:
        return absent()
    decimals = numbers.decimals_for(sd.value)
    shown = f"{numbers.number(mean.value, decimals)} ({numbers.number(sd.value, decimals)})"
    return Cell(shown, sources(mean.key, sd.key))


def median_cell(
    median: Estimate | None, lower: Estimate | None, upper: Estimate | None, sd: Estimate | None
) -> Cell:
    """Return "12.0 (8.0 to 15.5)", a median with its quartiles, as exact as the SD asks for; a dash without one."""
    if median is None or lower is None or upper is None:
        return absent()
    decimals = numbers.decimals_for(sd.value if sd else float("nan"))
    limits = numbers.interval(lower.value, upper.value, decimals)
    return Cell(
        f"{numbers.number(median.value, decimals)} {limits}", sources(median.key, lower.key, upper.key)
    )
