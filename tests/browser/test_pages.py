"""The pages a run writes, opened in headless Chromium as their reader would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a state folder in which the demonstration trial has run."""
    folder = tmp_path_factory.mktemp("home")
    srt = Path(sys.executable).with_name("srt")
    subprocess.run(
        [srt, "run", "demo"], env={**os.environ, "SRT_HOME": str(folder)}, check=True, capture_output=True
    )
    return folder


NIGHTS = """
from datetime import UTC, datetime

from data_contracts.errors import ContractError
from pipelines.home import find_home
from pipelines.resources import TrialPlace
from pipelines.run import run_trial

def night(day):
    TrialPlace.now = lambda self: datetime(2026, 3, day, 2, tzinfo=UTC)
    try:
        run_trial("demo", select="checked")
    except ContractError:
        print("withheld")

def edit(name, *pairs):
    path = find_home().landing("demo") / name
    path.with_name(name + ".manifest.json").unlink(missing_ok=True)
    text = path.read_text()
    for old, new in pairs:
        text = text.replace(old, new)
    path.write_text(text)

night(1)
edit("adverse_events.csv", (",admission,Y,", ",admission,Q,"), ("Appendicitis", "Told the SRT therapist"))
night(2)
edit("allocation.csv", (",SRT,0", ",XX,0"))
night(3)
pages = find_home().validation("demo")
(pages / "withheld.html").write_text((pages / "index.html").read_text())
edit("allocation.csv", (",XX,0", ",SRT,0"))
edit("adverse_events.csv", (",admission,Q,", ",admission,Y,"))
night(20)
"""


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Return the validation pages after four nights, the third of them withheld (its page is kept beside)."""
    folder = tmp_path_factory.mktemp("nights")
    environment = {**os.environ, "SRT_HOME": str(folder)}
    srt = Path(sys.executable).with_name("srt")
    subprocess.run([srt, "simulate", "demo"], env=environment, check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", NIGHTS], env=environment, check=True, capture_output=True)
    return folder / "reports" / "demo" / "validation"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (.ci/browser.lock)"
    )
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Open a file and return the page, its console errors and what it tried to fetch."""

    def opened(file, **options):
        page = browser.new_page(**options)
        errors, fetched = [], []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(file.as_uri())
        return page, errors, [url for url in fetched if not url.startswith(("file:", "data:"))]

    return opened


def test_the_report_needs_no_network_and_has_no_errors(home, visit):
    """It must work as a mail attachment."""
    page, errors, fetched = visit(home / "reports" / "demo" / "report.html")
    assert errors == []
    assert fetched == []
    assert "Structured activity" in page.inner_text("main, body")


def test_every_entry_of_the_contents_goes_somewhere(home, visit):
    """A contents list whose links are dead is worse than none."""
    page, _, _ = visit(home / "reports" / "demo" / "report.html")
    targets = page.eval_on_selector_all("nav a[href^='#']", "links => links.map(a => a.getAttribute('href'))")
    assert len(targets) >= 6
    for target in targets:
        page.click(f"nav a[href='{target}']")
        assert page.url.endswith(target)
        assert page.locator(target).count() == 1


def test_the_report_follows_the_readers_colour_scheme(home, visit):
    """Light and dark differ, and both keep text apart from its ground."""
    grounds = []
    for scheme in ("light", "dark"):
        page, errors, _ = visit(home / "reports" / "demo" / "report.html", color_scheme=scheme)
        assert errors == []
        colours = page.evaluate(
            "() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color] }"
        )
        assert colours[0] != colours[1]
        grounds.append(colours[0])
    assert grounds[0] != grounds[1]


def test_the_report_fits_a_telephone(home, visit):
    """Nothing but a table that says so may be wider than the screen."""
    page, _, _ = visit(home / "reports" / "demo" / "report.html", viewport={"width": 400, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400


def test_the_report_links_to_the_validation_pages_and_they_are_styled(home, visit):
    """Data Docs fetch their style from elsewhere unless told otherwise; ours must not."""
    page, _, _ = visit(home / "reports" / "demo" / "report.html")
    page.click("a[href*='validation']")
    assert "validation" in page.url
    index = home / "reports" / "demo" / "validation" / "index.html"
    for file in sorted(index.parent.rglob("*.html")):
        shown, errors, fetched = visit(file)
        assert errors == [], file.name
        assert fetched == [], file.name
        assert shown.evaluate("() => getComputedStyle(document.body).fontFamily") not in (
            "",
            '"Times New Roman"',
        )


CONTRAST = """selector => {
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.match(/[0-9.]+/g).map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c } return "rgb(255, 255, 255)" };
  return [...document.querySelectorAll(selector)].map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    return (a + .05) / (b + .05) }) }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "withheld.html"])
def test_the_validation_page_needs_nothing_and_can_be_read_in_both_schemes(nights, visit, name, scheme):
    """Letters and ground differ by 4.5 to 1 at least (WCAG AA), badge and lights among them."""
    page, errors, fetched = visit(nights / name, color_scheme=scheme)
    assert (errors, fetched) == ([], [])
    assert page.locator(".badge").inner_text() == (
        "Accepted" if name == "index.html" else "Withheld from analysis"
    )
    for selector in (".badge", ".light", "dd", "td", "td small", ".notes", "nav a"):
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios, selector
        assert min(ratios) >= 4.5, (selector, min(ratios))


def test_every_link_of_the_validation_page_resolves(nights, visit):
    """Into the page itself, and to each form's Data Docs, which lead back."""
    page, _, _ = visit(nights / "index.html")
    links = set(page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"))
    assert "docs/allocation.html" in links
    for link in links:
        if link.startswith("#"):
            assert page.locator(link).count() == 1, link
        else:
            assert (nights / link).is_file(), link
    page.click("nav a[href='docs/allocation.html']")
    page.click("header a[href='../index.html'] >> nth=0")
    assert page.url == (nights / "index.html").as_uri()


def test_the_validation_page_tells_of_the_nights(nights, visit):
    """The figure has a name and a description; the withheld night is marked."""
    page, _, _ = visit(nights / "index.html")
    figure = page.get_by_role("img")
    assert "Open queries by severity" in figure.locator("title").text_content()
    words = page.locator("figcaption").inner_text()
    assert "4 nights from 2026-03-01 to 2026-03-20." in words
    assert "1 night withheld" in words
    assert (
        "the data changed since 3 March 2026 (files: Randomisation list and Adverse events)"
        in page.inner_text("#state")
    )
    box = page.locator("figure svg").bounding_box()
    for text in page.locator("figure svg text").all():
        own = text.bounding_box()
        assert own["x"] >= box["x"] - 1
        assert own["x"] + own["width"] <= box["x"] + box["width"] + 1


def test_the_validation_page_can_be_heard_and_printed(nights, visit):
    """Headings in order, a caption and scoped headings in each table; print leaves the contents list out."""
    page, _, _ = visit(nights / "index.html")
    levels = page.eval_on_selector_all("h1, main h2, main h3", "hs => hs.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    for table in page.locator("table").all():
        assert table.locator("caption").inner_text()
        assert table.locator("th:not([scope])").count() == 0
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator(".badge").is_visible()


def test_the_validation_page_fits_a_telephone(nights, visit):
    """Nothing but a table that says so may be wider than the screen."""
    page, _, _ = visit(nights / "index.html", viewport={"width": 400, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
