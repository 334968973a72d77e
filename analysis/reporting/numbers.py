"""Numbers as a reader sees them: digits, signs, intervals, p-values. Not here: choosing what to show."""

import math

MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
MOST_DECIMALS = 6


def number(value: float, decimals: int) -> str:
    """Return a number with a true minus sign and no negative zero; a dash when it is missing."""
    if math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    shown = f"{value:,.{decimals}f}"
    if float(shown.replace(",", "")) == 0:
        shown = shown.removeprefix("-")
    return shown.replace("-", MINUS)


def significant(value: float, digits: int) -> str:
    """Return a number to so many digits at most, whole ones in full, without zeros at the end."""
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    shown = number(value, min(max(decimals, 0), MOST_DECIMALS))
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def decimals_within(value: float, digits: int, most: int) -> int:
    """Return how many decimals a number may have that is known to so many digits, at most so many."""
    whole = math.floor(math.log10(abs(value))) + 1 if math.isfinite(value) and value else 0
    return min(max(digits - whole, 0), most)


def decimals_for(scale: float, *limits: float) -> int:
    """Return the decimals that show two digits of a standard error or deviation, at least one.

    A limit that isn't zero gets as many as it takes not to look like zero.
    """
    wanted = 1 if not math.isfinite(scale) or scale <= 0 else 1 - math.floor(math.log10(scale))
    decimals = min(max(wanted, 1), MOST_DECIMALS)
    close = [abs(limit) for limit in limits if math.isfinite(limit) and limit != 0]
    while decimals < MOST_DECIMALS and any(round(limit, decimals) == 0 for limit in close):
        decimals += 1
    return decimals


def interval(lower: float, upper: float, decimals: int) -> str:
    """Return limits as "(2.5 to 13.6)"."""
    if math.isnan(lower) or math.isnan(upper):
        return ABSENT
    return f"({number(lower, decimals)} to {number(upper, decimals)})"


def p_value(p: float) -> str:
    """Return a p-value to three decimals, "<0.001" below them."""
    if math.isnan(p):
        return ABSENT
    if p < 0.001:
        return "<0.001"
    return ">0.999" if p > 0.999 else f"{p:.3f}"


def p_clause(p: float) -> str:
    """Return "p = 0.005" or "p < 0.001"."""
    shown = p_value(p)
    return f"p {shown[0]} {shown[1:]}" if shown[0] in "<>" else f"p = {shown}"


def degrees_of_freedom(df: float) -> str:
    """Return degrees of freedom, whole ones without a decimal, infinite ones as such."""
    near_whole = math.isfinite(df) and abs(df - round(df)) < 0.05
    return number(df, 0 if near_whole else 1)


def level(confidence: float) -> str:
    """Return a confidence level such as "95%"."""
    return "95%" if math.isnan(confidence) else f"{100 * confidence:.4g}%"


def count_of(n: float, percent: float) -> str:
    """Return "40 (53%)"."""
    return number(n, 0) if math.isnan(percent) else f"{number(n, 0)} ({number(percent, 0)}%)"


def file_size(n_bytes: float) -> str:
    """Return a size such as "12.3 kB"."""
    if n_bytes < 1000:
        return f"{n_bytes:.0f} B"
    return f"{n_bytes / 1e3:,.1f} kB" if n_bytes < 1e6 else f"{n_bytes / 1e6:,.1f} MB"
