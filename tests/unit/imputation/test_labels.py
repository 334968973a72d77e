"""Every equation the code cites is on a page, and every label of the pages is there once."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
PAGES = ("reference_based_imputation.md", "standard_errors_of_imputation.md", "mmrm.md")
LABEL = re.compile(r"\[((?:RBI|SEI|MMRM)-\d+)\]")


def test_every_equation_the_code_cites_is_on_a_page():
    """A citation that leads nowhere is worse than none."""
    pages = [(REPO / "docs" / "methods" / name).read_text(encoding="utf-8") for name in PAGES]
    defined = {label for page in pages for label in re.findall(r"\*\*\[([A-Z]+-\d+)\]\*\*", page)}
    cited = {
        label
        for file in (REPO / "analysis" / "imputation").glob("*.py")
        for label in LABEL.findall(file.read_text(encoding="utf-8"))
    }
    assert len(cited) > 20
    assert cited <= defined


def test_labels_are_numbered_without_gaps():
    for name, prefix in (
        ("reference_based_imputation.md", "RBI"),
        ("standard_errors_of_imputation.md", "SEI"),
    ):
        page = (REPO / "docs" / "methods" / name).read_text(encoding="utf-8")
        numbers = [int(number) for number in re.findall(rf"\*\*\[{prefix}-(\d+)\]\*\*", page)]
        assert numbers == list(range(1, len(numbers) + 1))
