"""What surrounds a Word document's text: styles, headers and footers, properties, its zip file. Not here: the text."""

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analysis.reporting.templates import TEMPLATES
from analysis.reporting.word_table import LANDSCAPE, PORTRAIT
from analysis.reporting.word_xml import SPACES, field, legal, paragraph, run

if TYPE_CHECKING:
    from docx.document import Document

SOFTWARE = "srt-trials"
FIXED = (2000, 1, 1, 0, 0, 0)  # the zip's times: the same report gives the same bytes
MARGIN = 1134  # twentieths of a point: 2 cm
SHORT, LONG = 11906, 16838  # sides of A4
LEFT_OUT = ("/docProps/thumbnail.jpeg", "/word/stylesWithEffects.xml", "/customXml/item1.xml")
PROPERTIES = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>{SOFTWARE}\
</Application></Properties>"""


def new_document() -> "Document":
    """Return an empty document in the report's styles."""
    import docx
    from docx.oxml import parse_xml

    document = docx.Document()
    styles = parse_xml((TEMPLATES / "word_styles.xml").read_bytes())
    document.part._styles_part._element = styles  # noqa: SLF001 - python-docx has no way to exchange them
    _strip(document)
    return document


def _strip(document: "Document") -> None:
    """Take out what python-docx's own template brings: a thumbnail, a second set of styles, its language."""
    for holder in (document.part.package, document.part):
        for name, relation in list(holder.rels.items()):
            if not relation.is_external and str(relation.target_part.partname) in LEFT_OUT:
                del holder.rels[name]
            elif not relation.is_external and str(relation.target_part.partname) == "/docProps/app.xml":
                relation.target_part._blob = PROPERTIES.encode()  # noqa: SLF001
    _set(document.settings.element)


def _set(settings: Any) -> None:
    """Set the language, and the version of Word: an older one than 15 opens in compatibility mode."""
    value = f"{{{settings.nsmap['w']}}}val"
    for language in settings.xpath("w:themeFontLang"):
        language.attrib.clear()
        language.set(value, "en-GB")
    for version in settings.xpath("w:compat/w:compatSetting[@w:name='compatibilityMode']"):
        version.set(value, "15")


def describe(document: "Document", title: str, subject: str) -> None:
    """Set the document's properties: no person, no clock."""
    about = document.core_properties
    about.title, about.subject, about.language = legal(title)[:255], legal(subject)[:255], "en-GB"
    about.author = about.last_modified_by = SOFTWARE
    about.created = about.modified = datetime(*FIXED)  # noqa: DTZ001 - python-docx takes it for UTC
    about.comments = about.keywords = about.category = ""
    about.revision = 1


def furnish(document: "Document", marks: Iterable[str], said: str, title: str) -> str:
    """Put the marks over every page, title and page number under it; return what a section refers to them by.

    Args:
        document: The document.
        marks: What must not be overlooked, a line each.
        said: What stands over every page beside them.
        title: The trial's.
    """
    section = document.sections[0]
    over = [paragraph(run(said), "Header"), *(paragraph(run(mark), "Mark") for mark in marks)]
    pages = f"{run('page ')}{field('PAGE', '1')}{run(' of ')}{field('NUMPAGES', '1')}"
    under = [paragraph(f"{run(f'{title}   ')}{pages}", "Footer")]
    for part, lines in ((section.header, over), (section.footer, under)):
        part.is_linked_to_previous = False
        fill(part._element, "".join(lines))  # noqa: SLF001
    references: Any = section._sectPr  # noqa: SLF001
    return "".join(
        f'<w:{kind}Reference w:type="default" r:id="{references.xpath(f"w:{kind}Reference/@r:id")[0]}"/>'
        for kind in ("header", "footer")
    )


def section_end(references: str, *, is_wide: bool) -> str:
    """Return the properties of a section, on upright pages or on their side."""
    size = f'w:w="{LONG}" w:h="{SHORT}" w:orient="landscape"' if is_wide else f'w:w="{SHORT}" w:h="{LONG}"'
    sides = " ".join(f'w:{side}="{MARGIN}"' for side in ("top", "right", "bottom", "left"))
    return (
        f'<w:sectPr>{references}<w:type w:val="nextPage"/><w:pgSz {size}/>'
        f'<w:pgMar {sides} w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )


def text_width(*, is_wide: bool) -> int:
    """Return the width between a page's margins, in twentieths of a point."""
    return LANDSCAPE if is_wide else PORTRAIT


def fill(element: Any, inside: str) -> None:
    """Put paragraphs and tables in place of an element's children."""
    from docx.oxml import parse_xml

    for child in list(element):
        element.remove(child)
    for child in list(parse_xml(f"<w:body {SPACES}>{inside}</w:body>")):
        element.append(child)


def packed(document: "Document") -> bytes:
    """Return the document's bytes with fixed times in the zip file."""
    loose, whole = io.BytesIO(), io.BytesIO()
    document.save(loose)
    with zipfile.ZipFile(loose) as before, zipfile.ZipFile(whole, "w") as after:
        for one in before.infolist():
            entry = zipfile.ZipInfo(one.filename, FIXED)
            entry.compress_type = (
                zipfile.ZIP_STORED if one.filename.endswith(".png") else zipfile.ZIP_DEFLATED
            )
            after.writestr(entry, before.read(one))
    return whole.getvalue()
