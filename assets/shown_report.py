"""What the report's materialisation shows in Dagster: its first sentence, table and figure, and where its pages are.

Not here: the pages (analysis.reporting), writing them (report).
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import shown
from data_contracts.standing import SHUFFLED

if TYPE_CHECKING:
    from analysis.reporting.report import Report, Section
    from analysis.reporting.table import Cell, Table
    from data_contracts.spec import Trial

MOST = 999  # characters: what is longer Dagster hides behind a button
PRIMARY = "primary"  # the section with the primary comparison and its figure
SAFE = str.maketrans({"|": "\\|", "\n": " ", "<": "&lt;", ">": "&gt;"})


def report_shown(
    report: "Report", trial: "Trial", pages: Mapping[str, str]
) -> dict[str, dg.MarkdownMetadataValue]:
    """Return what a statistician wants to see without leaving Dagster's pages.

    In entries of their own, since Dagster hides a long one, such as the whole figure, behind a button.

    Args:
        report: The report, of the final audience.
        trial: Its trial.
        pages: Text -> address of the report's pages and of the index, where `srt ui` serves them.
    """
    primary = next((section for section in report.sections if section.name == PRIMARY), None)
    entries = dict(_headlines(report))
    if table := _first(primary, "table"):
        entries["primary comparison"] = dg.MetadataValue.md(table_markdown(table))
    if small := _miniature(report, trial):
        entries["primary difference"] = dg.MetadataValue.md(small)
    if figure := _first(primary, "picture"):
        entries["adjusted means"] = shown.picture(figure.png, figure.title)
    links = " · ".join(f"[{text}]({address})" for text, address in pages.items())
    return {**entries, "pages": dg.MetadataValue.md(f"{links}\n\nServed by `srt ui`.")}


def _headlines(report: "Report") -> Iterator[tuple[str, dg.MarkdownMetadataValue]]:
    """Yield the marks and the sentence of each comparison; what goes with them apart, where it would hide them."""
    marks = [f"**{mark.translate(SAFE)}**" for mark in report.marks.values()]
    said = [(f"**{one.sentence.translate(SAFE)}**", one.detail.translate(SAFE)) for one in report.headlines]
    whole = "\n\n".join([*marks, *(f"{sentence} {detail}" for sentence, detail in said)])
    if len(whole) <= MOST:
        yield "headline", dg.MetadataValue.md(whole)
        return
    yield "headline", dg.MetadataValue.md("\n\n".join([*marks, *(sentence for sentence, _ in said)]))
    yield "headline, in detail", dg.MetadataValue.md("\n\n".join(filter(None, (d for _, d in said))))


def _miniature(report: "Report", trial: "Trial") -> str:
    """Return the primary differences as a small picture in Markdown; "" where there is none, or it isn't small."""
    from analysis.reporting.figures.miniature import miniature

    found = [one.estimate for one in report.headlines if one.estimate is not None]
    svg = miniature(found, trial, is_shuffled=SHUFFLED in report.marks)
    text = f"![Primary difference, interval](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
    return text if svg and len(text) <= MOST else ""


def table_markdown(table: "Table") -> str:
    """Return a table's primary rows as Markdown, each as a column: upright it fits the narrow place Dagster has."""
    primary = [row for group in table.groups for row in group.rows if row.mark == "primary"]
    names = [" ".join(filter(None, (column.label, column.detail))) for column in table.columns]
    columns = [names, *(list(_cells(row.cells)) for row in primary)]
    header, *body = map(_line, zip(*columns, strict=True))
    return "\n".join([header, _line(["---"] * len(columns)), *body])


def _cells(cells: "Iterable[Cell]") -> Iterator[str]:
    for cell in cells:
        yield " ".join(filter(None, (cell.text, cell.detail)))
        yield from [""] * (cell.span - 1)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.translate(SAFE) for cell in cells) + " |"


def _first(section: "Section | None", kind: str) -> Any:
    """Return a section's first block of a kind; None without one."""
    return next((block for block in (section.blocks if section else ()) if block.kind == kind), None)


def links_of(report: Path, pages: str) -> dict[str, str]:
    """Return the addresses of a trial's pages that are there, and of the index.

    Args:
        report: The path of the report's page; the others lie beside and below it.
        pages: The address at which the folder above is served.
    """
    folder = report.parent
    word = report.with_suffix(".docx").name
    wanted = {
        "Report": report.name,
        "Report (Word)": word,
        "Open report": "open/report-open.html",
        "Validation report": "validation/index.html",
    }
    found = {
        text: f"{pages}/{folder.name}/{name}" for text, name in wanted.items() if (folder / name).is_file()
    }
    return {**found, "Index of trials": f"{pages}/"}
