"""Every table of the demonstration trial's report as it stood when somebody last looked at it.

A change of a number, a word or a column shows in the files beside this test, where a reader sees it. After looking,
write them anew with `SNAPSHOTS=write pytest tests/pipeline/test_table_snapshots.py`.
"""

import os
from pathlib import Path

import pytest
from lxml import html

FOLDER = Path(__file__).parent / "table_snapshots"
WRITES = os.environ.get("SNAPSHOTS") == "write"
# What a run stamps: when, by whom, with which versions, and the hashes of files that hold a date of writing.
OF_THE_RUN = ("facts-table", "sources-table", "packages-table", "reproduce-table")


def said(cell):
    return " ".join(cell.text_content().split())


def as_text(table):
    """Return a table as text: caption, then a line per row, cells apart by a bar."""
    lines = [" | ".join(said(cell) for cell in line).rstrip() for line in table.iter("tr")]
    return "\n".join([said(table.find("caption")), "", *lines]) + "\n"


@pytest.fixture(scope="module")
def tables(home_of):
    """Return the tables of the report and of the open report, by name."""
    pages = home_of("demo") / "reports" / "demo"
    found = {}
    for page in (pages / "report.html", pages / "open" / "report-open.html"):
        tree = html.document_fromstring(page.read_text(encoding="utf-8"))
        prefix = "open." if page.parent.name == "open" else ""
        found |= {prefix + table.get("id"): as_text(table) for table in tree.iter("table")}
    return {name: text for name, text in found.items() if not name.endswith(OF_THE_RUN)}


def test_every_table_is_as_it_was(tables):
    """All differences at once: a table that is new, gone, or says something else."""
    if WRITES:
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob("*.txt"):
            old.unlink()
        for name, text in tables.items():
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    kept = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.txt")}
    assert sorted(kept) == sorted(tables)
    assert {name: text for name, text in tables.items() if text != kept[name]} == {}
