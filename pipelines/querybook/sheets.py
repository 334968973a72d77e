"""Queries as CSV and as a spreadsheet for the sites, with a column to answer in. Not here: taking answers (answers).

Cells are written as text and never as formulas; of text that looks like one, an apostrophe is seen first.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts.writers.cells import neutralised

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# heading -> (column of the listing, width in characters); `answer` is left for the site
COLUMNS: Mapping[str, tuple[str, int]] = {
    "query_id": ("query_id", 15),
    "severity": ("severity", 10),
    "status now": ("status", 11),
    "overdue": ("overdue", 9),
    "site": ("site", 14),
    "participant": ("participant", 14),
    "visit": ("visit", 11),
    "form": ("form", 16),
    "field": ("field", 20),
    "value": ("value", 18),
    "question": ("message", 60),
    "answer": ("", 40),
    "last answer": ("answer", 30),
    "note": ("note", 30),
    "owner": ("owner", 16),
    "first seen": ("first_seen", 12),
    "last seen": ("last_seen", 12),
    "days": ("age_days", 7),
    "rule": ("rule", 34),
}
ANSWER = list(COLUMNS).index("answer")
WRAPPED = ("value", "question", "answer", "last answer", "note")
COLOURS = {
    "critical": ("#F8D7DA", "#7A1020"),
    "warning": ("#FFF0C2", "#6B4A00"),
    "info": ("#E3ECF7", "#1F3F66"),
}
NO_SITE = "no site"
LONGEST_TITLE = 31  # characters of a sheet's name
LONGEST_CELL = 32_000
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
NOT_IN_FILES = re.compile(r"[^\w.-]+")


def csv_bytes(queries: "pd.DataFrame") -> bytes:
    """Return the queries as CSV (UTF-8 with a mark, which spreadsheets look for)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(queries))
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(queries: "pd.DataFrame", title: str, made: datetime) -> bytes:
    """Return the queries as a workbook, a sheet per site.

    Args:
        queries: (n, listing.COLUMNS).
        title: What stands in the workbook's properties.
        made: When, UTC.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": title, "created": made.replace(tzinfo=None)})
        looks = _looks(book)
        for sheet, part in by_site(queries, sheet_titles).items():
            _fill(book.add_worksheet(sheet), list(_rows(part)), looks)
    return buffer.getvalue()


def by_site(queries: "pd.DataFrame", name_all: Any) -> "Mapping[str, pd.DataFrame]":
    """Return the queries of each site under a name of its own; one empty part where there is no query."""
    sites = sorted(queries["site"].unique()) or [""]
    names = name_all([site or NO_SITE for site in sites])
    return {name: queries[queries["site"] == site] for name, site in zip(names, sites, strict=True)}


def sheet_titles(sites: Sequence[str]) -> list[str]:
    """Return a sheet's name for each site: without what Excel forbids, short enough, each once."""
    return _unlike(
        [FORBIDDEN.sub("_", site).strip("' ")[:LONGEST_TITLE] or NO_SITE for site in sites], LONGEST_TITLE
    )


def file_stems(sites: Sequence[str]) -> list[str]:
    """Return a file's name, less its ending, for each site: no path in it, each once."""
    return _unlike([NOT_IN_FILES.sub("_", site).strip("._")[:80] or NO_SITE for site in sites], 80)


def write_by_site(queries: "pd.DataFrame", folder: Path, title: str, made: datetime) -> "dict[Path, bytes]":
    """Return a workbook for each site, by the path it belongs at."""
    return {
        folder / f"{stem}.xlsx": xlsx_bytes(part, f"{title}, {stem}", made)
        for stem, part in by_site(queries, file_stems).items()
    }


def _unlike(names: Sequence[str], longest: int) -> list[str]:
    """Return the names, those that differ in case only or not at all told apart by a number."""
    given: list[str] = []
    for name in names:
        new, number = name, 2
        while new.lower() in {one.lower() for one in given} or new.lower() == "history":  # Excel's own
            tail = f" {number}"
            new, number = name[: longest - len(tail)] + tail, number + 1
        given.append(new)
    return given


def _rows(queries: "pd.DataFrame") -> list[list[Any]]:
    columns = [queries[name].tolist() if name else [""] * len(queries) for name, _ in COLUMNS.values()]
    return [[_cell(value) for value in record] for record in zip(*columns, strict=True)]


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "overdue" if value else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return neutralised(value)[:LONGEST_CELL] if isinstance(value, str) else value


def _looks(book: "Workbook") -> "Mapping[tuple[str, bool, bool], Format]":
    """Return how a cell looks by its severity (or ""), whether it wraps, and whether it may be written into."""
    plain = {"valign": "top", "font_size": 10}
    looks = {}
    for name, (fill, ink) in {**COLOURS, "": ("", "")}.items():
        for wraps in (False, True):
            for free in (False, True):
                more = {"bg_color": fill, "font_color": ink, "bold": True} if fill else {}
                look = {**plain, "text_wrap": wraps, "locked": not free, **more}
                looks[name, wraps, free] = book.add_format(look)
    head = {
        "bold": True,
        "bg_color": "#2F4858",
        "font_color": "#FFFFFF",
        "valign": "vcenter",
        "text_wrap": True,
    }
    looks["head", False, False] = book.add_format(head)
    return looks


def _fill(
    sheet: "Worksheet", rows: list[list[Any]], looks: "Mapping[tuple[str, bool, bool], Format]"
) -> None:
    """Write a sheet: the head stays in sight, rows can be sorted out, only answers can be written."""
    for column, (heading, (_, width)) in enumerate(COLUMNS.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, heading, looks["head", False, False])
    for number, row in enumerate(rows, start=1):
        for column, (heading, value) in enumerate(zip(COLUMNS, row, strict=True)):
            severity = value if heading == "severity" and value in COLOURS else ""
            look = looks[severity, heading in WRAPPED, column == ANSWER]
            (sheet.write_string if isinstance(value, str) else sheet.write_number)(
                number, column, value, look
            )
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
