"""Cells that people open in a spreadsheet. Not here: files that programs read back (csv, sav)."""

# What makes Excel, LibreOffice and others take a cell for a formula.
OPENINGS = ("=", "+", "-", "@", "\t", "\r")


def neutralised(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before what looks like one.

    For text alone; a number is written as one, minus sign and all.
    """
    return f"'{text}" if text.startswith(OPENINGS) else text
