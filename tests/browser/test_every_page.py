"""What holds of every page a run writes: report, open report, validation, index."""

import shutil
import subprocess
from itertools import pairwise

import pytest

from analysis.reporting.html import render_html
from analysis.reporting.report import Report, Section
from analysis.reporting.table import Column, Table, one_group, row
from data_contracts.standing import MARK

pytestmark = pytest.mark.browser
PAGES = {
    "report": "demo/report.html",
    "open": "demo/open/report-open.html",
    "validation": "demo/validation/index.html",
    "index": "index.html",
}
PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")


@pytest.fixture(params=PAGES)
def file(request, home):
    return home / "reports" / PAGES[request.param]


@pytest.fixture
def report(home):
    return home / "reports" / PAGES["report"]


def test_a_page_opens_without_errors_and_asks_the_network_for_nothing(file, visit):
    """It must work as a mail attachment, on a machine without network."""
    page, errors, fetched = visit(file)
    assert (errors, fetched) == ([], [])
    assert page.locator("main h2").count() >= 1


def test_every_link_of_a_page_resolves(file, visit):
    """A link that is dead is worse than none: each leads to a place of the page or a file beside it."""
    page, _, _ = visit(file)
    links = set(page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"))
    assert len(links) >= 3
    for link in links:
        address, _, place = link.partition("#")
        if address:
            assert (file.parent / address).exists(), link
        else:
            assert page.locator(f'[id="{place}"]').count() == 1, link


def test_the_contents_list_leads_to_each_section_and_marks_it(file, visit):
    """The heading that was asked for is in view, not under a bar, and the list says where the reader is."""
    page, _, _ = visit(file, viewport={"width": 1280, "height": 700}, reduced_motion="reduce")
    targets = page.eval_on_selector_all("nav a[href^='#']", "links => links.map(a => a.getAttribute('href'))")
    assert len(targets) >= 2
    for target in targets[:-1]:  # the last may be too short to reach the top
        page.click(f"nav a[href='{target}']")
        page.wait_for_function("t => document.querySelector('nav [aria-current]')?.hash === t", arg=target)
        top = page.locator(target).bounding_box()["y"]
        assert -2 <= top < 350, target


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(file, visit, scheme):
    """Contrast, names, roles, order of headings, headers of tables: what a program can judge of access."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed (.ci/browser.lock)"
    )
    page, _, _ = visit(file, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    found = axe.Axe().run(page).response["violations"]
    told = [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in SERIOUS]
    assert told == []


def test_axe_finds_no_serious_fault_on_a_telephone(file, visit):
    """Where tables scroll, the keyboard must reach them."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed (.ci/browser.lock)"
    )
    page, _, _ = visit(file, viewport=PHONE)
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in SERIOUS] == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_never_scrolls_sideways(file, visit, width):
    """Nothing but a table in its own box may be wider than the screen."""
    page, _, _ = visit(file, viewport={"width": width, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_no_table_of_the_report_is_cut_at_the_width_of_a_laptop(report, visit):
    """Model checks and sensitivity analyses are read side by side."""
    page, _, _ = visit(report, viewport={"width": 1280, "height": 900})
    cut = "boxes => boxes.filter(b => b.scrollWidth > b.clientWidth + 1).map(b => b.getAttribute('aria-labelledby'))"
    assert page.eval_on_selector_all(".scroll", cut) == []


def test_the_button_turns_the_colours_and_keeps_them_readable(file, visit):
    """A reader in a dark room isn't bound to the system's setting; text stands out by 4.5 to 1 (WCAG AA) in both."""
    page, errors, _ = visit(file, color_scheme="light")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#scheme")
    dark = page.evaluate(ground)
    assert dark != light
    assert page.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.click("#scheme")
    assert page.evaluate(ground) == light
    assert errors == []


def test_search_counts_marks_and_goes_through_what_it_finds(report, visit):
    """ "/" begins, Enter goes on and round, Escape ends and leaves the page as it was."""
    page, errors, _ = visit(report)
    before = page.inner_text("main")
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.id") == "sought"
    page.keyboard.type("kenward-roger")
    page.wait_for_selector("mark.now")
    hits = page.locator("mark").count()
    assert hits >= 2
    assert page.inner_text("#search output") == f"1 of {hits}"
    page.keyboard.press("Enter")
    assert page.inner_text("#search output") == f"2 of {hits}"
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    assert page.inner_text("#search output") == f"{hits} of {hits}"
    assert page.locator("mark.now").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("mark").count() == 0
    assert page.inner_text("main") == before
    page.fill("#sought", "no such words")
    page.wait_for_function("() => document.querySelector('#search output').textContent === 'Not found'")
    page.fill("#sought", "sums were checked")
    page.wait_for_selector("mark.now")
    assert errors == []


def test_search_finds_a_negative_number_however_its_sign_is_typed(report, visit):
    """Pages print a true minus sign; keyboards have a hyphen."""
    page, _, _ = visit(report)
    page.fill("#sought", "(-2")
    page.wait_for_selector("mark.now")
    assert page.inner_text("mark >> nth=0") == "(\N{MINUS SIGN}2"


def test_a_page_reads_whole_without_its_script(file, browser, visit):
    """Some mail programs show a page and run nothing."""
    page, _, _ = visit(file)
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(file.as_uri())
    assert plain.inner_text("main") == page.inner_text("main")
    assert not plain.locator("#search").is_visible()
    assert not plain.locator("#scheme").is_visible()
    context.close()


def test_no_other_script_runs_in_a_page(file, tmp_path, visit):
    """The page's policy knows its one script by hash: text that slipped through as a script stays dead."""
    altered = tmp_path / "altered.html"
    text = file.read_text(encoding="utf-8")
    altered.write_text(
        text.replace("</main>", "</main><script>document.title = 'run'</script>"), encoding="utf-8"
    )
    page, errors, _ = visit(altered)
    assert page.title() != "run"
    assert any("Content Security Policy" in error for error in errors)
    assert page.locator("#search").is_visible()  # its own still does


def test_a_page_can_be_heard(file, visit):
    """Landmarks, one first heading, none skipped; captions and scoped headings in tables; a picture has words."""
    page, _, _ = visit(file)
    for landmark in ("header", "nav[aria-label]", "main", "footer", "[role=search]"):
        assert page.locator(landmark).first.count() == 1, landmark
    levels = page.eval_on_selector_all("h1, main h2, main h3", "hs => hs.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    missing = """cells => cells.filter(c => !c.headers || c.headers.split(" ").some(id => !document.getElementById(id)))
        .map(c => c.outerHTML)"""
    assert page.eval_on_selector_all("td", missing) == []
    for figure in page.locator("figure svg").all():
        assert figure.get_attribute("role") == "img"
        assert figure.locator("title").text_content()
        assert figure.locator("desc").text_content()


def test_the_keyboard_reaches_the_result_first_and_shows_where_it_is(file, visit):
    """The first stop skips to the contents; each stop has a visible ring."""
    page, _, _ = visit(file)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"


def _pages_of(pdf):
    """Return the text of each page of a PDF."""
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine")
    said = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True)
    return said.stdout.split("\f")[:-1]


def test_a_page_prints_and_no_sheet_is_blank(file, visit, tmp_path):
    """Reports are still handed round on paper."""
    page, _, _ = visit(file)
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    sheets = _pages_of(tmp_path / "page.pdf")
    assert len(sheets) >= 2
    assert all(len(sheet.split()) > 15 for sheet in sheets)
    assert "Search this page" not in "".join(sheets)


def test_the_sheets_of_a_report_are_numbered(report, visit, tmp_path):
    """A loose sheet says whose it is and where it belongs."""
    page, _, _ = visit(report)
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    sheets = _pages_of(tmp_path / "page.pdf")
    assert all(f"Page {i} of {len(sheets)}" in sheet for i, sheet in enumerate(sheets, start=1))
    assert all("final report" in sheet for sheet in sheets)


def test_a_shuffled_report_says_so_on_each_printed_sheet(visit, tmp_path):
    """A sheet that gets lost must not pass for a finding."""
    rows = one_group(row(f"Row {i}", str(i)) for i in range(150))
    table = Table("long-table", "A long table", (Column("Row", "text"), Column("Value")), rows)
    report = Report(
        "A trial's \"title\"; with } all </style>", "final", "", "", is_synthetic=False, marks={"shuffled": MARK},
        headlines=(), key_figures=(("randomised", "150"),), sections=(Section("long", "Long", (table,)),),
    )  # fmt: skip
    (tmp_path / "report.html").write_text(render_html(report), encoding="utf-8")
    page, errors, _ = visit(tmp_path / "report.html")
    assert errors == []
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    sheets = _pages_of(tmp_path / "page.pdf")
    assert len(sheets) >= 3
    assert all("Allocation shuffled" in sheet for sheet in sheets)
    assert all('title"; with } all </style>' in sheet for sheet in sheets)
