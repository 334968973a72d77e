"""A report as a Word document: its sections in order, on upright pages or on their side. Not here: what it says."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from analysis.reporting import word_xml as xml
from analysis.reporting.report import Block, FlowChart, Paragraph, Picture, Report, Section
from analysis.reporting.table import Table
from analysis.reporting.word_flow import flow_table
from analysis.reporting.word_package import (
    describe,
    fill,
    furnish,
    new_document,
    packed,
    section_end,
    text_width,
)
from analysis.reporting.word_table import is_wide, word_table
from data_contracts.standing import SHUFFLED

if TYPE_CHECKING:
    from docx.document import Document

SAID_OF = {
    "final": "Trial report, final: by arm",
    "open": "Trial report, open: arms pooled",
    "closed": "Trial report, closed: by coded arm. Confidential to the data monitoring committee",
}
SYNTHETIC = "Synthetic data: these participants were simulated. Nothing here says anything about a therapy."
SHUFFLED_VERDICT = "Allocation shuffled"
VERDICTS = {
    "better": "Better than the reference",
    "worse": "Worse than the reference",
    "no clear difference": "No clear difference",
    "not estimable": "Not estimable",
}
TALLEST = 17 * xml.EMU_PER_CM  # of a picture, so that its caption stands on the same page
STYLES = {"": "Normal", "notes": "Notes", "warning": "Warning"}
Way = Literal["upright", "on its side", "either"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A heading or a block of the report, and the page it needs."""

    block: Block | str
    way: Way


@dataclass(slots=True)
class _Writer:
    """What is numbered through the document, and where its pictures are kept."""

    document: "Document"
    numbers: dict[str, int] = field(default_factory=lambda: {"Heading": 0, "Table": 0, "Figure": 0})

    def next(self, kind: str) -> int:
        self.numbers[kind] += 1
        return self.numbers[kind]


def render_word(report: Report) -> bytes:
    """Return the report as the bytes of a .docx file; the same report gives the same bytes."""
    document = new_document()
    marks = [*report.marks.values(), *([SYNTHETIC] if report.is_synthetic else [])]
    describe(document, report.title, " ".join([*marks, SAID_OF[report.audience]]))
    references = furnish(document, marks, SAID_OF[report.audience], report.title)
    writer = _Writer(document)
    front = _front(report, writer)
    parts = [(False, front), *_parts(report, writer)]
    fill(document.element.body, _joined(parts, references))
    return packed(document)


def _joined(parts: list[tuple[bool, str]], references: str) -> str:
    """Return the parts as sections of the document; the last one's properties end its body."""
    ends = [section_end(references, is_wide=wide) for wide, _ in parts]
    between = [xml.paragraph("", "SectionEnd", before=end) for end in ends[:-1]]
    return "".join(text + end for (_, text), end in zip(parts, [*between, ends[-1]], strict=True))


def _front(report: Report, writer: _Writer) -> str:
    """Return the first page: what it is, its result, its contents."""
    warnings = [*report.marks.values(), *([SYNTHETIC] if report.is_synthetic else [])]
    first = "Result" if report.headlines else "Key figures"
    titles = [first, *(section.title for section in report.sections)]
    return "".join(
        (
            xml.paragraph(xml.run(report.title), "Title"),
            xml.paragraph(
                xml.run(" · ".join(filter(None, (SAID_OF[report.audience], report.registration)))), "Subtitle"
            ),
            xml.paragraph(xml.run(report.description)),
            *(xml.paragraph(xml.run(text, bold=True), "Warning") for text in warnings),
            xml.heading(first, writer.next("Heading")),
            *_results(report),
            xml.paragraph(xml.run("Contents"), "TOCHeading"),
            xml.contents(titles),
        )
    )


def _results(report: Report) -> Iterator[str]:
    for headline in report.headlines:
        verdict = SHUFFLED_VERDICT if SHUFFLED in report.marks else VERDICTS[headline.verdict]
        yield xml.paragraph(xml.run(verdict), "Verdict")
        yield xml.paragraph(xml.run(headline.sentence), "Headline")
        if headline.detail:
            yield xml.paragraph(xml.run(headline.detail))
    if report.key_figures:
        yield xml.paragraph(xml.run(" · ".join(f"{n} {name}" for name, n in report.key_figures), "Quiet"))


def _parts(report: Report, writer: _Writer) -> Iterator[tuple[bool, str]]:
    """Yield the report's text in runs of pages that stand the same way: whether on their side, and the text."""
    pieces = [piece for section in report.sections for piece in _pieces(section)]
    for wide, run in groupby(pieces, key=lambda piece: piece.way == "on its side"):
        width = text_width(is_wide=wide)
        yield wide, "".join(_text(piece.block, writer, width) for piece in run)


def _pieces(section: Section) -> list[Piece]:
    """Return a section's heading and blocks; what can stand either way stands as what follows it does."""
    blocks: tuple[Block | str, ...] = (section.title, *section.blocks)
    ways = [_way(block) for block in blocks]
    for at in reversed(range(len(ways) - 1)):
        if ways[at] == "either":
            ways[at] = ways[at + 1]
    for at in range(1, len(ways)):
        if ways[at] == "either":
            ways[at] = ways[at - 1]
    return [
        Piece(block, "upright" if way == "either" else way) for block, way in zip(blocks, ways, strict=True)
    ]


def _way(block: Block | str) -> Way:
    if not isinstance(block, Table) or block.is_empty:
        return "upright" if isinstance(block, FlowChart | Picture) else "either"
    return "on its side" if is_wide(block) else "upright"


def _text(block: Block | str, writer: _Writer, width: int) -> str:
    if isinstance(block, str):
        return xml.heading(block, writer.next("Heading"))
    if isinstance(block, Table):
        return _table(block, writer, width)
    if isinstance(block, Picture):
        return _picture(block, writer, width)
    if isinstance(block, FlowChart):
        return _flow(block, writer, width)
    return _paragraph(block)


def _paragraph(block: Paragraph) -> str:
    title = xml.run(f"{block.title}. ", bold=True) if block.title else ""
    return xml.paragraph(title + xml.run(block.text), STYLES[block.mark])


def _table(table: Table, writer: _Writer, width: int) -> str:
    if table.is_empty:
        said = xml.run(f"{table.caption}. ", bold=True) + xml.run(table.empty)
        return xml.paragraph(said) + _notes(table.notes)
    caption = xml.caption("Table", writer.next("Table"), table.caption, above=True)
    return caption + word_table(table, width) + (_notes(table.notes) or xml.paragraph("", "Notes"))


def _notes(notes: Iterable[str]) -> str:
    return "".join(xml.paragraph(xml.run(note), "Notes") for note in notes)


def _flow(chart: FlowChart, writer: _Writer, width: int) -> str:
    drawn = (
        _picture(chart.picture, writer, width)
        if chart.picture
        else _table(flow_table(chart.flow), writer, width)
    )
    sums = len(chart.flow.identities)
    return drawn + (_notes([f"{sums} sums of these counts were checked, and all hold."]) if sums else "")


def _picture(picture: Picture, writer: _Writer, width: int) -> str:
    """Return a picture as wide as the page, unless it would be too tall, and its caption."""
    number = writer.next("Figure")
    relation, image = writer.document.part.get_or_add_image(io.BytesIO(picture.png))
    size = _fitted(image, width)
    drawn = xml.drawing(relation, number, picture.title, picture.said, size)
    return xml.paragraph(drawn, "Figure") + xml.caption("Figure", number, picture.title, above=False)


def _fitted(image: Any, width: int) -> tuple[int, int]:
    most = width * xml.EMU_PER_CM // xml.PER_CM
    share = min(1.0, most / int(image.width), TALLEST / int(image.height))
    return int(image.width * share), int(image.height * share)
