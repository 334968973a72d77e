"""The pages of a run in headless Chromium, for all tests of this folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
