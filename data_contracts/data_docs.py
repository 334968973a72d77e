"""Validation pages (Data Docs) that need no network: layout, style, and publishing them as one folder.

Not here: the tables in them, which Great Expectations draws (judge).
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import StorageError
from data_contracts.rules import Finding
from data_contracts.spec import Form, Severity, Trial

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = Path(__file__).parent / "docs_assets"
TITLES: Mapping[str, str] = {
    "schema": "Columns and records",
    "key": "Keys",
    "completeness": "Required values",
    "type": "Types",
    "code": "Codes",
    "range": "Ranges",
    "reference": "References between forms",
    "visit": "Visits",
    "date": "Order of dates",
    "arithmetic": "Totals",
    "allocation": "Allocation",
    "randomisation": "Randomisation list",
    "eligibility": "Eligibility at entry",
    "text": "Free text",
    "pattern": "Copied or empty",
    "written": "Rules of this trial",
}


@dataclass(frozen=True, slots=True, eq=False)
class FormPage:
    """What a form's page shows."""

    form: Form
    n_rows: int
    findings: tuple[Finding, ...]
    tables: Mapping[str, str]  # dimension -> HTML

    @property
    def n_rules(self) -> int:
        """Return how many rules the form was judged by."""
        return len(self.findings)

    def failed(self, severity: Severity | None = None) -> int:
        """Return how many rules failed, of a severity or of all; one that gave an error is critical."""
        failed = [f for f in self.findings if not f.passed]
        return sum(severity in {None, "critical" if f.error else f.rule.severity} for f in failed)

    def failed_in(self, dimension: str) -> int:
        """Return how many rules of a dimension failed."""
        return sum(not f.passed and f.rule.dimension == dimension for f in self.findings)


def write_docs(pages: Sequence[FormPage], trial: Trial, docs: Path) -> None:
    """Write index.html and a page per form; whoever reads meanwhile sees the old pages or the new ones.

    Raises:
        StorageError: the folder can't be written.
    """
    templates, shared = _templates(), {"trial": trial, "pages": pages, "titles": TITLES}
    files = {"index.html": templates.get_template("index.html.j2").render(**shared)}
    for page in pages:
        files[f"{page.form.name}.html"] = templates.get_template("form.html.j2").render(**shared, page=page)
    try:
        _publish(files, docs)
    except OSError as error:
        raise StorageError(f"The validation pages can't be written to {docs}: {error.strerror}.") from error


def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment


def _publish(files: Mapping[str, str], docs: Path) -> None:
    """Put the files in a folder beside `docs`, then change places; a crash leaves one of the two whole."""
    fresh, old = (docs.with_name(f".{docs.name}.{name}") for name in ("new", "old"))
    docs.parent.mkdir(parents=True, exist_ok=True)
    if old.exists() and not docs.exists():  # a crash between the two renames below
        old.rename(docs)
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    try:
        fresh.mkdir()
        for name, text in files.items():
            _write_whole(fresh / name, text)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)  # a full disk needs the room
        raise
    if docs.exists():
        docs.rename(old)
    fresh.rename(docs)
    shutil.rmtree(old, ignore_errors=True)


def _write_whole(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
