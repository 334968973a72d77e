"""The index page in headless Chromium: as a file, and as `srt ui` serves it."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from analysis.reporting.index import SAID, Asked, TrialLine, render_index
from data_contracts.standing import MARK
from pipelines.home import Home
from pipelines.last_run import begin

pytestmark = pytest.mark.browser
RUN = "0b0e2c4e-3e19-4589-908e-7117522e09d2"
TOP = "() => document.querySelector('{}').getBoundingClientRect().top < 200"  # it scrolls smoothly
THEN = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)
LINE = TrialLine(
    trial="hackney",
    title="Social recovery therapy plus early intervention services against early intervention services alone",
    outcome="published",
    last_run=THEN,
    run_id=RUN,
    blinding="blinded, locked on 2026-05-01 by A. Reader",
    allocation="shuffled",
    queries=Asked({"critical": 3, "warning": 12, "info": 1}, overdue=2),
    headlines=(f"{MARK} Structured activity at 9 months: no clear difference (p = 0.4).",),
    result_time=THEN,
    not_as_locked="NOT AS LOCKED: the data are not what A. Reader locked.",
    links={"Report": "hackney/report.html", "Validation report": "hackney/validation/index.html"},
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a page with a trial in every state, and the pages it leads to."""
    folder = tmp_path_factory.mktemp("reports")
    lines = [
        replace(
            LINE,
            trial=f"trial_{n}",
            outcome=outcome,
            is_shipped=n > 6,
            is_synthetic=n > 6,
            trouble=("It went wrong: `srt doctor` looks.",) if SAID[outcome][0] == "bad" else (),
            links={text: address.replace("hackney", f"trial_{n}") for text, address in LINE.links.items()},
        )
        for n, outcome in enumerate(SAID)
    ]
    for line in lines:
        for address in line.links.values():
            (folder / address).parent.mkdir(parents=True, exist_ok=True)
            (folder / address).write_text("<title>a page</title>")
    (folder / "index.html").write_text(render_index(lines, THEN))
    return folder / "index.html"


@pytest.fixture
def visit(browser):
    """Open an address and return the page, its console errors and what it asked for beside itself."""

    def opened(address, **options):
        page = browser.new_page(**options)
        errors, asked = [], []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page, errors, [url for url in asked if url != address and not url.startswith("data:")]

    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_needs_nothing_and_axe_finds_no_serious_fault(file, visit, scheme):
    """Every state is on it; letters and ground are told apart in both schemes."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page, errors, asked = visit(file.as_uri(), color_scheme=scheme)
    assert (errors, asked) == ([], [])
    found = axe.Axe().run(page).response["violations"]
    grave = [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in {"serious", "critical"}
    ]
    assert grave == []


def test_every_link_of_the_file_resolves(file, visit):
    """Into the page itself, and to pages beside it; to no server, since none may be running."""
    page, _, _ = visit(file.as_uri())
    links = page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))")
    assert len(links) > 3 * len(SAID)
    for link in set(links):
        if link.startswith("#"):
            assert page.locator(link).count() == 1, link
        else:
            assert (file.parent / link).is_file(), link
    page.click("nav a[href='#trial-trial_3']")
    page.wait_for_function(TOP.format("#trial-trial_3 h2"))
    page.click("#trial-trial_0 a >> nth=0")
    assert page.title() == "a page"


def test_the_page_fits_a_telephone_and_prints_without_its_links(file, visit):
    """Nothing but a table that says so may be wider than the screen."""
    page, _, _ = visit(file.as_uri(), viewport={"width": 400, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 400
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator(".links").first.is_visible()
    assert page.locator("#trial-trial_0 .sentence").is_visible()


@contextmanager
def serving(home):
    from uvicorn import Config, Server

    from pipelines.pages import Served, application, names_of
    from pipelines.ui import listen

    listening = listen("127.0.0.1", 0, "--pages-port")
    server = Server(
        Config(application(Served(home, 9, names_of("127.0.0.1"))), log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)


def test_the_served_page_works_under_the_servers_policy_and_leads_to_the_run(visit, tmp_path, monkeypatch):
    """The server's headers must not take away what the page's own policy allows: its style and its script."""
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    home = Home(tmp_path).ready()
    begin(home, "demo", RUN, THEN)
    with serving(home) as address:
        page, errors, asked = visit(address)
        assert (errors, [url for url in asked if not url.endswith("favicon.ico")]) == ([], [])
        assert page.locator("#search").is_visible(), "which the script alone shows"
        assert page.evaluate("() => getComputedStyle(document.body).fontFamily") not in {
            "",
            '"Times New Roman"',
        }
        lead = page.locator(f"a[href='runs/{RUN}']")
        assert lead.count() == 1
        page.close()
