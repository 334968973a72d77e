"""The report in Word: every number is there, every page says what it is, the bytes are always the same."""

import io
import subprocess
import sys
import zipfile
from dataclasses import replace

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.text.paragraph import Paragraph as WordParagraph

from analysis.reporting.consort import Flow, Reasons, VisitFlow, Way
from analysis.reporting.figures import look
from analysis.reporting.headline import Headline
from analysis.reporting.report import FlowChart, Paragraph, Picture, Report, Section
from analysis.reporting.table import Cell, Column, Group, Table, one_group, row
from analysis.reporting.templates import TEMPLATES
from analysis.reporting.word import SAID_OF, SHUFFLED_VERDICT, SYNTHETIC, VERDICTS, render_word
from analysis.reporting.word_table import LANDSCAPE, PORTRAIT, column_widths
from data_contracts.spec import Visit
from data_contracts.standing import MARK

SAID = "The means of both arms rise & fall: <none> is “better”."


def table(name: str = "means", columns: int = 3) -> Table:
    """Return a table with everything a table can have."""
    rest = [Cell(f"{i}.5", "key", detail="(1.0 to 2.0)") for i in range(1, columns)]
    return Table(
        name,
        "Means & differences",
        (Column("Visit", "short"), *(Column(f"Arm {i}", detail="mean (95% CI)") for i in range(1, columns))),
        (
            Group(
                (row("9 months", *rest, mark="primary"), row("15 months", *rest, mark="indented")),
                "Group {one}",
            ),
            Group(
                (
                    row("24 months", Cell("not estimable: {x} < 3", span=columns - 1)),
                    row("30 months", Cell("wide", span=columns - 2), "9.9"),
                )
            ),
            Group((row(Cell("late", light="risk"), *rest, mark="quiet"), row("short")), "Others"),
        ),
        ("A note.", "Another."),
    )


def picture(name: str = "means-figure") -> Picture:
    figure, axes = look.blank(4, 3)
    axes.plot([0, 1], [0, 1])
    return look.picture(figure, name, "Adjusted means", SAID)


def flow() -> Flow:
    visit = Visit(code="m9", label="9 months", month=9)
    seen = (VisitFlow(visit, 70, Reasons(9, ()), is_primary=True),)
    way = Way("UC", "Usual care", 80, Reasons(1, (("ineligible", 1),)), None, None, seen, None, 75)
    return Flow("arm", 80, 75, (way,), ("80 = 75 + 5",))


@pytest.fixture(scope="module")
def report() -> Report:
    """Return a report with each kind of block."""
    blocks = (
        Paragraph("As planned.", title="Method"),
        table(),
        picture(),
        Paragraph("Take care.", "warning"),
    )
    wide = (Paragraph("Before a wide table."), table("wide", 10), Paragraph("After it.", "notes"))
    empty = Table("none", "Nothing", (Column("A"),), one_group(()), empty="There is none.")
    return Report(
        title="SRT against usual care",
        audience="final",
        registration="ISRCTN1",
        description="A trial.",
        is_synthetic=True,
        marks={"shuffled": MARK, "not-as-locked": "NOT AS LOCKED: the plan."},
        headlines=(Headline("better", "It was higher.", "A detail."),),
        key_figures=(("randomised", "155"),),
        sections=(
            Section("primary", "Primary analysis", blocks),
            Section("wide", "A wide part", wide),
            Section(
                "flow", "Participant flow", (FlowChart(flow()), FlowChart(flow(), picture("drawn")), empty)
            ),
        ),
    )


@pytest.fixture(scope="module")
def document(report):
    """Return the report as python-docx reads it back."""
    return docx.Document(io.BytesIO(render_word(report)))


def shown(cell: Cell) -> str:
    text = f"● {cell.text}" if cell.light else cell.text
    return f"{text}\n{cell.detail}" if cell.detail else text


def expected(made: Table) -> list[list[str]]:
    """Return the text in each place of the grid; a wide cell is in each place it covers."""
    width = len(made.columns)
    grid = [[f"{c.label}\n{c.detail}" if c.detail else c.label for c in made.columns]]
    for group in made.groups:
        grid += [[group.label] * width] if group.label else []
        for one in group.rows:
            texts = [text for cell in one.cells for text in [shown(cell)] * cell.span]
            grid.append(texts + [""] * (width - len(texts)))
    return grid


@pytest.mark.parametrize(("at", "made"), [(0, table()), (1, table("wide", 10))])
def test_every_cell_of_a_table_stands_in_its_place(document, at, made):
    """Numbers are copied from Word into papers."""
    found = document.tables[at]
    assert [[cell.text for cell in one.cells] for one in found.rows] == expected(made)


def test_a_table_repeats_its_heading_and_splits_no_row(document):
    """A number on the next page must not be without its heading."""
    for found in document.tables:
        assert [bool(one._tr.xpath("w:trPr/w:tblHeader")) for one in found.rows] == [
            True, *[False] * (len(found.rows) - 1),
        ]  # fmt: skip
        assert all(one._tr.xpath("w:trPr/w:cantSplit") for one in found.rows)


def test_numbers_stand_right_and_words_left(document):
    """A column of numbers is read along its last digit."""
    cells = document.tables[0].rows[2].cells
    assert [cell.paragraphs[0].style.name for cell in cells] == ["Table Text", "Table Number", "Table Number"]


def test_captions_are_numbered_fields_in_the_style_word_refers_to(document):
    """Word's own cross-references and lists find them by field and style."""
    captions = [p for p in document.paragraphs if p.style.name == "Caption"]
    assert [p.text.split(".")[0] for p in captions] == [
        "Table 1", "Figure 1", "Table 2", "Table 3", "Figure 2",
    ]  # fmt: skip
    fields = ["".join(p._p.xpath(".//w:instrText/text()")).split()[:2] for p in captions]
    assert fields == [["SEQ", p.text.split()[0]] for p in captions]


def test_headings_and_contents_tell_the_same(document, report):
    """An empty contents list is what a reader sees first."""
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert headings == ["Result", *(section.title for section in report.sections)]
    listed = [p for p in document.paragraphs if p.style.name == "toc 1"]
    assert ["".join(p._p.xpath(".//w:hyperlink//w:t/text()")) for p in listed] == headings
    marks = set(document.element.xpath("//w:bookmarkStart/@w:name"))
    assert {p._p.xpath(".//w:hyperlink/@w:anchor")[0] for p in listed} == marks


def test_every_section_says_above_each_page_what_must_not_be_overlooked(document):
    """Somebody prints one page."""
    for section in document.sections:
        said = [p.text for p in section.header.paragraphs]
        assert said == ["Trial report, final: by arm", MARK, "NOT AS LOCKED: the plan.", SYNTHETIC]
        assert section.footer.paragraphs[0].text == "SRT against usual care   page 1 of 1"
        assert not section.different_first_page_header_footer


def test_a_wide_table_lies_on_its_side_with_what_belongs_to_it(document):
    """Ten columns do not fit an upright page; their heading goes with them."""
    assert [s.orientation for s in document.sections] == [
        WD_ORIENT.PORTRAIT, WD_ORIENT.PORTRAIT, WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT,
    ]  # fmt: skip
    inside = list(document.sections)[2].iter_inner_content()
    wide = [one.text for one in inside if isinstance(one, WordParagraph)]
    assert wide[:2] == ["A wide part", "Before a wide table."]
    assert {(s.page_width.mm // 1, s.page_height.mm // 1) for s in document.sections} == {
        (210, 297),
        (297, 210),
    }


def test_pictures_say_in_words_what_they_show(document):
    """Somebody hears the report."""
    said = document.element.xpath("//wp:docPr/@descr")
    assert said == [SAID, SAID]


def test_a_flow_without_a_picture_is_a_table(document):
    """The numbers must be there all the same."""
    found = document.tables[2]
    assert [[c.text for c in r.cells] for r in found.rows] == [
        ["Stage", "Usual care"],
        ["Randomised", "80"],
        ["Excluded after randomisation", "1"],
        ["Observed, 9 months", "70"],
        ["Not observed, 9 months", "9"],
        ["In the primary analysis", "75"],
    ]


def test_the_shuffled_result_is_no_success(document):
    """ "Better than the reference" would be read as a result."""
    texts = [p.text for p in document.paragraphs]
    assert "Allocation shuffled" in texts
    assert "Better than the reference" not in texts


def test_the_page_and_the_document_say_it_in_the_same_words():
    """Two wordings of one verdict are two verdicts."""
    page = (TEMPLATES / "report.html.j2").read_text()
    assert all(f'"{said}"' in page for said in (*VERDICTS.values(), SHUFFLED_VERDICT))


def test_the_properties_name_the_software_and_british_english(document):
    """No person wrote it, and spelling is checked as the report is spelt."""
    about = document.core_properties
    assert (about.author, about.last_modified_by, about.language) == ("srt-trials", "srt-trials", "en-GB")
    assert about.title == "SRT against usual care"
    assert document.styles.element.xpath("//w:lang/@w:val") == ["en-GB"]
    mode = document.settings.element.xpath("//w:compatSetting[@w:name='compatibilityMode']/@w:val")
    assert mode == ["15"], "or Word says that the file is of an old version"


def test_what_must_not_be_overlooked_stands_in_the_properties_too(report):
    """A file's name is lost in a document store, which shows the subject."""
    for marks in (report.marks, {}):
        made = replace(report, sections=(), marks=marks)
        subject = docx.Document(io.BytesIO(render_word(made))).core_properties.subject
        assert subject == " ".join([*marks.values(), SYNTHETIC, SAID_OF["final"]])[:255]
        assert subject.startswith(MARK) == bool(marks)


def test_the_same_report_gives_the_same_bytes_in_another_process(report):
    """A changed file must mean a changed report; hashes of text differ between processes."""
    plain = replace(report, sections=report.sections[:1])
    code = "import sys, pickle; from analysis.reporting.word import render_word; import hashlib\n"
    code += "print(hashlib.sha256(render_word(pickle.load(sys.stdin.buffer))).hexdigest())"
    import hashlib
    import pickle

    others = {
        subprocess.run(
            [sys.executable, "-c", code], input=pickle.dumps(plain), capture_output=True, check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin"}, cwd=".",
        ).stdout.decode().strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert others == {hashlib.sha256(render_word(plain)).hexdigest()}


def test_no_time_and_nothing_of_the_library_s_own_template_is_in_the_file(report):
    """A clock in the zip file would change its bytes; a thumbnail of another document is none of ours."""
    with zipfile.ZipFile(io.BytesIO(render_word(report))) as packed:
        assert {one.date_time for one in packed.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert not [
            n for n in packed.namelist() if "thumbnail" in n or "WithEffects" in n or "customXml" in n
        ]
        assert b"Macintosh" not in packed.read("docProps/app.xml")


def test_text_that_xml_cannot_hold_does_not_stop_the_report(report):
    """A label may come with a control character or a brace."""
    odd = replace(report, title="A\x0b{title} <&>", sections=(), marks={})
    read = docx.Document(io.BytesIO(render_word(odd)))
    assert read.paragraphs[0].text == "A{title} <&>"


@pytest.mark.parametrize("page", [PORTRAIT, LANDSCAPE])
@pytest.mark.parametrize("length", [1, 40, 400])
def test_columns_never_leave_the_page(page, length):
    """Word lets a table run off the paper without a word."""
    words = " ".join(["w" * 12] * (length // 12 + 1))
    made = Table("t", "T", (Column("A", "text"), Column("B", "code"), Column("C")), one_group(
        [row(words, "f" * length, "1.0")]
    ))  # fmt: skip
    widths = column_widths(made, page)
    assert sum(widths) <= page
    assert min(widths) > 300
