"""The code cites equations by label; each cited label is defined once in docs/methods."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LABEL = re.compile(r"\[((?:MMRM|KR|RE)-\d+)\]")


def test_every_cited_equation_is_defined_exactly_once():
    cited = {
        label
        for file in (ROOT / "analysis" / "mixed").rglob("*.py")
        for label in LABEL.findall(file.read_text())
    }
    pages = "\n".join(page.read_text() for page in (ROOT / "docs" / "methods").glob("*.md"))
    defined = re.findall(r"\*\*\[((?:MMRM|KR|RE)-\d+)\]\*\*", pages)
    assert cited - set(defined) == set()
    assert len(defined) == len(set(defined))
