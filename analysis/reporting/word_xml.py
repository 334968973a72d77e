"""The small pieces of a Word document as WordprocessingML: runs, paragraphs, captions, fields. Not here: tables."""

import re
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
PER_CM, EMU_PER_CM = 567, 360000  # twentieths of a point, and English Metric Units
WHERE_BROKEN = "<w:r><w:br/></w:r>"


def legal(text: str) -> str:
    """Return text without the characters that XML can't hold."""
    return NOT_XML.sub("", text)


def plain(text: str) -> str:
    """Return text that XML can hold, escaped."""
    return escape(legal(text))


def run(text: str, style: str = "", *, bold: bool = False, colour: str = "") -> str:
    """Return a run of text; nothing for no text."""
    if not text:
        return ""
    properties = (
        (f'<w:rStyle w:val="{style}"/>' if style else "")
        + ("<w:b/>" if bold else "")
        + (f'<w:color w:val="{colour}"/>' if colour else "")
    )
    whole = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{whole}<w:t xml:space="preserve">{plain(text)}</w:t></w:r>'


def paragraph(inside: str, style: str = "Normal", *, keep_next: bool = False, before: str = "") -> str:
    """Return a paragraph around runs; `before` is what else its properties hold."""
    kept = "<w:keepNext/>" if keep_next else ""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{kept}{before}</w:pPr>{inside}</w:p>'


def field(instruction: str, shown: str) -> str:
    """Return a field with the result it shows until it is updated."""
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {plain(instruction)} </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(shown)}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def heading(text: str, number: int, level: int = 1) -> str:
    """Return a heading that the contents list can lead to by its number."""
    mark = f'<w:bookmarkStart w:id="{number}" w:name="{address(number)}"/>{run(text)}<w:bookmarkEnd w:id="{number}"/>'
    return paragraph(mark, f"Heading{level}")


def address(number: int) -> str:
    """Return the bookmark of a heading; Word takes those that begin so for its own contents list."""
    return f"_Toc{number:08d}"


def caption(kind: Literal["Table", "Figure"], number: int, text: str, *, above: bool) -> str:
    """Return a caption that Word numbers and can refer to."""
    numbered = run(f"{kind} ") + field(f"SEQ {kind} \\* ARABIC", str(number))
    return paragraph(f"{numbered}{run(f'. {text}')}", "Caption", keep_next=above)


def contents(titles: list[str]) -> str:
    """Return a contents list that is filled in already; Word adds page numbers when it is updated.

    Args:
        titles: The headings' texts; the first has number 1.
    """
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    lines = [
        f'<w:hyperlink w:anchor="{address(number)}" w:history="1">{run(title, "Hyperlink")}</w:hyperlink>'
        for number, title in enumerate(titles, start=1)
    ]
    first, last = (begin if lines else ""), (end if lines else "")
    whole = [
        (first if i == 0 else "") + line + (last if i == len(lines) - 1 else "")
        for i, line in enumerate(lines)
    ]
    return "".join(paragraph(line, "TOC1") for line in whole)


def drawing(relation: str, number: int, title: str, said: str, size: tuple[int, int]) -> str:
    """Return a picture in the line; size in English Metric Units, `said` is its alternative text."""
    width, height = size
    return (
        f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="{number}" name="Figure {number}" title={_attribute(title)} descr={_attribute(said)}/>'
        '<wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="{number}" name="figure{number}.png"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def _attribute(text: str) -> str:
    return quoteattr(legal(text))
