"""Every table of the demonstration trial's report as it stood when somebody last looked at it.

A change of a number, a word or a column shows in the files beside this test, where a reader sees it. After looking,
write them anew with `SNAPSHOTS=write pytest tests/pipeline/test_table_snapshots.py`; that run fails, so that no check
passes by writing.
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
        pytest.fail("written anew: look at what changed, and run it again without SNAPSHOTS")
    kept = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.txt")}
    assert sorted(kept) == sorted(tables)
    assert {name: text for name, text in tables.items() if text != kept[name]} == {}


def test_whoever_writes_them_anew_has_not_passed(monkeypatch, tmp_path):
    """Set where the checks run, the variable would make every change a good one."""
    monkeypatch.setitem(globals(), "FOLDER", tmp_path / "kept")
    monkeypatch.setitem(globals(), "WRITES", True)
    for text in ("as it was", "as it is"):
        with pytest.raises(pytest.fail.Exception, match="look at what changed"):
            test_every_table_is_as_it_was({"a-table": text})
        assert (tmp_path / "kept" / "a-table.txt").read_text() == text
    monkeypatch.setitem(globals(), "WRITES", False)
    test_every_table_is_as_it_was({"a-table": "as it is"})
