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
